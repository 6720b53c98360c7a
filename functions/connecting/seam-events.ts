import * as z from 'zod/v4-mini'
import { accountDeleted } from '../accounts/deleted.ts'
import type { Audit } from '../http/audit.ts'
import type { Deadline } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import { SeamFailure } from '../seam/failure.ts'
import type { Table } from '../table/table.ts'
import { type LoginDeps, takeLogin, webviewAtSeam } from './logins.ts'

/**
 * What an event of Seam's does here. Events come late, twice and in any order: every effect may be repeated, what
 * was deleted stays deleted, and an event is marked as done after its effect.
 */

export interface EventDeps extends LoginDeps {
  table: LoginDeps['table'] & Pick<Table, 'hasEvent' | 'markEvent'>
}

const id = z.string().check(z.minLength(1), z.maxLength(100))
const everyEvent = { event_id: id, workspace_id: id, occurred_at: z.iso.datetime({ offset: true }) }

const seamEvent = z.discriminatedUnion('event_type', [
  z.object({
    ...everyEvent,
    event_type: z.enum([
      'connect_webview.login_succeeded',
      'connected_account.connected',
      'connected_account.created',
    ]),
    connected_account_id: id,
    connect_webview_id: z.optional(id),
  }),
  z.object({ ...everyEvent, event_type: z.literal('connected_account.deleted'), connected_account_id: id }),
  z.object({ ...everyEvent, event_type: z.literal('client_session.deleted'), client_session_id: id }),
])
type SeamEvent = z.infer<typeof seamEvent>
type DoingEvent = Exclude<SeamEvent, { event_type: 'client_session.deleted' }>

interface EventContext {
  deadline: Deadline
  audit: Audit
}

/**
 * Does what a verified webhook says. Resolves when it has been done, or when there is nothing to do: then the
 * `reason` in the audit says why. Throws an outage while it is impossible, so that the webhook comes again.
 */
export async function handleEvent(deps: EventDeps, payload: unknown, context: EventContext): Promise<void> {
  const { deadline, audit } = context
  const { table, workspace, clock, terms } = deps
  const parsed = seamEvent.safeParse(payload)
  if (!parsed.success) return leave(audit, 'unknown_event')
  const event = parsed.data
  audit.event_type = event.event_type
  audit.event_id = event.event_id
  if ('connected_account_id' in event) audit.connected_account_id = event.connected_account_id
  if (event.workspace_id !== (await workspace.settings(deadline)).workspace_id)
    return leave(audit, 'other_workspace')
  // Our own deletes echo here, and a page that meets a dead client session reports it itself.
  if (event.event_type === 'client_session.deleted') return leave(audit, 'only_counted')
  if (await table.hasEvent(event.event_id)) return leave(audit, 'done_before')
  await takeEffect(deps, event, context)
  await table.markEvent(event.event_id, Math.ceil((clock() + terms.times.eventKept) / 1000))
}

async function takeEffect(
  deps: EventDeps,
  event: DoingEvent,
  { deadline, audit }: EventContext,
): Promise<void> {
  const { connected_account_id } = event
  if (event.event_type === 'connected_account.deleted') {
    const at = Date.parse(event.occurred_at)
    const { owners, finished } = await accountDeleted(deps, connected_account_id, at, deadline)
    audit.owners = owners.length
    if (!finished)
      throw new Problem('upstream_unavailable', { dependency: 'seam', reason: 'account_still_in_reach' })
    return
  }
  const { connect_webview_id } = event
  if (connect_webview_id === undefined) return leave(audit, 'no_webview')
  const webview = await readWebview(deps, connect_webview_id, deadline)
  if (webview === undefined) return leave(audit, 'not_ours')
  const { owner, reason } = await takeLogin(deps, { webview, connected_account_id }, deadline)
  if (owner !== undefined) audit.owner = owner
  if (reason !== undefined) leave(audit, reason)
}

/** Only the webview has the login's time. Undefined: Seam does not know it (any more). */
async function readWebview(deps: EventDeps, connect_webview_id: string, deadline: Deadline) {
  try {
    return await webviewAtSeam(deps, connect_webview_id, deadline)
  } catch (error) {
    if (!(error instanceof SeamFailure) || error.httpStatus !== 404) throw error
    await deps.workspace.confirm(deadline)
    return undefined
  }
}

function leave(audit: Audit, reason: string): void {
  audit.reason = reason
}
