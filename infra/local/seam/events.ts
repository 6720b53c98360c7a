import type { SeamEvent } from '@seamapi/types/connect'

/** What the local Seam tells of: Seam's own names. */
export type EventType = Extract<
  SeamEvent['event_type'],
  | `connect_webview.login_${'succeeded' | 'failed'}`
  | `connected_account.${'created' | 'connected' | 'deleted'}`
  | 'client_session.deleted'
>

export type LocalEvent = {
  event_id: string
  event_type: EventType
  workspace_id: string
  created_at: string
  occurred_at: string
  [member: string]: unknown
}
