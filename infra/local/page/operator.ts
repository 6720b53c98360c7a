import { randomUUID } from 'node:crypto'
import * as z from 'zod/v4-mini'
import { disableUser, enableUser, grantAccounts, withdrawAccounts } from '../../../functions/accounts/acts.ts'
import type { AccountDeps } from '../../../functions/accounts/change.ts'
import { ownerOf, subjectNamespace } from '../../../functions/caller/owner.ts'
import type { CleanUp } from '../../../functions/cleanup/run.ts'
import type { Issuer } from '../../../functions/config.ts'
import type { Audit } from '../../../functions/http/audit.ts'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import { isRecorded, type RecordedSession, type User } from '../../../functions/record/user.ts'
import type { ConnectedAccount, Seam } from '../../../functions/seam/client.ts'
import { times } from '../../../functions/times.ts'
import type { Fault } from '../seam/faults.ts'
import type { LocalSeam } from '../seam/workspace.ts'
import type { Watcher } from './watching.ts'

/** What the page's buttons do for an operator in the running world, by the same functions as the commands. */

/** How Seam fails, for a page that wants to see it. */
const faults = {
  down: { kind: 'status', status: 503 },
  silent: { kind: 'silence' },
  slow: { kind: 'delay', delay_ms: 1200 },
  // Only for the machine's calls: Seam's components get their client session too, and theirs would really be widened.
  wrong: { kind: 'wrong', wrong: 'extra_account', path: '/client_sessions/get_or_create' },
} satisfies Record<string, Fault>

export type SeamFault = keyof typeof faults

const sub = z.string().check(z.minLength(1), z.maxLength(200))
const connected_account_id = z.string().check(z.minLength(1), z.maxLength(100))

export const actSchema = z.discriminatedUnion('act', [
  z.strictObject({ act: z.enum(['withdraw', 'grant']), sub, connected_account_id }),
  z.strictObject({ act: z.enum(['disable', 'enable']), sub }),
  /** Behind our back, as anybody with the API key can: the record does not show it. */
  z.strictObject({ act: z.literal('end_at_seam'), sub }),
  z.strictObject({ act: z.literal('clean_up') }),
  z.strictObject({ act: z.literal('break'), how: z.enum(Object.keys(faults) as SeamFault[]) }),
  z.strictObject({ act: z.literal('mend') }),
])
export type Act = z.infer<typeof actSchema>

export interface Account {
  connected_account_id: string
  provider: string
  whose: string
}

/** What the operator sees of a user. */
export interface Desk {
  status: 'active' | 'disabled' | 'removed' | 'unknown'
  held: Account[]
  /** Accounts of the workspace that no user of this world has. */
  free: Account[]
  /** Milliseconds. */
  session?: { client_session_id: string; age: number }
  fault?: SeamFault
  /** Seam is the local one, which can fail on purpose. */
  breakable: boolean
}

export interface Operator {
  issuer: Issuer
  users: string[]
  deps: AccountDeps
  seam: Pick<Seam, 'delete' | 'listConnectedAccounts'>
  local: Pick<LocalSeam, 'faults'> | undefined
  cleanUp: CleanUp
  watcher: Watcher
  /** How Seam fails now. */
  fault?: SeamFault | undefined
  /** Those of the workspace, as they were when Seam last answered. */
  accounts: ConnectedAccount[]
}

const soon = () => deadlineIn(times.vend, Date.now)

function subjectOf({ issuer }: Operator, sub: string) {
  const subject = `${subjectNamespace(issuer)}|${sub}`
  return { owner: ownerOf(subject), subject, iss: issuer.issuer, sub }
}

export async function readDesk(operator: Operator, sub: string): Promise<Desk> {
  const { users, deps, local, fault } = operator
  const { table } = deps
  const [user, all, ...others] = await Promise.all([
    table.readUser(subjectOf(operator, sub).owner),
    workspaceAccounts(operator),
    ...users.map((other) => table.readUser(subjectOf(operator, other).owner)),
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
      session: { client_session_id: session.client_session_id, age: Date.now() - session.created_at },
    }),
    ...(fault && { fault }),
    breakable: local !== undefined,
  }
}

/** While Seam fails on purpose the accounts are those of before. */
async function workspaceAccounts(operator: Operator): Promise<ConnectedAccount[]> {
  const { seam, fault, accounts } = operator
  if (fault === undefined) operator.accounts = await seam.listConnectedAccounts(soon()).catch(() => accounts)
  return operator.accounts
}

export const carryOut = (operator: Operator, act: Act): Promise<void> =>
  operator.watcher.during(() => run(operator, act))

async function run(operator: Operator, act: Act): Promise<void> {
  const { deps, seam, local, cleanUp, watcher } = operator
  switch (act.act) {
    case 'withdraw':
    case 'grant':
    case 'disable':
    case 'enable':
      return change(operator, act)
    case 'end_at_seam': {
      const { owner } = subjectOf(operator, act.sub)
      const user = await deps.table.readUser(owner)
      const { client_session_id } = (user && latestSession(user)) ?? {}
      if (client_session_id === undefined) return
      await seam.delete({ client_session_id }, soon())
      return note(operator, 'end_at_seam', {
        owner,
        client_session_id,
        seam_calls: ['client_sessions/delete'],
      })
    }
    case 'clean_up': {
      const report = await cleanUp({ deadline: deadlineIn(times.cleanup, Date.now), allUsers: true })
      return watcher.note({ what: 'cleanup', request_id: randomUUID(), took: report.took }, report)
    }
    case 'break':
      operator.fault = act.how
      local?.faults.plan({ faults: [faults[act.how]] })
      return note(operator, `break_${act.how}`)
    case 'mend':
      operator.fault = undefined
      local?.faults.clear()
      return note(operator, 'mend')
  }
}

type Change = Extract<Act, { act: 'withdraw' | 'grant' | 'disable' | 'enable' }>

async function change(operator: Operator, act: Change): Promise<void> {
  const subject = subjectOf(operator, act.sub)
  const began = performance.now()
  const { trace, failure: outage } = await changed(operator.deps, subject, act)
  note(operator, act.act, {
    owner: subject.owner,
    ...(trace.verdicts[0]?.act === 'widen' && { verdict: 'widen' }),
    verdicts: trace.verdicts.map(({ act, reason }) => `${act}:${reason}`),
    seam_calls: trace.seam_calls,
    took: Math.round(performance.now() - began),
    ...(outage !== undefined && { code: outage.code }),
  })
}

function changed(deps: AccountDeps, subject: ReturnType<typeof subjectOf>, act: Change) {
  if (act.act === 'withdraw') return withdrawAccounts(deps, subject.owner, [act.connected_account_id], soon())
  if (act.act === 'grant') return grantAccounts(deps, subject, [act.connected_account_id], soon())
  return (act.act === 'disable' ? disableUser : enableUser)(deps, subject.owner, soon())
}

function note({ watcher }: Operator, command: string, more: Partial<Audit> = {}): void {
  watcher.note({ what: 'account', request_id: randomUUID(), command, ...more })
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
