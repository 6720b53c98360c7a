import type { Deadline } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import { pending, type Subject, type User, withdrawnAt } from '../record/user.ts'
import {
  disable,
  enable,
  endLogin,
  grant,
  missing,
  providerSignOut,
  providerStatus,
  purge,
  recordLogin,
  remove,
  retire,
  retireAll,
  revive,
  setAccessUntil,
  setAccountIds,
  signOutEverywhere,
  withdraw,
} from '../record/writes.ts'
import { gather } from '../seam/rate-limit.ts'
import { type AccountDeps, type ChangeResult, changeUser, unrecorded } from './change.ts'

/** Who may have what: what operators, webhooks and identity providers change. */

/** What is to change beside the accounts. What is absent stays as it is. */
export interface Changes {
  status?: 'active' | 'disabled'
  /** Epoch milliseconds; null: no end date. */
  access_until?: number | null
  /** Epoch milliseconds; never lowers what stands. */
  not_before?: number
}

/** Gives accounts to a user, who is recorded if need be, and made active if removed; live sessions are widened in place. */
export function grantAccounts(
  deps: AccountDeps,
  who: Subject,
  accountIds: string[],
  deadline: Deadline,
  changes: Changes = {},
): Promise<ChangeResult> {
  const write: Hold = (user, alive, now) => changed(grant(user, alive, now), changes, now)
  return hold(deps, who, accountIds, deadline, write, Object.keys(changes).length === 0 ? 'gives' : 'both')
}

/** Makes these the user's accounts, and no others, in one write. */
export function setAccounts(
  deps: AccountDeps,
  who: Subject,
  accountIds: string[],
  deadline: Deadline,
  changes: Changes = {},
): Promise<ChangeResult> {
  return hold(deps, who, accountIds, deadline, (user, alive, now) => {
    return changed(setAccountIds(user, alive, now), changes, now)
  })
}

type Hold = (user: User, alive: string[], now: number) => User

