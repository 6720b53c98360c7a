import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { Trouble } from '../local/trouble.ts'
import { Interrupted } from './errors.ts'
import type { Streams } from './tool.ts'

/** Several questions one after the other: to a person at a terminal, or to the lines of a pipe. */
export interface Questions {
  /** An empty answer is one, too. @throws Trouble when nobody is there to answer */
  text(question: string): Promise<string>
  /** What is typed is not shown. */
  secret(question: string): Promise<string>
  /** Yes is what Enter means. */
  yes(question: string): Promise<boolean>
  close(): void
}

export function questioner({ stdin, stderr }: Streams): Questions {
  const terminal = stdin.isTTY === true
  let hidden = false
  let interrupted = false
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!hidden) stderr.write(chunk)
      done()
    },
  })
  // No history: Arrow-up at the next question would show what was typed unseen.
  const lines = createInterface({ input: stdin, output, terminal, historySize: 0 })
  // At a terminal Ctrl-C comes as a key, not as a signal.
  lines.on('SIGINT', () => {
    interrupted = true
    lines.close()
  })
  const answers = lines[Symbol.asyncIterator]()

  async function ask(question: string, unseen: boolean): Promise<string> {
    stderr.write(question)
    hidden = unseen
    const { value, done } = await answers.next()
    hidden = false
    if (unseen || !terminal) stderr.write('\n')
    const sentence = 'What was said to be done is done; run it again for the rest.'
    if (interrupted) throw new Interrupted(`\nInterrupted. ${sentence}`)
    if (done) throw new Trouble(`Nobody answered. ${sentence}`)
    return value.trim()
  }

  return {
    text: (question) => ask(question, false),
    secret: (question) => ask(question, true),
    async yes(question) {
      for (;;) {
        const answer = await ask(`${question} [Y/n] `, false)
        if (/^(y|yes|)$/i.test(answer)) return true
        if (/^(n|no)$/i.test(answer)) return false
      }
    },
    close: () => lines.close(),
  }
}
