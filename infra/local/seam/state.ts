import { readFileSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as z from 'zod/v4-mini'
import type { ClientSession } from './client-sessions.ts'

export type SeamUser = { sub: string; connected_account_ids: string[] }

export type SavedWorkspace = {
  version: 1
  users: SeamUser[]
  spare_account_ids: string[]
  client_sessions: ClientSession[]
  /** What belongs to Seam's fake. */
  seam: Record<string, unknown>
}

const outline = z.looseObject({
  version: z.literal(1),
  users: z.array(z.object({ sub: z.string(), connected_account_ids: z.array(z.string()) })),
  spare_account_ids: z.array(z.string()),
  client_sessions: z.array(z.looseObject({ client_session_id: z.string(), token: z.string() })),
  seam: z.looseObject({
    workspaces: z.array(z.looseObject({ workspace_id: z.string() })).check(z.length(1)),
    api_keys: z.array(z.looseObject({ token: z.string() })).check(z.length(1)),
    connected_accounts: z.array(z.unknown()),
    devices: z.array(z.unknown()),
  }),
})

/**
 * `saved()` resolves when everything that had changed before the call is in the file: concurrent callers share one
 * write. Written beside and renamed, so a reader or a killed process finds the old state or the new, never half of
 * one. There is no fsync: it has to survive a killed process, not a power cut.
 */
export const stateKeeper = (file: string, snapshot: () => SavedWorkspace): (() => Promise<void>) => {
  let writing = Promise.resolve()
  let waiting: Promise<void> | undefined
  const write = async () => {
    waiting = undefined
    await mkdir(dirname(file), { recursive: true })
    await writeFile(`${file}.new`, JSON.stringify(snapshot()), { mode: 0o600 })
    await rename(`${file}.new`, file)
  }
  return () => {
    waiting ??= writing.then(write)
    writing = waiting.catch(() => {})
    return waiting
  }
}

/**
 * @returns undefined when there is no file yet
 * @throws when it cannot be read or is not what `stateKeeper` wrote
 */
export const readState = (file: string): SavedWorkspace | undefined => {
  const text = textOf(file)
  if (text === undefined) return undefined
  try {
    const state: unknown = JSON.parse(text)
    if (outline.safeParse(state).success) return state as SavedWorkspace
  } catch {}
  throw new Error(
    `The state of the local Seam workspace, ${file}, is damaged or of another version. Delete that file to start with a fresh workspace.`,
  )
}

const textOf = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    const reason = error instanceof Error && 'code' in error ? error.code : 'unknown reason'
    throw new Error(
      `The state of the local Seam workspace, ${file}, cannot be read (${reason}). Delete it, or make it readable.`,
    )
  }
}
