import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod/v4-mini'
import { CliError } from './cli-error.ts'
import { readStateFile, writeStateFile } from './state-file.ts'

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

const nameOf = (folder: string) => join(folder, 'world.json')

/** @throws CliError when no world runs there */
export async function readWorldFile(folder: string): Promise<WorldFile> {
  const world = await readStateFile(nameOf(folder), worldFile, 'Delete it: the next start writes a new one.')
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

export const writeWorldFile = (folder: string, world: WorldFile) => writeStateFile(nameOf(folder), world)

export const removeWorldFile = (folder: string) => rm(nameOf(folder), { force: true })
