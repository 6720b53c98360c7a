import * as z from 'zod/v4-mini'
import type { AccountDeleted } from './accounts/deletion.ts'
import type { Deadline } from './deadline.ts'
import type { Audit } from './log.ts'
import type { ConnectAccount } from './ownership.ts'
import { Problem } from './problem.ts'
import type { WebviewTable } from './table/accounts.ts'
import type { Times } from './times.ts'
import type { WorkspaceKnower } from './workspace.ts'

/**
 * What an event of Seam's does here. Events come late, twice and in any order: every effect may be repeated, what
 * was deleted stays deleted, and an event is marked as done after its effect.
 */

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
  z.object({
    ...everyEvent,
    event_type: z.literal('connected_account.deleted'),
    connected_account_id: id,
  }),
  z.object({ ...everyEvent, event_type: z.literal('client_session.deleted'), client_session_id: id }),
])
type SeamEvent = z.infer<typeof seamEvent>

/**
 * Does what a verified webhook says. Resolves when it has been done, or when there is nothing to do: then the
 * `reason` in the audit says why. Throws an outage while it cannot be done, so that the webhook comes again.
 */
export type HandleEvent = (payload: unknown, how: { deadline: Deadline; audit: Audit }) => Promise<void>

export function eventHandler(
  edges: {
    table: Pick<WebviewTable, 'hasEvent' | 'markEvent'>
    workspace: WorkspaceKnower
    connectAccount: ConnectAccount
    accountDeleted: AccountDeleted
    clock: () => number
  },
  times: Times,
): HandleEvent {
  const { table, workspace, connectAccount, accountDeleted, clock } = edges

  return async function handleEvent(payload, { deadline, audit }) {
    const parsed = seamEvent.safeParse(payload)
    if (!parsed.success) return leave('unknown_event')
    const event = parsed.data
    audit.event_type = event.event_type
    audit.event_id = event.event_id
    if ('connected_account_id' in event) audit.connected_account_id = event.connected_account_id
    if (event.workspace_id !== (await workspace.settings(deadline)).workspace_id)
      return leave('other_workspace')
    // Our own deletes echo here, and a page that meets a dead client session reports it itself.
    if (event.event_type === 'client_session.deleted') return leave('only_counted')
    if (await table.hasEvent(event.event_id)) return leave('done_before')
    await takeEffect(event)
    await table.markEvent(event.event_id, Math.ceil((clock() + times.eventKept) / 1000))

    async function takeEffect(
      event: Exclude<SeamEvent, { event_type: 'client_session.deleted' }>,
    ): Promise<void> {
      if (event.event_type === 'connected_account.deleted') {
        const { owners, finished } = await accountDeleted(event.connected_account_id, deadline)
        audit.owners = owners.length
        if (!finished)
          throw new Problem('upstream_unavailable', { dependency: 'seam', reason: 'account_still_in_reach' })
        return
      }
      const { connect_webview_id, connected_account_id } = event
      if (connect_webview_id === undefined) return leave('no_webview')
      const at = Date.parse(event.occurred_at)
      const { owner, reason } = await connectAccount(
        { connect_webview_id, connected_account_id, at },
        deadline,
      )
      if (owner !== undefined) audit.owner = owner
      if (reason !== undefined) leave(reason)
    }

    function leave(reason: string): void {
      audit.reason = reason
    }
  }
}
