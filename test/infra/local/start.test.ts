import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readWorldFile } from '../../../infra/local/files.ts'
import { compiled } from '../../compiled.ts'
import { passed } from '../../leaks.ts'
import { listen, stopListening } from '../../loopback.ts'
import { paste } from '../../pasting.ts'

const main = fileURLToPath(new URL('../../../infra/local/start.ts', import.meta.url))

let folder: string
let running: Running[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'start-'))
  running = []
})

afterEach(async () => {
  for (const one of running) {
    one.process.kill('SIGKILL')
    await one.ended
  }
  await rm(folder, { recursive: true })
})

interface Running {
  process: ChildProcess
  output: () => string
  /** Exit code, or the signal. */
  ended: Promise<number | string>
}

function run(command: string, args: string[], environment: Record<string, string> = {}): Running {
  const process_ = spawn(command, args, {
    env: { PATH: process.env.PATH ?? '', LOCAL_DIR: folder, PORT: '0', ...compiled, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [process_.stdout, process_.stderr])
    stream?.setEncoding('utf8').on('data', (text) => {
      output += text
    })
  const ended = once(process_, 'close').then(([code, signal]) => code ?? signal)
  const one = { process: process_, output: () => output, ended }
  running.push(one)
  return one
}

const start = (environment: Record<string, string> = {}) => run(process.execPath, [main], environment)

async function untilReady(one: Running): Promise<Running> {
  const early = one.ended.then(() => Promise.reject(new Error(one.output())))
  early.catch(() => {})
  const ready = expect.poll(one.output).toMatch(/^ready$/m)
  await Promise.race([ready, early])
  return one
}

/** As a newcomer does, with what is printed. */
async function pasteCurl({ output }: Running) {
  const [command = ''] = /^curl .*\\\n.*$/m.exec(output()) ?? []
  return JSON.parse((await paste(command)).text) as { token: string; token_type: string }
}

async function permissions(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return Promise.all(
    entries.map(async (entry) => {
      const { mode } = await stat(join(entry.parentPath, entry.name))
      return `${entry.isDirectory() ? 'folder' : 'file'} ${(mode & 0o777).toString(8)}`
    }),
  )
}

describe('npm start', () => {
  it('prints a command that answers with a client session token, and no secret', async () => {
    const world = await untilReady(start())
    const first = await pasteCurl(world)
    expect(first).toMatchObject({
      token: expect.stringMatching(/^seam_cst/),
      token_type: 'seam_client_session',
    })
    expect(await pasteCurl(world)).toMatchObject({ token: first.token })
    await expect.poll(world.output).toMatch(/^200 POST {3}\/client-session \(reuse:live\) \d+ ms$/m)

    const { seam_api_key } = await readWorldFile(folder)
    passed(seam_api_key ?? '')
    expect(seam_api_key).toMatch(/^seam_/)
    for (const secret of [first.token, seam_api_key, 'eyJ']) expect(world.output()).not.toContain(secret)
    expect(new Set(await permissions(folder))).toEqual(new Set(['folder 700', 'file 600']))
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('ends all of it on %s', async (signal) => {
    const world = await untilReady(start())
    const { api, dynamodb, seam, issuer, page } = await readWorldFile(folder)
    world.process.kill(signal)
    expect(await world.ended).toBe(0)
    for (const url of [api, dynamodb, seam, issuer, page]) await expect(fetch(url)).rejects.toThrow()
    await expect(readWorldFile(folder)).rejects.toThrow('No local world runs')
  })

  it('goes on with the same token after it was killed', async () => {
    const killed = await untilReady(start())
    const { token } = await pasteCurl(killed)
    killed.process.kill('SIGKILL')
    const again = await untilReady(start())
    expect(await pasteCurl(again)).toMatchObject({ token })
  })

  it('ends in a sentence when its folder is deleted', async () => {
    const world = await untilReady(start())
    await rm(folder, { recursive: true, force: true })
    expect(await world.ended).toBe(1)
    expect(world.output()).toContain(`${folder} was deleted, so the local world has stopped.`)
    folder = await mkdtemp(join(tmpdir(), 'start-'))
  })

  it('ends when npm, which started it, is killed', async () => {
    const npm = run('/bin/sh', ['-c', `"${process.execPath}" "${main}" & wait`], {
      npm_lifecycle_event: 'start',
    })
    await untilReady(npm)
    const { api } = await readWorldFile(folder)
    npm.process.kill('SIGKILL')
    await expect.poll(() => fetch(api).catch(() => 'gone')).toBe('gone')
    await npm.ended
  })
})

describe('what it is told', () => {
  it('is refused in a sentence when it is wrong', async () => {
    const world = start({ PORT: '80a' })
    expect(await world.ended).toBe(1)
    expect(world.output().trim()).toBe('PORT is "80a"; give a number from 0 (any free port) to 65535.')
  })

  it('about a port that is taken is refused in a sentence', async () => {
    const server = createServer()
    const port = new URL(await listen(server, 0, 'a test')).port
    const world = start({ PORT: port })
    expect(await world.ended).toBe(1)
    expect(world.output()).toMatch(/^Starting: DynamoDB/)
    expect(world.output().trim().split('\n').at(-1)).toBe(
      `Port ${port}, which the API needs, is taken. Stop the program that listens there. Or set PORT to another; 0 takes any that is free.`,
    )
    await stopListening(server)
  })

  it('may be an API key alone: then the local workspace is used, and that is said', async () => {
    const world = await untilReady(start({ SEAM_API_KEY: 'seam_for_another_program' }))
    expect(world.output()).toContain('the local Seam workspace is used')
    expect(world.output()).not.toContain('seam_for_another_program')
  })

  it('may be a configuration that trusts another identity provider, whose token the command then needs', async () => {
    const configuration = {
      deployment: 'mine',
      issuers: [{ name: 'mine', issuer: 'https://login.example', audiences: ['my-app'] }],
      allowedOrigins: ['https://app.example'],
    }
    const world = await untilReady(start({ TOKEN_VENDING: JSON.stringify(configuration) }))
    expect(world.output()).toContain('with a token of https://login.example for my-app in $TOKEN')
    expect(await readWorldFile(folder)).toMatchObject({ issuer: 'https://login.example', users: [] })
  })
})
