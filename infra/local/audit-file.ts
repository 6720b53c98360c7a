import { appendFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { AccountAudit, AuditLog } from '../../functions/http/audit.ts'
import { parsedJson } from '../stage.ts'
import { CliError, codeOf } from './cli-error.ts'

/** The audit log of a local world: `audit.ndjson`, one line for each change of who may have what; only its owner can read it. */

const nameOf = (folder: string) => join(folder, 'audit.ndjson')

/** Writes each line before the caller gets an answer; several processes may write. */
export function auditWriter(folder: string): AuditLog {
  return (line) => appendFileSync(nameOf(folder), `${JSON.stringify(line)}\n`, { mode: 0o600 })
}

/** Every line, oldest first. @throws CliError */
export async function* auditTrail(folder: string): AsyncGenerator<AccountAudit> {
  const file = nameOf(folder)
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
