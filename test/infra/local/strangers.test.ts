import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readWorldFile, type WorldFile } from '../../../infra/local/files.ts'
import { compiled } from '../../compiled.ts'
import { listen, stopListening } from '../../loopback.ts'
import { browserTest, startChromium } from './chromium.ts'
import { listeningPorts, sendRaw, statusOf } from './listeners.ts'

/** What a stranger's page can do to a local world that runs, at every door that the system knows of. */

const main = fileURLToPath(new URL('../../../infra/local/start.ts', import.meta.url))
const secrets = { SEAM_API_KEY: 'seam_of_another_program', AWS_SECRET_ACCESS_KEY: 'somebodys-aws-secret' }

let folder: string
let world: ChildProcess
let file: WorldFile

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strangers-'))
  world = spawn(process.execPath, [main], {
    env: { PATH: process.env.PATH, LOCAL_DIR: folder, PORT: '0', ...compiled, ...secrets },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise<void>((resolve) => {
    let output = ''
    world.stdout?.on('data', (chunk) => {
      output += chunk
      if (/^ready$/m.test(output)) resolve()
    })
    world.once('close', resolve)
  })
  file = await readWorldFile(folder)
})
afterAll(async () => {
  const ended = once(world, 'close')
  world.kill('SIGKILL')
  await ended
  await rm(folder, { recursive: true })
})

const doors = () =>
  [file.api, file.page, file.issuer, file.seam, file.seam_control, file.dynamodb, file.dynamodb_control].map(
    (url) => Number(new URL(url ?? '').port),
  )

/** What the controls say, and what the page shows of Ada: a stranger who has done something changes it. */
async function stateOfWorld(): Promise<unknown> {
  const addresses = [file.seam_control, file.dynamodb_control, `${file.page}/desk.json?sub=ada`]
  const [seam, dynamodb, ada] = await Promise.all(
    addresses.map(async (url) => (await fetch(url ?? '')).json()),
  )
  return {
    seam: [seam.faults, seam.readings, seam.webhooks.hold],
    dynamodb: dynamodb.faults,
    ada: [ada.record.status, ada.record.connected_account_ids, ada.live],
  }
}

describe.runIf(process.platform === 'linux')('every port', () => {
  const paths = ['/', '/facts.json', '/healthz', '/jwks', '/devices/list', '/_fake/complete_connect_webview']
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND']
  const upgrade = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ]

  /** One of each kind of request; `{}` in a header stands for the port. */
  async function ask(...headers: string[]) {
    const answers = []
    for (const { port } of await listeningPorts(world.pid ?? 0)) {
      const own = headers.map((header) => header.replace('{}', String(port)))
      for (const path of paths)
        for (const method of methods)
          answers.push(await sendRaw(port, `${method} ${path} HTTP/1.1`, ...own, 'Connection: close'))
      answers.push(await sendRaw(port, 'GET /seen HTTP/1.1', ...own, ...upgrade))
    }
    return {
      count: answers.length,
      statuses: [...new Set(answers.map(statusOf))],
      isOpen: answers.some((answer) => /access-control-allow/i.test(answer)),
    }
  }

  it('is known, and of this machine alone', async () => {
    const ports = await listeningPorts(world.pid ?? 0)
    expect(ports.map(({ port }) => port).sort()).toEqual(doors().sort())
    expect(new Set(ports.map(({ address }) => address))).toEqual(new Set(['0100007F']))
  })

  it('answers 421 to a foreign Host', async () => {
    for (const host of ['rebound.example', 'rebound.example:{}', '127.0.0.1.nip.io:{}', '127.0.0.1:1'])
      expect(await ask(`Host: ${host}`), host).toEqual({ count: 7 * 43, statuses: [421], isOpen: false })
    // As a page would send it whose name leads here.
    const rebound = ['Host: rebound.example:{}', 'Origin: http://rebound.example:{}']
    expect(await ask(...rebound)).toEqual({ count: 7 * 43, statuses: [421], isOpen: false })
  })

  it('answers 403 to a foreign Origin', async () => {
    for (const origin of ['https://elsewhere.example', 'null', 'http://127.0.0.1:1', 'http://localhost:3000'])
      expect(await ask('Host: 127.0.0.1:{}', `Origin: ${origin}`), origin).toEqual({
        count: 7 * 43,
        statuses: [403],
        isOpen: false,
      })
  })

  it('answers a foreign page’s images, scripts and frames with 403', async () => {
    const image = ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors']
    expect(await ask('Host: 127.0.0.1:{}', ...image)).toMatchObject({ statuses: [403], isOpen: false })
  })

  it('answers a CONNECT with nothing', async () => {
    for (const port of doors())
      expect(await sendRaw(port, `CONNECT 127.0.0.1:${port} HTTP/1.1`, `Host: 127.0.0.1:${port}`)).toBe('')
  })

  it('answers its owner, and allows the page where it has to call, by its name', async () => {
    const host = (port: number) => `Host: 127.0.0.1:${port}`
    const allowed: unknown[] = []
    for (const port of doors()) {
      const asked = await sendRaw(port, 'GET / HTTP/1.1', host(port), 'Connection: close')
      expect([403, 421, undefined]).not.toContain(statusOf(asked))
      expect(asked).not.toMatch(/access-control-allow-origin/i)
      const page = await sendRaw(
        port,
        'GET / HTTP/1.1',
        host(port),
        `Origin: ${file.page}`,
        'Connection: close',
      )
      allowed.push(/^access-control-allow-origin: (.*?)\r$/im.exec(page)?.[1] ?? statusOf(page))
    }
    const { page } = file
    expect(allowed).toEqual([page, 200, page, page, 403, 403, 403])
  })
})

