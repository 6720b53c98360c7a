import type { ConnectWebview } from '@seamapi/types/connect'
import * as z from 'zod/v4-mini'
import { readStateFile, writeStateFile } from '../state-file.ts'
import type { ClientSession } from './client-sessions.ts'

export type SeamUser = { sub: string; connected_account_ids: string[] }

export type SavedWorkspace = {
  version: 1
  users: SeamUser[]
  spare_account_ids: string[]
  client_sessions: ClientSession[]
  /** Absent in files of before there were any. */
  connect_webviews?: ConnectWebview[]
  /** What belongs to Seam's fake. */
  seam: Record<string, unknown>
}

const outline = z.looseObject({
  version: z.literal(1),
  users: z.array(z.object({ sub: z.string(), connected_account_ids: z.array(z.string()) })),
  spare_account_ids: z.array(z.string()),
  client_sessions: z.array(z.looseObject({ client_session_id: z.string(), token: z.string() })),
  connect_webviews: z.optional(z.array(z.looseObject({ connect_webview_id: z.string(), url: z.string() }))),
  seam: z.looseObject({
    workspaces: z.array(z.looseObject({ workspace_id: z.string() })).check(z.length(1)),
    api_keys: z.array(z.looseObject({ token: z.string() })).check(z.length(1)),
    connected_accounts: z.array(z.unknown()),
    devices: z.array(z.unknown()),
  }),
})

/** @throws Trouble when the file cannot be read or is not what `stateKeeper` wrote */
export const readState = (file: string): Promise<SavedWorkspace | undefined> =>
  readStateFile(
    file,
    outline,
    'Delete it: the local Seam then starts with a fresh workspace, and tokens it made end.',
  ) as Promise<SavedWorkspace | undefined>

/**
 * @returns `saved`, which resolves when everything that had changed before the call is in the file: concurrent
 * callers share one write. There is no fsync: it has to survive a killed process, not a power cut.
 */
export const stateKeeper = (file: string, snapshot: () => SavedWorkspace): (() => Promise<void>) => {
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
