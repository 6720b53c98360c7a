import { randomUUID } from 'node:crypto'
import * as z from 'zod/v4-mini'
import { disableUser, enableUser, grantAccounts, withdrawAccounts } from '../../../functions/accounts/acts.ts'
import type { AccountDeps, ChangeResult } from '../../../functions/accounts/change.ts'
import { subjectNamespace } from '../../../functions/caller/claims.ts'
import { ownerOf } from '../../../functions/caller/owner.ts'
import type { CleanUp } from '../../../functions/cleanup/run.ts'
import type { Issuer } from '../../../functions/config.ts'
import { deadlineIn } from '../../../functions/deadline.ts'
import { isRecorded, type RecordedSession, type User } from '../../../functions/record/user.ts'
import type { ConnectedAccount, Seam } from '../../../functions/seam.ts'
import { times } from '../../../functions/times.ts'
import type { Fault } from '../seam/faults.ts'
import type { LocalSeam } from '../seam/workspace.ts'
import type { Watcher } from './watching.ts'

/** What the page's buttons do in the operator's place, in the world that runs: by the same acts as the commands. */

/** How Seam fails, for a page that wants to see it. */
const faults = {
  down: { kind: 'status', status: 503 },
  silent: { kind: 'silence' },
  slow: { kind: 'delay', delay_ms: 1200 },
  // To the machine alone: Seam's components ask for their client session as well, and theirs would be widened for real.
  wrong: { kind: 'wrong', wrong: 'extra_account', path: '/client_sessions/get_or_create' },
} satisfies Record<string, Fault>

export type Trouble = keyof typeof faults

const sub = z.string().check(z.minLength(1), z.maxLength(200))
const connected_account_id = z.string().check(z.minLength(1), z.maxLength(100))

export const wishSchema = z.discriminatedUnion('act', [
  z.strictObject({ act: z.literal('withdraw'), sub, connected_account_id }),
  z.strictObject({ act: z.literal('grant'), sub, connected_account_id }),
  z.strictObject({ act: z.literal('disable'), sub }),
  z.strictObject({ act: z.literal('enable'), sub }),
  /** Past us, as somebody with the API key can: no record knows. */
  z.strictObject({ act: z.literal('end_at_seam'), sub }),
  z.strictObject({ act: z.literal('clean_up') }),
  z.strictObject({ act: z.literal('break'), how: z.enum(['down', 'silent', 'slow', 'wrong']) }),
  z.strictObject({ act: z.literal('mend') }),
])
export type Wish = z.infer<typeof wishSchema>

export interface Account {
  connected_account_id: string
  provider: string
  whose: string
}

/** What the operator sees of one user. */
export interface Desk {
  status: 'active' | 'disabled' | 'removed' | 'unknown'
  held: Account[]
  /** Accounts of the workspace that no user of this world has. */
  free: Account[]
  /** Milliseconds. */
  session?: { client_session_id: string; age: number }
  /** Keys that were let go of, and are not settled yet. */
  let_go: number
  trouble?: Trouble
  /** Seam is the local one, which can be broken. */
  breakable: boolean
}

export interface OperatorEdges {
  issuer: Issuer
  users: string[]
  deps: AccountDeps
  seam: Pick<Seam, 'delete' | 'listConnectedAccounts'>
  local: Pick<LocalSeam, 'faults'> | undefined
  cleanUp: CleanUp
  watcher: Watcher
}

export type Operator = ReturnType<typeof operator>