describe('a page of another origin, in a real browser', () => {
  let browser: Browser
  const site = createServer((_, response) =>
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>Free tickets</title>'),
  )
  let addresses: string[]
  beforeAll(async () => {
    const { port } = new URL(await listen(site, 0, 'the site'))
    // The same server as another origin of the same site, and as another site.
    addresses = [`http://127.0.0.1:${port}`, `http://localhost:${port}`]
    browser = await startChromium()
  })
  afterAll(async () => {
    await browser.close()
    await stopListening(site)
  })

  browserTest('reads nothing and changes nothing, though it knows everything', async () => {
    const before = await stateOfWorld()
    const bodies = {
      [`${file.page}/desk`]: JSON.stringify({ act: 'disable', sub: 'ada' }),
      [`${file.seam_control}/faults`]: JSON.stringify({ kind: 'reset' }),
      [`${file.dynamodb_control}/faults`]: JSON.stringify({ kind: 'reset' }),
      [`${file.issuer}/token`]: JSON.stringify({ sub: 'ada' }),
      [`${file.dynamodb}/`]: JSON.stringify({ TableName: file.table }),
      [`${file.api}/client-session`]: '',
      [`${file.seam}/devices/list`]: '{}',
    }
    const credential = `${file.dynamodb_access_key_id}/20260101/local/dynamodb/aws4_request`
    const tried = {
      bodies,
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=0`,
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-date': '20260101T000000Z',
        'x-amz-target': 'DynamoDB_20120810.Scan',
      },
    }
    for (const address of addresses) {
      const page = await browser.newPage()
      await page.goto(address)
      const read = await page.evaluate(async ({ bodies, headers }) => {
        const read: string[] = []
        const note = (what: string) => () => read.push(what)
        const none = () => {}
        for (const [url, body] of Object.entries(bodies)) {
          for (const init of [
            {},
            { method: 'POST', body },
            { method: 'POST', body, headers },
            { method: 'PUT', body },
          ])
            await fetch(url, init).then(note(`fetch ${url}`), none)
          // Goes out without a preflight; what comes back is hidden from the page.
          await fetch(url, { method: 'POST', body, mode: 'no-cors' }).catch(none)
          await fetch(url, { mode: 'no-cors' }).catch(none)
          navigator.sendBeacon(url, body)
          for (const kind of ['img', 'script', 'iframe'] as const) {
            const element = document.createElement(kind)
            element.src = url
            const done = new Promise((resolve) => {
              element.onload = element.onerror = resolve
            })
            document.body.append(element)
            await done
          }
          await new Promise<void>((resolve) => {
            const socket = new WebSocket(url.replace(/^http/, 'ws'))
            socket.onopen = () => {
              read.push(`socket ${url}`)
              resolve()
            }
            socket.onerror = () => resolve()
          })
          await new Promise<void>((resolve) => {
            const events = new EventSource(new URL('/seen', url))
            const end = () => resolve(events.close())
            events.onopen = () => {
              read.push(`events ${url}`)
              end()
            }
            events.onerror = end
          })
          const form = document.createElement('form')
          Object.assign(form, { method: 'post', enctype: 'text/plain', action: url, target: 'frame' })
          const field = document.createElement('input')
          Object.assign(field, { name: body.slice(0, -1), value: '}' })
          const frame = document.createElement('iframe')
          frame.name = 'frame'
          form.append(field)
          document.body.append(form, frame)
          const sent = new Promise((resolve) => {
            frame.onload = resolve
          })
          form.submit()
          await sent
          frame.remove()
        }
        return read
      }, tried)
      expect([address, read]).toEqual([address, []])
      await page.close()
    }
    expect(await stateOfWorld()).toEqual(before)
  })

  browserTest('is told from the page of the world, which reads what it may', async () => {
    const page = await browser.newPage()
    await page.goto(`${file.page}/icon.svg`)
    const token = await page.evaluate(
      async (issuer) => (await fetch(`${issuer}/token`, { method: 'POST', body: '{"sub":"ada"}' })).status,
      file.issuer,
    )
    expect(token).toBe(200)
    await page.close()
  })
})

describe.runIf(process.platform === 'linux')('a process that the world starts', () => {
  it('is told no secret by its environment', async () => {
    // Puts the page's code together by a program of its own.
    expect((await fetch(`${file.page}/page.js`)).status).toBe(200)
    const children = await childrenOf(world.pid ?? 0)
    expect(children.length).toBeGreaterThan(0)
    for (const pid of children) {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8')
      expect(environment).toContain('PATH=')
      for (const secret of Object.values(secrets)) expect(environment).not.toContain(secret)
    }
  })
})

/** As Linux tells it: proc_pid_stat(5), the fourth field. */
async function childrenOf(parent: number): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')))
  return pids.filter((_, index) => stats[index]?.replace(/^.*\) \S /s, '').split(' ')[0] === String(parent))
}
