import { readFile, rename, writeFile } from 'node:fs/promises'
import type * as z from 'zod/v4-mini'
import { parsedJson } from '../stage.ts'
import { CliError, codeOf } from './cli-error.ts'

/**
 * The content of a file of the local world; undefined when there is none yet.
 * @param remedy what to do about a damaged one, and what that costs: a sentence
 * @throws CliError
 */
export async function readStateFile<S extends z.ZodMiniType>(
  file: string,
  schema: S,
  remedy: string,
): Promise<z.infer<S> | undefined> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new CliError(`${file} cannot be read (${codeOf(error)}). Make it readable. Or: ${remedy}`)
  })
  if (text === undefined) return undefined
  const state = schema.safeParse(parsedJson(text))
  if (!state.success) throw new CliError(`${file} is damaged or of another version. ${remedy}`)
  return state.data
}

/** Only its owner can read it. Written beside and renamed, so a killed process leaves the old state or the new. */
export async function writeStateFile(file: string, state: unknown): Promise<void> {
  try {
    await writeFile(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
    await rename(`${file}.new`, file)
  } catch (error) {
    throw new CliError(`${file} cannot be written (${codeOf(error)}). Make its folder writable.`)
  }
}

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
