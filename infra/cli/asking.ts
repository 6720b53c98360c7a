import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { CliError } from '../local/cli-error.ts'
import { Interrupted, UsageError } from './errors.ts'
import type { Streams } from './tool.ts'

/** An empty answer counts. `secret`: what is typed is not shown. @throws CliError when there is none */
export type Ask = (question: string, secret?: boolean) => Promise<string>

/** Asks one question after the other: a person at a terminal, or the lines of a pipe. */
export async function asking<T>({ stdin, stderr }: Streams, use: (ask: Ask) => Promise<T>): Promise<T> {
  const isTerminal = stdin.isTTY === true
  let isHidden = false
  let isInterrupted = false
  const output = new Writable({
    write: (chunk, _encoding, done) => {
      if (!isHidden) stderr.write(chunk)
      done()
    },
  })
  // No history: Arrow-up at the next question would show what was typed unseen.
  const lines = createInterface({ input: stdin, output, terminal: isTerminal, historySize: 0 })
  // At a terminal Ctrl-C comes as a key, not as a signal.
  lines.on('SIGINT', () => {
    isInterrupted = true
    lines.close()
  })
  const answers = lines[Symbol.asyncIterator]()
  const ask: Ask = async (question, secret = false) => {
    stderr.write(question)
    isHidden = secret
    const { value, done } = await answers.next()
    isHidden = false
    if (secret || !isTerminal) stderr.write('\n')
    const sentence = 'What was reported as done is done; run it again for the rest.'
    if (isInterrupted) throw new Interrupted(`\nInterrupted. ${sentence}`)
    if (done) throw new CliError(`There was no answer. ${sentence}`)
    return value.trim()
  }
  try {
    return await use(ask)
  } finally {
    lines.close()
  }
}

/** One secret from standard input: an argument would stand in the shell's history and in the list of processes. */
export async function readSecretLine({ stdin, stderr }: Streams, what: string): Promise<string> {
  if (stdin.isTTY) stderr.write(`Paste the ${what} and press Enter: `)
  for await (const line of createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY }))
    if (line.trim() !== '') return line.trim().replace(/^bearer +/i, '')
  throw new UsageError(`Give the ${what} on standard input.`)
}
