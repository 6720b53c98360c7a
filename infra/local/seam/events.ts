import { randomUUID } from 'node:crypto'
import type { SeamEvent } from '@seamapi/types/connect'
import type { FakeSeam } from './fake.ts'

/** What the local Seam tells of: Seam's own names. */
export type EventType = Extract<
  SeamEvent['event_type'],
  | 'connect_webview.login_succeeded'
  | 'connect_webview.login_failed'
  | 'connected_account.created'
  | 'connected_account.connected'
  | 'connected_account.deleted'
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

export type Emit = (event_type: EventType, about: Record<string, unknown>) => void

/** Writes events down where `/events/list` finds them, and passes them on. */
export const eventEmitter =
  (fake: FakeSeam, clock: () => number, pass: (event: LocalEvent) => void): Emit =>
  (event_type, about) => {
    const at = new Date(clock()).toISOString()
    const event: LocalEvent = {
      event_id: randomUUID(),
      event_type,
      workspace_id: fake.workspace_id,
      created_at: at,
      occurred_at: at,
      ...about,
    }
    fake.addEvent(event)
    pass(event)
  }
