import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pipe-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const files = ['admin/cli.ts', 'doctor/cli.ts', 'setup/cli.ts', 'probe/cli.ts', 'local/cleanup.ts']

function start(file = '', words: string[] = []) {
  const command = fileURLToPath(new URL(`../../infra/${file}`, import.meta.url))
  return spawn(process.execPath, [command, ...words], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', LOCAL_DIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

test.each([...files.map((file) => [file, '--help']), ['doctor/cli.ts']])(
  '%s %s ends quietly when nobody reads what it prints',
  async (file, ...words) => {
    const child = start(file, words)
    // Closed before it can have written.
    child.stdout.destroy()
    const [err, [code, signal]] = await Promise.all([text(child.stderr), once(child, 'close')])
    expect([err, code, signal]).toEqual(['', 0, null])
  },
)

test.each(files)('%s ends with its own exit code when nobody reads its errors', async (file) => {
  const child = start(file, [file.startsWith('admin') ? 'nonsense' : '--nonsense'])
  child.stderr.destroy()
  const [out, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'close')])
  expect([out, code, signal]).toEqual(['', 2, null])
})
