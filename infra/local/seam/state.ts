import { randomUUID } from 'node:crypto'
import type { ConnectWebview } from '@seamapi/types/connect'
import * as z from 'zod/v4-mini'
import { writeStateFile } from '../state-file.ts'
import type { FakeSeam } from './fake.ts'
import type { Faults } from './faults.ts'
import type { Readings } from './readings.ts'
import type { ClientSession, LocalEvent, SessionRows, UserIdentity } from './rows.ts'
import type { Endpoint, Webhooks } from './webhooks.ts'

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

/** An item that is there. */
export const dropFrom = <Item>(items: Item[], item: Item) => items.splice(items.indexOf(item), 1)

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
export type SavedWorkspace = z.infer<typeof savedWorkspace>

/**
 * @returns `save`, which resolves when everything that had changed before the call is in the file: concurrent
 * callers share one write. There is no fsync: it has to survive a killed process, not a power cut.
 */
export function stateKeeper(file: string, snapshot: () => object): () => Promise<void> {
  let writing = Promise.resolve()
  let waiting: Promise<void> | undefined
  const write = () => {
    waiting = undefined
    return writeStateFile(file, snapshot())
  }
  return () => {
    waiting ??= writing.then(write)
    writing = waiting.catch(() => {})
    return waiting
  }
}
