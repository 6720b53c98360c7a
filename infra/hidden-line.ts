import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { Trouble } from './local/trouble.ts'

/** Standard input, if a person types there: then nothing of it is shown. */
export type Typed = Readable & { isTTY?: boolean; setRawMode?: (raw: boolean) => unknown }

/**
 * One secret line: typed unseen at a terminal, or from a pipe. In an argument it would stand in the shell's history.
 * @throws Trouble when there is none
 */
export async function readHiddenLine(stdin: Typed, stderr: Writable, what: string): Promise<string> {
  const line = stdin.isTTY === true && stdin.setRawMode !== undefined ? await typed() : await piped()
  if (line.trim() !== '') return line.trim()
  throw new Trouble(`No ${what} was given.`)

  async function typed(): Promise<string> {
    stderr.write(`${what} (nothing is shown): `)
    stdin.setRawMode?.(true)
    let text = ''
    try {
      for await (const chunk of stdin.setEncoding('utf8'))
        for (const character of chunk as string) {
          if (character === '\r' || character === '\n') return text
          // Ctrl-C and Ctrl-D, which a terminal in this mode hands over like any other key.
          if (character === '\u0003' || character === '\u0004') return ''
          text = character === '\u007f' || character === '\b' ? text.slice(0, -1) : text + character
        }
      return text
    } finally {
      stdin.setRawMode?.(false)
      stderr.write('\n')
    }
  }

  async function piped(): Promise<string> {
    for await (const line of createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY }))
      if (line.trim() !== '') return line
    return ''
  }
}
