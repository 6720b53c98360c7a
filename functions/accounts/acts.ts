import type { Deadline } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import { type Subject, type User, withdrawnAt } from '../record/user.ts'
import * as writes from '../record/writes.ts'
import { missing } from '../record/writes.ts'
import { gather } from '../seam/rate-limit.ts'
import type { Times } from '../times.ts'
import { type AccountDeps, type ChangeResult, changeUser, type RecordChange, unrecorded } from './change.ts'

/** Who may have what: what operators, webhooks and identity providers change. */

/** What is to change beside the accounts. What is absent stays as it is. */
export interface Changes {
  /** These are to be the user's accounts, and no others. */
  replace?: boolean
  status?: 'active' | 'disabled'
  /** Epoch milliseconds; null: no end date. */
  access_until?: number | null
  /** Epoch milliseconds; never lowers what stands. */
  not_before?: number
}

/**
 * Gives accounts to a user, who is recorded if need be, and made active if removed; live sessions are widened in place.
 * All of it is one write.
 */
export async function grantAccounts(
  deps: AccountDeps,
  who: Subject,
  accountIds: string[],
  deadline: Deadline,
  changes: Changes = {},
): Promise<ChangeResult> {
  const { replace = false, status, access_until, not_before } = changes
  const mayTake = replace || [status, access_until, not_before].some((change) => change !== undefined)
  let deleted: string[] = []
  const change: RecordChange = {
    absent: who,
    effect: mayTake ? 'both' : 'gives',
    prepare: async (read) => {
      // What is held has its holder already, and a deletion takes it by the record.
      deleted = await addHolders(deps, who.owner, missing(accountIds, read.connected_account_ids))
    },
    write: (user, now) => {
      const next = granted(user, missing(accountIds, deleted), changes, now)
      checkCount(deps, next)
      return next
    },
  }
  return { ...(await changeUser(deps, who.owner, change, deadline)), deletedAccountIds: deleted }
}

/** The record with these accounts and changes; nothing is looked up. */
export function granted(user: User, accountIds: string[], changes: Changes, now: number): User {
  const { replace, status, access_until, not_before } = changes
  const hold = replace ? writes.setAccountIds : writes.grant
  let next = hold(writes.revive(user), accountIds, now)
  if (status === 'disabled') next = writes.disable(next, 'operator', now)
  if (status === 'active') next = writes.enable(next, 'operator')
  if (access_until !== undefined) next = writes.setAccessUntil(next, access_until ?? undefined, now)
  if (not_before !== undefined && not_before > (next.not_before ?? 0)) next = { ...next, not_before }
  return next
}

/**
 * Holder first, then the look at the account, then the record against the first read: whatever comes between, a
 * deletion finds the holder, or we find its tombstone. Which of the accounts are deleted.
 */
async function addHolders(deps: AccountDeps, owner: string, accountIds: string[]): Promise<string[]> {
  const deleted = await gather([...new Set(accountIds)], async (id) => {
    await deps.table.addHolder(id, owner)
    return (await deps.table.readTombstone(id)) === undefined ? [] : [id]
  })
  return deleted.flat()
}

function checkCount({ accountsPerUser }: AccountDeps, user: User): void {
  if (user.connected_account_ids.length <= accountsPerUser) return
  throw new Problem('invalid_request', {
    detail: `A user may have at most ${accountsPerUser} accounts; withdraw some first.`,
    reason: 'too_many_accounts',
  })
}

/** A login in a Connect Webview. */
export interface LoginEffect {
  owner: string
  accountId: string
  /** Hash of webview and account. */
  mark: string
  /** Epoch milliseconds, by Seam's clock. */
  at: number
  /** Its Connect Webview is too old for the record to remember what was withdrawn since. */
  tooOld: boolean
}

/** Why a login gave nothing. */
export type LoginFault =
  | 'already_counted'
  | 'login_too_old'
  | 'withdrawn_since'
  | 'account_deleted'
  | 'too_many_accounts'
  | 'no_record'

/** Marks a login as done and adds its account, in one write. A login of a removed user changes nothing. */
export async function recordLoginOf(
  deps: AccountDeps,
  login: LoginEffect,
  deadline: Deadline,
): Promise<{ fault?: LoginFault; result?: ChangeResult }> {
  const { owner, accountId, mark } = login
  let fault: LoginFault | undefined
  const change: RecordChange = {
    effect: 'gives',
    prepare: async (read) => {
      if (read.status === 'removed') throw unrecorded()
      fault = loginFault(deps.terms.times, read, login)
      if (fault === undefined && (await addHolders(deps, owner, [accountId])).length > 0)
        fault = 'account_deleted'
    },
    write: (user, now) => {
      const next = writes.recordLogin(user, mark, fault === undefined ? [accountId] : [], now)
      checkCount(deps, next)
      return next
    },
  }
  try {
    return { result: await changeUser(deps, owner, change, deadline), fault }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    if (error.code === 'not_found') return { fault: 'no_record' }
    if (error.details.reason === 'too_many_accounts') return { fault: 'too_many_accounts' }
    throw error
  }
}

/** What the record says against this login. An account that is held was given by it, or by somebody else before. */
function loginFault({ clockSkew }: Times, user: User, login: LoginEffect): LoginFault | undefined {
  const { accountId, mark, at, tooOld } = login
  if (user.connected_account_ids.includes(accountId)) return undefined
  if (Object.hasOwn(user.logins, mark)) return 'already_counted'
  if (tooOld) return 'login_too_old'
  const withdrawn = withdrawnAt(user, accountId)
  return withdrawn !== undefined && at <= withdrawn + clockSkew ? 'withdrawn_since' : undefined
}

const providerWrites = {
  disabled: (user: User, at: number, now: number) => writes.providerStatus(user, 'disabled', at, now),
  enabled: (user: User, at: number, now: number) => writes.providerStatus(user, 'active', at, now),
  purged: writes.purge,
  signed_out: writes.providerSignOut,
}

/** What an identity provider says about a person, at `at` (epoch milliseconds), or about one of their logins. */
export type ProviderEvent =
  | { kind: keyof typeof providerWrites; at: number }
  | { kind: 'login_ended'; binding: string; at: number }

/**
 * Written into tombstones too, where it changes no status. What an event has changed already is left as it is: all
 * others that are on their way are ordered by their own time, and a provider may send thousands at once.
 */
export function takeProviderEvent(
  deps: AccountDeps,
  owner: string,
  event: ProviderEvent,
  deadline: Deadline,
): Promise<ChangeResult> {
  const write = (user: User, now: number) =>
    event.kind === 'login_ended'
      ? writes.endLogin(user, event.binding, event.at, now)
      : providerWrites[event.kind](user, event.at, now)
  // Its sender gives up after a few seconds, and does not come again.
  const seamTime = deps.terms.times.deleteInEvent
  return changeUser(deps, owner, { write, onlyIfChanged: true, seamTime }, deadline)
}
