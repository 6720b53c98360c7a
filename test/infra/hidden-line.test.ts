import { PassThrough, Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { readHiddenLine, type Typed } from '../../infra/hidden-line.ts'
import { textOf } from './admin/terminal.ts'

/** A terminal at which these keys are pressed. */
async function atTerminal(...keys: string[]) {
  const stderr = new PassThrough()
  const printed = textOf(stderr)
  const raw: boolean[] = []
  const stdin: Typed = Object.assign(Readable.from(keys), {
    isTTY: true,
    setRawMode: (on: boolean) => raw.push(on),
  })
  const line = await readHiddenLine(stdin, stderr, 'API key').catch(({ message }: Error) => message)
  stderr.end()
  return { line, raw, printed: await printed }
}

test('typed at a terminal, nothing of it is shown, and the terminal is left as it was', async () => {
  expect(await atTerminal('seam_', 'keX', '\u007f', 'y\r', 'more')).toEqual({
    line: 'seam_key',
    raw: [true, false],
    printed: 'API key (nothing is shown): \n',
  })
})

test.each(['\u0003', '\u0004', '\r'])('%j gives none', async (key) => {
  expect(await atTerminal('seam_', ...(key === '\r' ? ['\u007f'.repeat(5)] : []), key)).toMatchObject({
    line: 'No API key was given.',
    raw: [true, false],
  })
})

test('from a pipe it is the first line with something in it', async () => {
  expect(await readHiddenLine(Readable.from(['\n  seam_key \nrest']), new PassThrough(), 'API key')).toBe(
    'seam_key',
  )
})
