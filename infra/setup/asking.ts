import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import type { Streams } from '../admin/tool.ts'
import { Trouble } from '../local/trouble.ts'

/** Several questions one after the other: to a person at a terminal, or to the lines of a pipe. */
export interface Questions {
  /** What is typed is not shown. An empty answer is one, too. @throws Trouble when nobody is there to answer */
  secret(question: string): Promise<string>
  /** Yes is what Enter means. @throws Trouble when nobody is there to answer */
  yes(question: string): Promise<boolean>
  close(): void
}

export function questioner({ stdin, stderr }: Streams): Questions {
  const terminal = stdin.isTTY === true
  let hidden = false
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!hidden) stderr.write(chunk)
      done()
    },
  })
  // No history: Arrow-up at the next question would show what was typed unseen.
  const lines = createInterface({ input: stdin, output, terminal, historySize: 0 })
  const answers = lines[Symbol.asyncIterator]()

  async function ask(question: string, unseen: boolean): Promise<string> {
    stderr.write(question)
    hidden = unseen
    const { value, done } = await answers.next()
    hidden = false
    if (unseen || !terminal) stderr.write('\n')
    if (done)
      throw new Trouble('Nobody answered. What was said to be done is done; run it again for the rest.')
    return value.trim()
  }

  return {
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
