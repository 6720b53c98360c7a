import { randomUUID } from 'node:crypto'
import type { ConnectWebview } from '@seamapi/types/connect'
import * as z from 'zod/v4-mini'
import { readStateFile, writeStateFile } from '../state-file.ts'
import type { LocalEvent } from './events.ts'
import { addEvent, type FakeSeam } from './fake.ts'
import type { Faults } from './faults.ts'
import type { Readings } from './readings.ts'
import type { ClientSession, SessionRows, UserIdentity } from './rows.ts'
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
  /** Who has accounts with devices from the start. */
  users: SeamUser[]
  /** Connected accounts with a device each, that nobody has. */
  spare_account_ids: string[]
  fake: FakeSeam
  sessions: SessionRows
  webviews: ConnectWebview[]
  identities: UserIdentity[]
  webhooks: Webhooks
  /** Goes up with each change, so that two looks at it tell whether something happened between. */
  changes: number
  /** The count of changes whose client sessions the fake knows of. */
  admitted?: number
  save: () => Promise<void>
}

/** As Seam writes times. */
export const timeNow = ({ clock }: Pick<Seam, 'clock'>): string => new Date(clock()).toISOString()

/** Writes an event down where `/events/list` finds it, and tells the webhooks. */
export function emit(seam: Seam, event_type: LocalEvent['event_type'], about: Record<string, unknown>): void {
  const { workspace_id } = seam.fake
  const occurred_at = timeNow(seam)
  const event = { event_id: randomUUID(), event_type, workspace_id, created_at: occurred_at, occurred_at }
  addEvent(seam.fake, { ...event, ...about })
  seam.webhooks.take({ ...event, ...about })
}

export const countsOf = ({ counts }: Seam, path: string) => (counts[path] ??= { received: 0, changes: 0 })

/** What a call has changed is kept before anybody hears of it. */
export async function keep(seam: Seam, path: string): Promise<void> {
  countsOf(seam, path).changes++
  await seam.save()
  seam.webhooks.dispatch()
}

/** Looked at only as far as a damaged file would show itself. */
const having = <T>(...names: (keyof T)[]) =>
  z.custom<T>((value) => typeof value === 'object' && value !== null && names.every((name) => name in value))

const savedWorkspace = z.object({
  version: z.literal(1),
  users: z.array(z.object({ sub: z.string(), connected_account_ids: z.array(z.string()) })),
  spare_account_ids: z.array(z.string()),
  client_sessions: z.array(having<ClientSession>('client_session_id', 'token')),
  /** Absent in older files, as `webhooks` are. */
  connect_webviews: z.optional(z.array(having<ConnectWebview>('connect_webview_id', 'url'))),
  user_identities: z.optional(z.array(having<UserIdentity>('user_identity_id', 'device_ids'))),
  webhooks: z.optional(z.array(having<Endpoint>('url', 'event_types', 'secrets'))),
  /** What belongs to Seam's fake. */
  seam: z.looseObject({
    workspaces: z.array(having<{ workspace_id: string }>('workspace_id')).check(z.length(1)),
    api_keys: z.array(having<{ token: string }>('token')).check(z.length(1)),
    connected_accounts: z.array(z.unknown()),
    devices: z.array(z.unknown()),
  }),
})
export type SavedWorkspace = z.infer<typeof savedWorkspace>

/** @throws CliError when the file cannot be read or is not what `stateKeeper` wrote */
export const readState = (file: string): Promise<SavedWorkspace | undefined> =>
  readStateFile(
    file,
    savedWorkspace,
    'Delete it: the local Seam then starts with a fresh workspace, and tokens it made end.',
  )

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
