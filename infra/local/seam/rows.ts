import type { ClientSession as Shown } from '@seamapi/types/connect'

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

/** Every client session ever made, and the ways to find one. */
export type SessionRows = {
  byId: Map<string, ClientSession>
  byToken: Map<string, ClientSession>
  /** The oldest first. */
  byKey: Map<string, ClientSession[]>
}

export function sessionRows(rows: ClientSession[]): SessionRows {
  const sessions: SessionRows = { byId: new Map(), byToken: new Map(), byKey: new Map() }
  for (const row of rows) addRow(sessions, row)
  return sessions
}

export function addRow({ byId, byToken, byKey }: SessionRows, row: ClientSession): void {
  byId.set(row.client_session_id, row)
  byToken.set(row.token, row)
  if (row.user_identifier_key === null) return
  const under = byKey.get(row.user_identifier_key)
  if (under) under.push(row)
  else byKey.set(row.user_identifier_key, [row])
}
