import type { SeamEvent, ClientSession as Shown } from '@seamapi/types/connect'

/** A row of the workspace: what goes over the wire but for `device_count`, and how it ended, which Seam never shows. */
export type ClientSession = Omit<Shown, 'device_count'> & { revoked_at?: string; deleted_at?: string }

/** A user identity, and the devices that were granted to it one by one. */
export type UserIdentity = {
  user_identity_id: string
  workspace_id: string
  user_identity_key: string | null
  full_name: string | null
  created_at: string
  device_ids: string[]
}

/** An event of Seam's: the members that all have, and those of its type. */
export type LocalEvent = Pick<
  SeamEvent,
  'event_id' | 'event_type' | 'workspace_id' | 'created_at' | 'occurred_at'
> & { [member: string]: unknown }

/** Every client session ever made, and the ways to find one. */
export class SessionRows {
  readonly byId = new Map<string, ClientSession>()
  readonly byToken = new Map<string, ClientSession>()
  /** The oldest first. */
  readonly byKey = new Map<string, ClientSession[]>()

  add(row: ClientSession): void {
    const { client_session_id, token, user_identifier_key: key } = row
    this.byId.set(client_session_id, row)
    this.byToken.set(token, row)
    if (key !== null) this.byKey.set(key, [...(this.byKey.get(key) ?? []), row])
  }
}
