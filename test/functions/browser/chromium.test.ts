import { createServer, type Server } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { build } from 'esbuild'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ClientSession, ClientSessions } from '../../../functions/browser.ts'
import { listen, stopListening } from '../../../infra/local/loopback.ts'
import { startChromium } from '../../infra/local/chromium.ts'
import { caller } from '../../infra/local/seam/calling.ts'
import { ask, devicesOf, startVendingWorld, type VendingWorld } from '../vending-world.ts'

/** The helper in a real browser, against the real endpoint of another origin, with CORS as it is. */

let browser: Browser
let pages: Server
let pageUrl: string
let world: VendingWorld
let api: Server
let apiUrl: string
let context: BrowserContext

beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: ['functions/browser.ts'],
    bundle: true,
    format: 'esm',
    write: false,
  })
  pages = createServer((request, response) => {
    const [type, text] = request.url?.startsWith('/browser.js')
      ? ['text/javascript', outputFiles[0]?.text]
      : ['text/html', html()]
    response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(text)
  })
  pageUrl = await listen(pages, 0, 'the page')
  world = await startVendingWorld({ configuration: { allowedOrigins: [pageUrl] } })
  apiUrl = await startApi(0)
  for (const [i, sub] of ['ada', 'grace'].entries()) {
    const accountIds = world.seam.users[i]?.connected_account_ids ?? []
    await world.record(sub, accountIds)
  }
  browser = await startChromium()
})
afterAll(async () => {
  await browser.close()
  await Promise.all([stopListening(pages), stopListening(api), world.close()])
})
beforeEach(async () => {
  context = await browser.newContext()
})
afterEach(() => context.close())

async function startApi(port: number): Promise<string> {
  api = createServer(getRequestListener(world.machine.app.fetch))
  return listen(api, port, 'the endpoint')
}

/** Shows the devices that Seam lists, and reports a token that Seam refuses. */
const html = () => `<!doctype html><title>Devices</title><output></output><script type="module">
  import { clientSession } from './browser.js'
  const [output] = document.getElementsByTagName('output')
  window.sub = new URL(location).hash.slice(1)
  window.expired = false
  window.sessions = clientSession({
    url: '${apiUrl}',
    async getToken({ fresh }) {
      if (!sub) return
      const exp = expired && !fresh ? 1 : undefined
      const response = await fetch('${world.identityProvider.issuer}/token', {
        method: 'POST', headers: { accept: 'text/plain' }, body: JSON.stringify({ sub, exp }),
      })
      return response.text()
    },
  })
  window.show = async (session, error) => {
    output.textContent = error ? error.code : ''
    if (!session) return
    const response = await fetch(session.endpoint + '/devices/list', {
      method: 'POST', headers: { authorization: 'Bearer ' + session.token },
    })
    if (response.status === 401) return sessions.getClientSession({ stale: session.client_session_id })
    const { devices } = await response.json()
    output.textContent = devices.map(({ device_id }) => device_id).sort().join()
  }
  sessions.onChange(show)
</script>`

interface OfThePage {
  sub: string
  /** Whether the identity provider's cache holds a bearer token that has expired. */
  expired: boolean
  sessions: ClientSessions
  show: (session: ClientSession) => Promise<unknown>
}

async function open(sub: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${pageUrl}/#${sub}`)
  return page
}

function shows(page: Page, text: string): Promise<unknown> {
  return page.waitForFunction((text) => document.querySelector('output')?.textContent === text, text)
}

function sessionOf(page: Page): Promise<ClientSession> {
  return page.evaluate(() => (globalThis as unknown as OfThePage).sessions.getClientSession())
}

/** Whoever sits in front of the page is somebody else from now on. */
function switchTo(page: Page, sub: string): Promise<void> {
  return page.evaluate((sub) => {
    const it = globalThis as unknown as OfThePage
    it.sub = sub
    it.sessions.reset()
  }, sub)
}

