import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compiled } from '../../compiled.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pipe-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const program = fileURLToPath(new URL('../../../infra/cli/main.ts', import.meta.url))
const commands = ['list', 'doctor', 'setup', 'probe', 'cleanup']

function start(...words: string[]) {
  return spawn(process.execPath, [program, ...words], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', LOCAL_DIR: folder, ...compiled },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

test.each([...commands.map((command) => [command, '--help']), ['doctor']])(
  '%s %s ends quietly when nobody reads what it prints',
  async (...words) => {
    const child = start(...words)
    // Closed before it can have written.
    child.stdout.destroy()
    const [err, [code, signal]] = await Promise.all([text(child.stderr), once(child, 'close')])
    expect([err, code, signal]).toEqual(['', 0, null])
  },
)

test.each(commands)('%s ends with its own exit code when nobody reads its errors', async (command) => {
  const child = start(command, '--nonsense')
  child.stderr.destroy()
  const [out, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'close')])
  expect([out, code, signal]).toEqual(['', 2, null])
})
