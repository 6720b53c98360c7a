import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { CallAdmin } from '../../functions/admin-client.ts'
import { Misuse } from './exit-codes.ts'
import type { Environment, Reach } from './reach.ts'

/** A terminal, or the pipes of a script. */
export interface Streams {
  stdin: Readable & { isTTY?: boolean }
  stdout: Writable
  stderr: Writable & { isTTY?: boolean }
}

/** What a command works with. */
export interface Tool {
  callAdmin: CallAdmin
  auditTrail: Reach['auditTrail']
  environment: Environment
  streams: Streams
  /** `--json`: results are for a program. */
  json: boolean
  now: () => number
  /** A result: as one line of JSON, or as a person reads it. */
  show(result: unknown, forPeople: () => string): Promise<void>
  /** On standard error: never part of the result. */
  note(text: string): void
}

/** Waits while whoever reads is behind, so that memory stays flat, and for nobody who has stopped reading. */
export function writeTo(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (stream.write(text, () => resolve())) resolve()
  })
}

/** One secret from standard input: an argument would stand in the shell's history and in the list of processes. */
export async function readSecretLine({ stdin, stderr }: Streams, what: string): Promise<string> {
  if (stdin.isTTY) stderr.write(`Paste the ${what} and press Enter: `)
  for await (const line of createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY }))
    if (line.trim() !== '') return line.trim().replace(/^bearer +/i, '')
  throw new Misuse(`Give the ${what} on standard input.`)
}
