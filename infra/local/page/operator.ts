import { randomUUID } from 'node:crypto'
import * as z from 'zod/v4-mini'
import type { AccountDeps } from '../../../functions/accounts/change.ts'
import { ownerOf, subjectNamespace } from '../../../functions/caller/owner.ts'
import type { CleanUp } from '../../../functions/cleanup/run.ts'
import type { Issuer } from '../../../functions/config.ts'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import type { Administer } from '../../../functions/operator/administrator.ts'
import { contractVersion, type ShownUser } from '../../../functions/operator/client.ts'
import { shownUser } from '../../../functions/operator/showing.ts'
import type { Seam } from '../../../functions/seam/client.ts'
import { times } from '../../../functions/times.ts'
import type { Fault } from '../seam/faults.ts'
import type { LocalSeam } from '../seam/workspace.ts'
import type { Watcher } from './watching.ts'

/** What the page's buttons do in the running world: the operator's commands, Seam's failures, the cleanup. */

/** How Seam fails, for a page that wants to see it. */
const faults = {
  down: { kind: 'status', status: 503 },
  silent: { kind: 'silence' },
  slow: { kind: 'delay', delay_ms: 1200 },
  // Only for our own calls: Seam's components get their client session too, and theirs would really be widened.
  wrong: { kind: 'wrong', wrong: 'extra_account', path: '/client_sessions/get_or_create' },
} satisfies Record<string, Fault>

export type SeamFault = keyof typeof faults

const sub = z.string().check(z.minLength(1), z.maxLength(200))
const id = z.string().check(z.minLength(1), z.maxLength(100))

export const actSchema = z.discriminatedUnion('act', [
  z.strictObject({ act: z.enum(['withdraw', 'grant']), sub, connected_account_id: id }),
  z.strictObject({ act: z.enum(['disable', 'enable', 'sign_out_everywhere']), sub }),
  /** Gives the user a Seam user identity that opens one device, or takes it away. */
  z.strictObject({ act: z.enum(['give_identity', 'take_identity']), sub }),
  /** Behind our back, as anybody with the API key can: the record does not show it. */
  z.strictObject({ act: z.literal('end_at_seam'), client_session_id: id }),
  z.strictObject({ act: z.literal('clean_up') }),
  z.strictObject({ act: z.literal('break'), how: z.enum(Object.keys(faults) as SeamFault[]) }),
  z.strictObject({ act: z.literal('mend') }),
])
export type Act = z.infer<typeof actSchema>

/** What the operator sees of a user, beside what Seam itself says. */
export interface Desk {
  /** Absent: the user has no record yet. */
  record?: ShownUser
  /** Of the local workspace, whoever has them. */
  accounts: { connected_account_id: string; provider: string; whose: string; devices: string[] }[]
  /** The user's client sessions at the local Seam that live. */
  live: string[]
  fault?: SeamFault
  /** Seam is the local one, which can fail on purpose. */
  breakable: boolean
}

export interface Operator {
  issuer: Issuer
  table: AccountDeps['table']
  administer: Administer
  seam: Pick<Seam, 'delete'>
  local: LocalSeam | undefined
  cleanUp: CleanUp
  watcher: Watcher
  /** How Seam fails now. */
  fault?: SeamFault | undefined
}

const subjectOf = ({ issuer }: Operator, name: string) => `${subjectNamespace(issuer)}|${name}`

export async function readDesk(operator: Operator, name: string): Promise<Desk> {
  const { table, local, fault } = operator
  const owner = ownerOf(subjectOf(operator, name))
  const user = await table.readUser(owner)
  return {
    ...(user && { record: shownUser(user) }),
    accounts: local?.accounts() ?? [],
    // A key names its owner.
    live: (local?.sessions() ?? []).flatMap(({ live, user_identifier_key: key, client_session_id }) =>
      live && key?.includes(owner) ? client_session_id : [],
    ),
    ...(fault && { fault }),
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
  const { seam, local, cleanUp, watcher } = operator
  const note = (command: string, client_session_id?: string) =>
    watcher.note({ what: 'admin', request_id, command, ...(client_session_id && { client_session_id }) })
  switch (act.act) {
    case 'clean_up': {
      const report = await cleanUp({ deadline: deadlineIn(times.cleanup, Date.now), allUsers: true })
      return watcher.note({ what: 'cleanup', request_id, took: report.took }, report)
    }
    case 'end_at_seam':
      await seam.delete({ client_session_id: act.client_session_id }, deadlineIn(times.vend, Date.now))
      return note('end_at_seam', act.client_session_id)
    case 'break':
      operator.fault = act.how
      local?.faults.plan({ faults: [faults[act.how]] })
      return note(`seam_${act.how}`)
    case 'mend':
      operator.fault = undefined
      local?.faults.clear()
      return note('seam_works')
    default:
      return command(operator, act, request_id)
  }
}

/** As the command line gives it. */
async function command(
  operator: Operator,
  act: Extract<Act, { sub: string }>,
  requestId: string,
): Promise<void> {
  const isIdentity = act.act === 'give_identity' || act.act === 'take_identity'
  const params = {
    subject: subjectOf(operator, act.sub),
    ...('connected_account_id' in act && { connected_account_ids: [act.connected_account_id] }),
    ...(isIdentity && {
      user_identity_id: act.act === 'give_identity' ? (operator.local?.identityOf(act.sub) ?? null) : null,
    }),
  }
  const event = {
    version: contractVersion,
    command: isIdentity ? 'set_identity' : act.act,
    params,
    by: 'page',
  }
  const answer = await operator.administer(event, { requestId, deadline: deadlineIn(times.admin, Date.now) })
  if ('problem' in answer) throw new Error(answer.problem.detail ?? answer.problem.title)
}
