import { randomUUID } from 'node:crypto'
import * as z from 'zod/v4-mini'
import type { AccountDeps } from '../../../functions/accounts/change.ts'
import { ownerOf, subjectNamespace } from '../../../functions/caller/owner.ts'
import type { CleanUp } from '../../../functions/cleanup/run.ts'
import type { Issuer } from '../../../functions/config.ts'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import type { Administer } from '../../../functions/operator/administrator.ts'
import { contractVersion } from '../../../functions/operator/client.ts'
import { shownUser } from '../../../functions/operator/showing.ts'
import { times } from '../../../functions/times.ts'
import type { Fault } from '../seam/faults.ts'
import type { LocalSeam } from '../seam/workspace.ts'
import type { Watcher } from './watching.ts'

/** What the page's buttons do in the running world: the operator's commands, Seam's failures, the cleanup. */

/** How Seam does, for a page that wants to see it. */
const seamStates = {
  works: undefined,
  down: { kind: 'status', status: 503 },
  slow: { kind: 'delay', delay_ms: 1200 },
  // Only for our own calls: Seam's components get their client session too, and theirs would really be widened.
  wrong: { kind: 'wrong', wrong: 'extra_account', path: '/client_sessions/get_or_create' },
} satisfies Record<string, Fault | undefined>

export type SeamState = keyof typeof seamStates

const sub = z.string().check(z.minLength(1), z.maxLength(200))
const id = z.string().check(z.minLength(1), z.maxLength(100))

export const actSchema = z.discriminatedUnion('act', [
  z.strictObject({ act: z.enum(['withdraw', 'grant']), sub, connected_account_id: id }),
  z.strictObject({ act: z.enum(['disable', 'enable', 'sign_out_everywhere']), sub }),
  /** Gives the user a Seam user identity that opens one device, or takes it away. */
  z.strictObject({ act: z.literal('set_identity'), sub, given: z.boolean() }),
  z.strictObject({ act: z.literal('clean_up') }),
  z.strictObject({ act: z.literal('seam'), how: z.enum(Object.keys(seamStates) as SeamState[]) }),
])
export type Act = z.infer<typeof actSchema>
export type UserAct = Extract<Act, { sub: string }>

export interface Operator {
  issuer: Issuer
  table: AccountDeps['table']
  administer: Administer
  local: LocalSeam | undefined
  cleanUp: CleanUp
  watcher: Watcher
  /** How Seam does now. */
  seamState?: SeamState
}

const subjectOf = ({ issuer }: Operator, name: string) => `${subjectNamespace(issuer)}|${name}`

export type Desk = Awaited<ReturnType<typeof readDesk>>

/** What the operator sees of a user, beside what Seam itself says. */
export async function readDesk(operator: Operator, name: string) {
  const { table, local, seamState = 'works' } = operator
  const owner = ownerOf(subjectOf(operator, name))
  const user = await table.readUser(owner)
  // A key names its owner.
  const sessions =
    local?.sessions().filter((one) => one.live && one.user_identifier_key?.includes(owner)) ?? []
  return {
    /** Absent: the user has no record yet. */
    record: user && shownUser(user),
    /** Of the workspace, whoever has them. */
    accounts: local?.accounts() ?? [],
    /** The user's client sessions at the local Seam that live. */
    live: sessions.map(({ client_session_id }) => client_session_id),
    seam: seamState,
    /** Seam is the local one, which can fail on purpose. */
    breakable: local !== undefined,
  }
}

/** Resolves to the id under which the act is observed. @throws Error what failed, in a sentence */
export async function carryOut(operator: Operator, act: Act): Promise<string> {
  const request_id = randomUUID()
  await operator.watcher.during(() => run(operator, act, request_id))
  return request_id
}

async function run(operator: Operator, act: Act, request_id: string): Promise<void> {
  const { local, cleanUp, watcher } = operator
  if ('sub' in act) return command(operator, act, request_id)
  if (act.act === 'clean_up') {
    const report = await cleanUp({ deadline: deadlineIn(times.cleanup, Date.now), allUsers: true })
    return watcher.note({ what: 'cleanup', request_id, took: report.took }, report)
  }
  const fault = seamStates[act.how]
  operator.seamState = act.how
  local?.faults.plan({ faults: fault ? [fault] : [] })
  watcher.note({ what: 'admin', request_id, command: `seam_${act.how}` })
}

/** As the command line gives it. */
async function command(operator: Operator, act: UserAct, requestId: string): Promise<void> {
  const params = {
    subject: subjectOf(operator, act.sub),
    ...('connected_account_id' in act && { connected_account_ids: [act.connected_account_id] }),
    ...('given' in act && { user_identity_id: act.given ? operator.local?.identityOf(act.sub) : null }),
  }
  const event = { version: contractVersion, command: act.act, params, by: 'page' }
  const answer = await operator.administer(event, { requestId, deadline: deadlineIn(times.admin, Date.now) })
  if ('problem' in answer) throw new Error(answer.problem.detail ?? answer.problem.title)
}
