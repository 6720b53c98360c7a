import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { runProgram } from '../../../infra/cli/program.ts'
import type { Overrides } from '../../../infra/cli/tool.ts'
import { startWorld, type World } from '../../../infra/local/world.ts'
import { heard } from '../../leaks.ts'

/** What a command printed, and how it ended. */
export interface Said {
  code: number
  out: string
  err: string
  /** Standard output, a JSON value a line. */
  // biome-ignore lint/suspicious/noExplicitAny: what a script would see; each test says what it expects.
  lines: any[]
}

/** A local world that runs, and a terminal in front of it. */
export interface Terminal {
  world: World
  folder: string
  admin(words: string[], input?: string | Readable): Promise<Said>
  /** The same in a process of its own. */
  spawnAdmin(words: string[], input?: Readable): ReturnType<typeof spawn>
  /** A file of NDJSON. */
  file(users: object[]): Promise<string>
  vend(sub: string): Promise<{ status: number; token: string }>
  devicesOf(token: string): Promise<{ status: number; count: number }>
  close(): Promise<void>
}

export async function startTerminal(): Promise<Terminal> {
  const folder = await mkdtemp(join(tmpdir(), 'admin-'))
  const world = await startWorld({ folder })
  const { file, identityProvider } = world
  return {
    world,
    folder,
    admin: (words, input = '') => runIn(folder, words, input),
    spawnAdmin: (words) =>
      spawn(process.execPath, ['infra/cli/main.ts', ...words], {
        env: { ...process.env, LOCAL_DIR: folder },
      }),
    async file(users) {
      const name = join(folder, 'users.ndjson')
      await writeFile(name, users.map((user) => `${JSON.stringify(user)}\n`).join(''))
      return name
    },
    async vend(sub) {
      const response = await fetch(`${file.api}/client-session`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await identityProvider.sign({ sub })}` },
      })
      const { token } = (await response.json()) as { token: string }
      return { status: response.status, token }
    },
    async devicesOf(token) {
      const response = await fetch(`${file.seam}/devices/list`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      })
      const { devices = [] } = (await response.json()) as { devices?: unknown[] }
      return { status: response.status, count: devices.length }
    },
    async close() {
      await world.close()
      await rm(folder, { recursive: true })
    },
  }
}

interface Setting {
  environment?: Parameters<typeof runProgram>[1]
  deps?: Overrides
  /** Standard output and standard error are a terminal. */
  isTTY?: boolean
}

export async function runIn(
  folder: string,
  words: string[],
  input: string | Readable = '',
  { environment = {}, deps = {}, isTTY = false }: Setting = {},
): Promise<Said> {
  const stream = () => Object.assign(heard(new PassThrough()), { isTTY })
  const [stdout, stderr] = [stream(), stream()]
  const [out, err] = [textOf(stdout), textOf(stderr)]
  const stdin = typeof input === 'string' ? Readable.from([input]) : input
  const code = await runProgram(
    words,
    { LOCAL_DIR: folder, ...environment },
    { stdin, stdout, stderr },
    { folder, ...deps },
  )
  stdout.end()
  stderr.end()
  const printed = await out
  const lines = words.includes('--json')
    ? printed
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : []
  return { code, out: printed, err: await err, lines }
}

export async function textOf(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += chunk
  return text
}
