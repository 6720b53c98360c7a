import { randomBytes } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod/v4-mini'
import type { AccountAudit, AuditLog } from '../../functions/http/audit.ts'
import { parsedJson } from '../stage.ts'
import { CliError, codeOf } from './cli-error.ts'
import { PortTaken } from './loopback.ts'

/** What stands in the folder of a local world. */

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

/** `world.json`: how commands and scripts find the local world that runs. Addresses are base URLs. */
const worldFile = z.object({
  api: z.string(),
  page: z.string(),
  issuer: z.string(),
  audience: z.string(),
  seam: z.string(),
  /** Absent, as `seam_control` and `users` are, when Seam is a real workspace. */
  seam_api_key: z.optional(z.string()),
  /** Where faults of the local Seam are planned, see seam/workspace.ts. */
  seam_control: z.optional(z.string()),
  dynamodb: z.string(),
  /** The local DynamoDB answers only requests signed with it. */
  dynamodb_access_key_id: z.string(),
  /** Where faults of the local DynamoDB are planned, see dynamodb-faults.ts. */
  dynamodb_control: z.string(),
  table: z.string(),
  /** What the world runs with, for the commands that act in it. */
  configuration: z.record(z.string(), z.unknown()),
  /** The `sub`s that have accounts with devices. */
  users: z.optional(z.array(z.string())),
})

export type WorldFile = z.infer<typeof worldFile>

const worldFileIn = (folder: string) => join(folder, 'world.json')

/** @throws CliError when no world runs there */
export async function readWorldFile(folder: string): Promise<WorldFile> {
  const world = await readStateFile(
    worldFileIn(folder),
    worldFile,
    'Delete it: the next start writes a new one.',
  )
  if (world !== undefined) return world
  throw new CliError(
    `No local world runs on ${folder}. Start one with "npm start", or set LOCAL_DIR to its folder.`,
  )
}

/** The same, for callers that act in the world: one that was killed leaves its file behind. @throws CliError */
export async function readRunningWorld(folder: string): Promise<WorldFile> {
  const world = await readWorldFile(folder)
  await fetch(`${world.api}/healthz`).catch(() => {
    throw new CliError(`The local world on ${folder} has ended. Start it again with "npm start".`)
  })
  return world
}

export const writeWorldFile = (folder: string, world: WorldFile) => writeStateFile(worldFileIn(folder), world)

export const removeWorldFile = (folder: string) => rm(worldFileIn(folder), { force: true })

const remembered = z.object({
  version: z.literal(1),
  /** The value of the sealing key's secret, as in the cloud. */
  sealing_key_secret: z.string().check(z.minLength(1)),
  ports: z.record(z.string(), z.int()),
})

/**
 * What a local world keeps between runs, beside the state of its parts.
 * @param usualPorts the first to try in a new folder, then in steps of ten; absent: any free ones
 * @throws CliError
 */
export async function openMemory(file: string, usualPorts: Record<string, number> = {}) {
  const memory: z.infer<typeof remembered> = (await readStateFile(
    file,
    remembered,
    'Delete its folder whole to start afresh: the other files belong to the addresses that stood in this one.',
  )) ?? {
    version: 1,
    sealing_key_secret: JSON.stringify({ current: randomBytes(32).toString('base64url') }),
    ports: {},
  }
  return {
    sealingKeySecret: memory.sealing_key_secret,

    /**
     * Starts a server on the port it had before. An address that was handed out must stay: an issuer's is part of
     * each of its tokens and records.
     */
    async atItsPort<T extends { url: string }>(
      name: string,
      start: (port: number) => Promise<T>,
    ): Promise<T> {
      const before = memory.ports[name]
      const first = before ?? usualPorts[name] ?? 0
      for (let port = first; ; port += 10)
        try {
          const started = await start(port)
          memory.ports[name] = Number(new URL(started.url).port)
          await writeStateFile(file, memory)
          return started
        } catch (error) {
          if (!(error instanceof PortTaken)) throw error
          if (before !== undefined)
            throw new CliError(
              `${error.message} Its address was handed out, so it cannot move; LOCAL_DIR starts a second world beside this one.`,
            )
          if (port >= first + 500) throw error
        }
    },
  }
}

/** The audit log of a local world: `audit.ndjson`, one line for each change of who may have what; only its owner can read it. */

const auditFileOf = (folder: string) => join(folder, 'audit.ndjson')

/** Writes each line before the caller gets an answer; several processes may write. */
export function auditWriter(folder: string): AuditLog {
  return (line) => appendFileSync(auditFileOf(folder), `${JSON.stringify(line)}\n`, { mode: 0o600 })
}

/** Every line, oldest first. @throws CliError */
export async function* auditTrail(folder: string): AsyncGenerator<AccountAudit> {
  const file = auditFileOf(folder)
  const handle = await open(file).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new CliError(`${file} cannot be read (${codeOf(error)}). Make it readable.`)
  })
  if (handle === undefined) return
  let number = 0
  for await (const line of handle.readLines()) {
    number++
    const entry = parsedJson(line)
    if (entry === undefined) throw new CliError(`${file} is damaged in line ${number}. Take that line out.`)
    yield entry as AccountAudit
  }
}
