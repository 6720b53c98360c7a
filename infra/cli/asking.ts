import { createInterface, type Interface } from 'node:readline'
import { Writable } from 'node:stream'
import { CliError } from '../local/cli-error.ts'
import { Interrupted, UsageError } from './errors.ts'
import type { Streams } from './tool.ts'

/** Several questions one after the other: to a person at a terminal, or to the lines of a pipe. */
export class Questions {
  private readonly stderr: Writable
  private readonly isTerminal: boolean
  private readonly lines: Interface
  private readonly answers: AsyncIterator<string>
  private isHidden = false
  private isInterrupted = false

  constructor({ stdin, stderr }: Streams) {
    this.stderr = stderr
    this.isTerminal = stdin.isTTY === true
    const output = new Writable({
      write: (chunk, _encoding, done) => {
        if (!this.isHidden) stderr.write(chunk)
        done()
      },
    })
    // No history: Arrow-up at the next question would show what was typed unseen.
    this.lines = createInterface({ input: stdin, output, terminal: this.isTerminal, historySize: 0 })
    // At a terminal Ctrl-C comes as a key, not as a signal.
    this.lines.on('SIGINT', () => {
      this.isInterrupted = true
      this.lines.close()
    })
    this.answers = this.lines[Symbol.asyncIterator]()
  }

  /** An empty answer is one, too. `secret`: what is typed is not shown. @throws CliError when nobody is there to answer */
  async text(question: string, secret = false): Promise<string> {
    this.stderr.write(question)
    this.isHidden = secret
    const { value, done } = await this.answers.next()
    this.isHidden = false
    if (secret || !this.isTerminal) this.stderr.write('\n')
    const sentence = 'What was said to be done is done; run it again for the rest.'
    if (this.isInterrupted) throw new Interrupted(`\nInterrupted. ${sentence}`)
    if (done) throw new CliError(`Nobody answered. ${sentence}`)
    return value.trim()
  }

  /** Yes is what Enter means. */
  async yes(question: string): Promise<boolean> {
    for (;;) {
      const answer = await this.text(`${question} [Y/n] `)
      if (/^(y|yes|)$/i.test(answer)) return true
      if (/^(n|no)$/i.test(answer)) return false
    }
  }

  close(): void {
    this.lines.close()
  }
}

/** One secret from standard input: an argument would stand in the shell's history and in the list of processes. */
export async function readSecretLine({ stdin, stderr }: Streams, what: string): Promise<string> {
  if (stdin.isTTY) stderr.write(`Paste the ${what} and press Enter: `)
  for await (const line of createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY }))
    if (line.trim() !== '') return line.trim().replace(/^bearer +/i, '')
  throw new UsageError(`Give the ${what} on standard input.`)
}