export function operator(edges: OperatorEdges) {
  const { issuer, users, deps, seam, local, cleanUp, watcher } = edges
  const { table } = deps
  let trouble: Trouble | undefined
  let accounts: ConnectedAccount[] = []

  const whoIs = (sub: string) => {
    const subject = `${subjectNamespace(issuer)}|${sub}`
    return { owner: ownerOf(subject), subject, iss: issuer.issuer, sub }
  }
  const soon = () => deadlineIn(times.vend, Date.now)

  /** While Seam is broken the accounts are those of before. */
  async function workspaceAccounts(): Promise<ConnectedAccount[]> {
    if (trouble === undefined) accounts = await seam.listConnectedAccounts(soon()).catch(() => accounts)
    return accounts
  }

  async function desk(sub: string): Promise<Desk> {
    const [user, all, others] = await Promise.all([
      table.readUser(whoIs(sub).owner),
      workspaceAccounts(),
      Promise.all(users.map((other) => table.readUser(whoIs(other).owner))),
    ])
    const taken = new Set([user, ...others].flatMap((one) => one?.connected_account_ids ?? []))
    const held = user?.connected_account_ids ?? []
    const session = user && latestSession(user)
    return {
      status: user?.status ?? 'unknown',
      held: held.map((id) => described(id, all)),
      free: local
        ? all.flatMap(({ connected_account_id: id }) => (taken.has(id) ? [] : described(id, all)))
        : [],
      ...(session && {
        session: {
          client_session_id: session.client_session_id,
          age: Date.now() - session.created_at,
        },
      }),
      let_go: user?.retired.length ?? 0,
      ...(trouble !== undefined && { trouble }),
      breakable: local !== undefined,
    }
  }

  async function carryOut(wish: Wish): Promise<void> {
    switch (wish.act) {
      case 'withdraw':
        return tell(wish, withdrawAccounts(deps, whoIs(wish.sub).owner, [wish.connected_account_id], soon()))
      case 'grant':
        return tell(wish, grantAccounts(deps, whoIs(wish.sub), [wish.connected_account_id], soon()))
      case 'disable':
        return tell(wish, disableUser(deps, whoIs(wish.sub).owner, soon()))
      case 'enable':
        return tell(wish, enableUser(deps, whoIs(wish.sub).owner, soon()))
      case 'end_at_seam': {
        const { owner } = whoIs(wish.sub)
        const user = await table.readUser(owner)
        const session = user && latestSession(user)
        if (session === undefined) return
        const { client_session_id } = session
        await seam.delete({ client_session_id }, soon())
        return note('end_at_seam', { owner, client_session_id, seam_calls: ['client_sessions/delete'] })
      }
      case 'clean_up': {
        const report = await cleanUp({ deadline: deadlineIn(times.cleanup, Date.now), allUsers: true })
        return watcher.note({ what: 'cleanup', request_id: randomUUID(), took: report.took }, report)
      }
      case 'break':
        trouble = wish.how
        local?.faults.plan({ faults: [faults[wish.how]] })
        return note(`break_${wish.how}`)
      case 'mend':
        trouble = undefined
        local?.faults.clear()
        return note('mend')
    }
  }

  async function tell({ act, sub }: Wish & { sub: string }, acting: Promise<ChangeResult>): Promise<void> {
    const began = performance.now()
    const { trace, trouble: outage } = await acting
    note(act, {
      owner: whoIs(sub).owner,
      ...(trace.verdicts[0]?.act === 'widen' && { verdict: 'widen' }),
      verdicts: trace.verdicts.map(({ act, reason }) => `${act}:${reason}`),
      seam_calls: trace.seam_calls,
      took: Math.round(performance.now() - began),
      ...(outage !== undefined && { code: outage.code }),
    })
  }

  function note(command: string, more: Partial<Parameters<Watcher['note']>[0]> = {}): void {
    watcher.note({ what: 'account', request_id: randomUUID(), command, ...more })
  }

  return { desk, carryOut: (wish: Wish) => watcher.during(() => carryOut(wish)) }
}

/** The page has one login at a time: the session that was made last is its own. */
function latestSession(user: User): RecordedSession | undefined {
  return Object.values(user.sessions)
    .filter(isRecorded)
    .sort((one, other) => other.created_at - one.created_at)[0]
}

function described(id: string, accounts: ConnectedAccount[]): Account {
  const known = accounts.find(({ connected_account_id }) => connected_account_id === id)
  const whose =
    known?.user_identifier?.email ?? known?.user_identifier?.username ?? known?.display_name ?? id.slice(0, 8)
  return { connected_account_id: id, provider: known?.account_type ?? 'account', whose }
}
