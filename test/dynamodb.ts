import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { openDynalite } from '../infra/local/dynamodb.ts'
import { listen, stopListening } from './loopback.ts'

/** `dynoxide` is a program of its own for Linux on x64; `dynalite`, the local world's, runs in this process. */
export type Engine = 'dynoxide' | 'dynalite'

export interface DynamoDb {
  /** Base URL. */
  endpoint: string
  close(): Promise<void>
}

const program = installed('@dynoxide/linux-x64/dynoxide')

/** Both where both run. */
export const engines: Engine[] = program === undefined ? ['dynalite'] : ['dynoxide', 'dynalite']

/** An engine with its tables in memory, `dynoxide` where it is installed: DynamoDB's semantics are whole in it. */
export async function startDynamoDb({ engine = engines[0] }: { engine?: Engine } = {}): Promise<DynamoDb> {
  if (engine === 'dynoxide') return startDynoxide(program ?? 'not installed')
  const server = await openDynalite()
  const endpoint = await listen(server, 0, 'dynalite')
  return { endpoint, close: () => stopListening(server) }
}

function installed(module: string): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(module)
  } catch {
    return undefined
  }
}

/**
 * Runs the engine as `exec`ed by a shell that leaves a guard behind: the guard reads our end of a pipe, which the
 * system closes however we end, and then kills the engine. So not even a killed test leaves one running.
 */
const guarded = `exec 3<&0
(cat <&3; kill -9 $$) >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null`

/** It does not tell which port it chose. Another program may be quicker: then it says so, and we try again. */
async function startDynoxide(program: string): Promise<DynamoDb> {
  for (let attempt = 1; ; attempt++) {
    const started = await tryDynoxide(program, await freePort())
    if (typeof started === 'object') return started
    if (attempt === 5 || !started.includes('already in use'))
      throw new Error(`The DynamoDB engine did not start: ${started}`)
  }
}

/** What the engine complained of, when it did not start. */
async function tryDynoxide(program: string, port: number): Promise<DynamoDb | string> {
  const child = spawn(
    '/bin/sh',
    ['-c', guarded, 'sh', program, 'serve', '--host', '127.0.0.1', '--port', String(port)],
    // In a process group of its own, so that Ctrl-C reaches us alone and we end the engine last.
    { detached: true, stdio: ['pipe', 'ignore', 'pipe'], env: { PATH: process.env.PATH } },
  )
  child.stdin.on('error', () => {})
  const ended = once(child, 'exit').then(() => child.stdin.destroy())
  let said = ''
  const up = new Promise<'up'>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-2000)
      if (said.includes(`listening on http://127.0.0.1:${port}`)) resolve('up')
    })
  })
  if ((await Promise.race([up, ended])) !== 'up') return said.trim() || 'it gave no reason'
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async close() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  const url = await listen(server, 0, 'a test')
  await stopListening(server)
  return Number(new URL(url).port)
}
