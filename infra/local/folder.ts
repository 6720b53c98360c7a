import { chmod, mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CliError, codeOf } from './cli-error.ts'
import { readWorldFile } from './files.ts'

/**
 * Creates the folder of a local world's state if it is missing, for its owner alone, and locks it until it is released
 * or this process ends, however it ends: a killed world leaves no lock behind.
 * @returns what releases it
 * @throws CliError
 */
export async function takeFolder(path: string): Promise<() => void> {
  const lock = join(path, 'lock')
  try {
    await makeFolder(path)
    await chmod(path, 0o700)
    await writeFile(lock, '', { flag: 'a', mode: 0o600 })
  } catch (error) {
    throw new CliError(
      `${path} cannot be the folder of the local world (${codeOf(error)}). Make it a folder that you may write to, or set LOCAL_DIR to another.`,
    )
  }
  const held = await hold(lock, path)
  return () => held.close()
}

/** One by one: Node's recursive mkdir never returns where nothing can be made, such as below /proc. */
async function makeFolder(path: string): Promise<void> {
  const make = () => mkdir(path, { mode: 0o700 })
  try {
    await make()
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await stat(path)).isDirectory()) return
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error
    await makeFolder(dirname(path))
    await make()
  }
}

/** Node has no file locks, so SQLite takes one. The system drops it when the process ends. */
async function hold(lock: string, path: string): Promise<DatabaseSync> {
  // Waits a moment (milliseconds): the last world may still be stopping.
  const database = new DatabaseSync(lock, { timeout: 1500 })
  try {
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    const isLocked = error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy
    if (!isLocked) throw new CliError(`${lock} is damaged. Delete it; it holds nothing.`)
    const api = (await readWorldFile(path).catch(() => undefined))?.api
    throw new CliError(
      `Another local world runs on ${path}${api === undefined ? '' : ` (its API: ${api})`}. Use that one, stop it, or set LOCAL_DIR to another folder.`,
    )
  }
}

const sqliteBusy = 5

/** Deletes what a world keeps there, and nothing else: the folder may be somebody's home. */
export async function clearFolder(path: string): Promise<void> {
  const own = ['memory.json', 'identity-provider.json', 'seam.json', 'world.json', 'audit.ndjson', 'dynamodb']
  for (const name of own) await rm(join(path, name), { recursive: true, force: true })
}