/** The page calls Seam with the session that it has. */
function look(page: Page): Promise<void> {
  return page.evaluate(async () => {
    const it = globalThis as unknown as OfThePage
    await it.show(await it.sessions.getClientSession())
  })
}

async function devicesFor(sub: string): Promise<string> {
  const { body } = await ask(world.machine, { token: await world.token(sub) })
  return (await devicesOf(world.seam, body.token)).join()
}

/** As somebody with the API key does in Seam's console. */
async function deleteAtSeam(client_session_id: string): Promise<void> {
  const { status } = await caller(world.seam)('/client_sessions/delete', { client_session_id })
  expect(status).toBe(200)
}

test('who signs in sees their devices, and who signs in next sees theirs and no trace of the first', async () => {
  const page = await open('ada')
  await shows(page, await devicesFor('ada'))
  const { token } = await sessionOf(page)
  await switchTo(page, 'grace')
  await shows(page, await devicesFor('grace'))
  expect(await devicesFor('grace')).not.toBe(await devicesFor('ada'))
  expect((await sessionOf(page)).token).not.toBe(token)
  await switchTo(page, '')
  await shows(page, 'not_signed_in')
})

test('a client session that was deleted is replaced, once for two tabs', async () => {
  const tabs = await Promise.all([open('ada'), open('ada')])
  for (const tab of tabs) await shows(tab, await devicesFor('ada'))
  const [first, second] = await Promise.all(tabs.map(sessionOf))
  expect(second?.token).toBe(first?.token)
  const made = world.seam.sessions().length
  await deleteAtSeam(first?.client_session_id ?? '')
  await Promise.all(tabs.map(look))
  for (const tab of tabs) await shows(tab, await devicesFor('ada'))
  const [third, fourth] = await Promise.all(tabs.map(sessionOf))
  expect(third?.client_session_id).not.toBe(first?.client_session_id)
  expect(fourth?.client_session_id).toBe(third?.client_session_id)
  expect(world.seam.sessions()).toHaveLength(made + 1)
})

test('an endpoint that is down and back: what is at hand is served, and what is not comes by itself', async () => {
  const page = await open('ada')
  await shows(page, await devicesFor('ada'))
  const { token } = await sessionOf(page)
  await stopListening(api)
  expect((await sessionOf(page)).token).toBe(token)
  await switchTo(page, 'grace')
  await shows(page, '')
  await page.waitForEvent('requestfailed')
  await startApi(Number(new URL(apiUrl).port))
  await shows(page, await devicesFor('grace'))
})

test('a bearer token that has expired is renewed, and nobody notices', async () => {
  const page = await open('')
  await shows(page, 'not_signed_in')
  const refused = page.waitForResponse((response) => response.status() === 401)
  await page.evaluate(() => {
    ;(globalThis as unknown as OfThePage).expired = true
  })
  await switchTo(page, 'ada')
  await refused
  await shows(page, await devicesFor('ada'))
})

test('signing out ends the client session at Seam', async () => {
  const page = await open('ada')
  await shows(page, await devicesFor('ada'))
  const { client_session_id } = await sessionOf(page)
  expect(await page.evaluate(() => (globalThis as unknown as OfThePage).sessions.signOut())).toBe(true)
  await shows(page, '')
  expect(world.seam.sessions().find((it) => it.client_session_id === client_session_id)?.live).toBe(false)
})

test('who has no access is told so, with the subject that support asks for', async () => {
  const page = await open('mallory')
  await shows(page, 'not_provisioned')
  const error = await page.evaluate(() =>
    (globalThis as unknown as OfThePage).sessions.getClientSession().then(
      () => undefined,
      ({ action, subject, requestId }) => ({ action, subject, requestId }),
    ),
  )
  expect(error).toEqual({ action: 'stop', subject: 'main|mallory', requestId: expect.any(String) })
})

test('a page of another origin gets nothing', async () => {
  const page = await context.newPage()
  await page.goto(`${pageUrl.replace('127.0.0.1', 'localhost')}/#ada`)
  await page.waitForEvent('requestfailed')
  expect(await page.textContent('output')).toBe('')
})
