import { randomUUID } from 'node:crypto'
import type { ConnectWebview, ClientSession as Shown } from '@seamapi/types/connect'
import * as z from 'zod/v4-mini'
import { stateKeeper } from '../files.ts'
import { type FakeSeam, settle, snapshotOf, startFake } from './fake.ts'
import { Faults } from './faults.ts'
import { type Endpoint, type LocalEvent, Webhooks } from './webhooks.ts'

/**
 * What Seam's documentation leaves open, so that every answer can be tried. The probe against a sandbox workspace
 * tells which one is true; until then the functions must be right under all of them.
 */
export const readingsSchema = z.object({
  /** What `get_or_create` does to the `connected_account_ids` of a client session that exists. */
  get_or_create: z.enum(['replaces', 'merges']),
  /** What `get_or_create` does under the key of a deleted, revoked or expired client session. */
  dead_sessions: z.enum(['stay_dead', 'are_revived']),
  /** How a call is refused that names a connected account the workspace does not have. */
  unknown_account: z.literal([400, 404]),
  /** Whether `list` also shows expired and revoked client sessions; deleted ones it never shows. */
  list: z.enum(['live', 'with_dead']),
  /**
   * Whether the account of a Connect Webview that a client session made is in that client session's reach at once.
   */
  completed_webview: z.enum(['joins_session', 'stays_out']),
})

export type Readings = z.infer<typeof readingsSchema>

export const plainReadings: Readings = {
  get_or_create: 'replaces',
  dead_sessions: 'stay_dead',
  unknown_account: 400,
  list: 'live',
  completed_webview: 'joins_session',
}

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
class SessionRows {
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

export type SeamUser = { sub: string; connected_account_ids: string[] }

/** The workspace that runs. */
export type Seam = {
  url: string
  /** Epoch milliseconds; what expires, expires by this clock. */
  clock: () => number
  /** Aborted when the workspace closes: then nothing waits any longer. */
  ended: AbortSignal
  /** May be changed at any time. */
  readings: Readings
  faults: Faults
  /** Per path: calls received (preflights are none) and changes made, also by calls whose client had left. */
  counts: Record<string, { received: number; changes: number }>
  fake: FakeSeam
  sessions: SessionRows
  /** Kept as they are between runs. */
  kept: Pick<SavedWorkspace, 'users' | 'spare_account_ids' | 'connect_webviews' | 'user_identities'>
  webhooks: Webhooks
  save: () => Promise<void>
}

/** As Seam writes times. */
export const timeNow = ({ clock }: Pick<Seam, 'clock'>): string => new Date(clock()).toISOString()

/** Writes an event down where `/events/list` finds it, and tells the webhooks. */
export function emit(seam: Seam, event_type: LocalEvent['event_type'], about: Record<string, unknown>): void {
  const { workspace_id, database } = seam.fake
  const occurred_at = timeNow(seam)
  const base = { event_id: randomUUID(), event_type, workspace_id, created_at: occurred_at, occurred_at }
  const event: LocalEvent = { ...base, ...about }
  database.addEvent(event as Parameters<typeof database.addEvent>[0])
  seam.webhooks.take(event)
}

export const countsOf = ({ counts }: Seam, path: string) => (counts[path] ??= { received: 0, changes: 0 })

/** Looked at only as far as a damaged file would show itself. */
const rows = <Row>() => z.array(z.custom<Row>((row) => typeof row === 'object' && row !== null))

export const savedWorkspace = z.object({
  version: z.literal(1),
  /** Who has accounts with devices from the start. */
  users: rows<SeamUser>(),
  /** Connected accounts with a device each, that nobody has. */
  spare_account_ids: z.array(z.string()),
  client_sessions: rows<ClientSession>(),
  connect_webviews: rows<ConnectWebview>(),
  user_identities: rows<UserIdentity>(),
  webhooks: rows<Endpoint>(),
  /** What belongs to Seam's fake. */
  seam: z.looseObject({ workspaces: rows().check(z.length(1)), api_keys: rows().check(z.length(1)) }),
})
type SavedWorkspace = z.infer<typeof savedWorkspace>

/** @param saved what was in the `stateFile` */
export async function openWorkspace(
  { url, clock, ended, stateFile }: Pick<Seam, 'url' | 'clock' | 'ended'> & { stateFile: string | undefined },
  saved: SavedWorkspace | undefined,
): Promise<Seam> {
  const fake = await startFake(url, clock, saved?.seam)
  const seam: Seam = {
    url,
    clock,
    ended,
    readings: { ...plainReadings },
    faults: new Faults(),
    counts: {},
    fake,
    sessions: new SessionRows(),
    kept: saved ?? settle(fake),
    webhooks: new Webhooks(clock, ended, saved?.webhooks ?? []),
    save: async () => {},
  }
  for (const row of saved?.client_sessions ?? []) seam.sessions.add(row)
  if (stateFile) seam.save = stateKeeper(stateFile, () => snapshot(seam))
  return seam
}

const snapshot = (seam: Seam): Omit<SavedWorkspace, 'seam'> & { seam: object } => ({
  ...seam.kept,
  version: 1,
  client_sessions: [...seam.sessions.byId.values()],
  webhooks: seam.webhooks.endpoints.filter(({ kept }) => kept),
  seam: snapshotOf(seam.fake),
})