async function hold(
  deps: AccountDeps,
  who: Subject,
  accountIds: string[],
  deadline: Deadline,
  write: Hold,
  effect: 'gives' | 'both' = 'both',
): Promise<ChangeResult> {
  let deleted: string[] = []
  const result = await changeUser(
    deps,
    who.owner,
    {
      absent: who,
      effect,
      prepare: async (read) => {
        // What is held has its holder already, and a deletion takes it by the record.
        const fresh = missing(accountIds, read.connected_account_ids)
        deleted = await addHolders(deps, who.owner, fresh)
      },
      write: (user, now) => {
        const next = write(revive(user), missing(accountIds, deleted), now)
        checkCount(deps, next)
        return next
      },
    },
    deadline,
  )
  return { ...result, deletedAccountIds: deleted }
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

function changed(user: User, { status, access_until, not_before }: Changes, now: number): User {
  let next = user
  if (status === 'disabled') next = disable(next, 'operator', now)
  if (status === 'active') next = enable(next, 'operator')
  const until = access_until ?? undefined
  if (access_until !== undefined && until !== next.access_until) next = setAccessUntil(next, until, now)
  if (not_before !== undefined && not_before > (next.not_before ?? 0)) next = { ...next, not_before }
  return next
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
  let deleted: string[] = []
  try {
    const result = await changeUser(
      deps,
      owner,
      {
        effect: 'gives',
        prepare: async (read) => {
          if (read.status === 'removed') throw unrecorded()
          fault = loginFault(deps, read, login)
          deleted = fault === undefined ? await addHolders(deps, owner, [accountId]) : []
          if (deleted.length > 0) fault = 'account_deleted'
        },
        write: (user, now) => {
          const next = recordLogin(user, mark, fault === undefined ? [accountId] : [], now)
          checkCount(deps, next)
          return next
        },
      },
      deadline,
    )
    return { result, ...(fault && { fault }) }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    if (error.code === 'not_found') return { fault: 'no_record' }
    if (error.details.reason === 'too_many_accounts') return { fault: 'too_many_accounts' }
    throw error
  }
}

/** What the record says against this login. An account that is held was given by it, or by somebody else before. */
function loginFault(
  { terms: { times } }: AccountDeps,
  user: User,
  login: LoginEffect,
): LoginFault | undefined {
  const { accountId, mark, at, tooOld } = login
  if (user.connected_account_ids.includes(accountId)) return undefined
  if (Object.hasOwn(user.logins, mark)) return 'already_counted'
  if (tooOld) return 'login_too_old'
  const withdrawn = withdrawnAt(user, accountId)
  return withdrawn !== undefined && at <= withdrawn + times.clockSkew ? 'withdrawn_since' : undefined
}

/** Takes accounts away; what live sessions opened with them is ended before this reports success. */
export function withdrawAccounts(
  deps: AccountDeps,
  owner: string,
  accountIds: string[],
  deadline: Deadline,
): Promise<ChangeResult> {
  return changeUser(deps, owner, { write: (user, now) => withdraw(user, accountIds, now) }, deadline)
}

/** Disabled users have no client session and get none. */
export function disableUser(deps: AccountDeps, owner: string, deadline: Deadline): Promise<ChangeResult> {
  return changeUser(deps, owner, { write: (user, now) => disable(user, 'operator', now) }, deadline)
}

export function enableUser(deps: AccountDeps, owner: string, deadline: Deadline): Promise<ChangeResult> {
  const write = (user: User) => {
    if (user.status === 'removed')
      throw new Problem('invalid_request', {
        detail: 'This user is removed; `grant` makes them active again.',
      })
    return enable(user, 'operator')
  }
  return changeUser(deps, owner, { write, effect: 'gives' }, deadline)
}

export function removeUser(deps: AccountDeps, owner: string, deadline: Deadline): Promise<ChangeResult> {
  return changeUser(deps, owner, { write: remove }, deadline)
}

/** Ends all sessions of the user; the next requests make new ones. */
export function endSessions(deps: AccountDeps, owner: string, deadline: Deadline): Promise<ChangeResult> {
  return changeUser(deps, owner, { write: retireAll }, deadline)
}

/** Ends one binding's session, and looks at that binding's alone. */
export function endSession(
  deps: AccountDeps,
  owner: string,
  binding: string,
  deadline: Deadline,
): Promise<ChangeResult> {
  const write = (user: User, now: number) => retire(user, [binding], now)
  return changeUser(deps, owner, { write, binding }, deadline)
}

/** Refuses the bearer tokens issued so far, and ends all sessions. */
export function signOutUser(deps: AccountDeps, owner: string, deadline: Deadline): Promise<ChangeResult> {
  return changeUser(deps, owner, { write: signOutEverywhere }, deadline)
}

/** What an identity provider says about a person, at `at` (epoch milliseconds), or about one of their logins. */
export type ProviderEvent =
  | { kind: 'disabled' | 'enabled' | 'purged' | 'signed_out'; at: number }
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
  const write = (user: User, now: number): User => {
    switch (event.kind) {
      case 'disabled':
        return providerStatus(user, 'disabled', event.at, now)
      case 'enabled':
        return providerStatus(user, 'active', event.at, now)
      case 'purged':
        return purge(user, event.at, now)
      case 'signed_out':
        return providerSignOut(user, event.at, now)
      case 'login_ended':
        return endLogin(user, event.binding, event.at, now)
    }
  }
  // Its sender gives up after a few seconds, and does not come again.
  const seamTime = deps.terms.times.deleteInEvent
  return changeUser(deps, owner, { write, onlyIfChanged: true, seamTime }, deadline)
}

/** Whether anything stands between this record and success of what was taken away. */
export function isEnding(deps: AccountDeps, user: User): boolean {
  return pending(user, deps.terms.times, deps.clock()).length > 0
}
