import { build } from 'esbuild'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import type { ClientSession, ClientSessions } from '../../../functions/browser/client-session.ts'
import { browserTest as test } from '../../infra/local/chromium.ts'
import { type Site, startSite } from './site.ts'

/** The helper in a real browser, against the real endpoint of another origin, with CORS as it is. */

let site: Site
let context: BrowserContext

beforeAll(async () => {
  site = await startSite()
  const { outputFiles } = await build({
    entryPoints: ['functions/browser/client-session.ts'],
    bundle: true,
    format: 'esm',
    write: false,
  })
  site.files.set('/browser.js', outputFiles[0]?.text ?? '').set('/', html())
})
afterAll(() => site.close())
beforeEach(async () => {
  context = await site.visitor()
})
afterEach(() => context.close())

/** Shows the devices that Seam lists, and reports a token that Seam refuses. */
const html = () => `<!doctype html><title>Devices</title><output></output><script type="module">
  import { clientSession } from './browser.js'
  const [output] = document.getElementsByTagName('output')
  window.sub = new URL(location).hash.slice(1)
  window.expired = false
  window.sessions = clientSession({
    url: '${site.api.url}',
    async getToken({ fresh }) {
      if (!sub) return
      const exp = expired && !fresh ? 1 : undefined
      const response = await fetch('${site.world.identityProvider.issuer}/token', {
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
  await page.goto(`${site.url}/#${sub}`)
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

test('who signs in sees their devices, and who signs in next sees theirs and no trace of the first', async () => {
  const page = await open('ada')
  await shows(page, await site.devicesFor('ada'))
  const { token } = await sessionOf(page)
  await switchTo(page, 'grace')
  await shows(page, await site.devicesFor('grace'))
  expect(await site.devicesFor('grace')).not.toBe(await site.devicesFor('ada'))
  expect((await sessionOf(page)).token).not.toBe(token)
  await switchTo(page, '')
  await shows(page, 'not_signed_in')
})

test('a client session that was deleted is replaced, once for two tabs', async () => {
  const tabs = await Promise.all([open('ada'), open('ada')])
  for (const tab of tabs) await shows(tab, await site.devicesFor('ada'))
  const [first, second] = await Promise.all(tabs.map(sessionOf))
  expect(second?.token).toBe(first?.token)
  const made = site.world.seam.sessions().length
  await site.deleteAtSeam(first?.client_session_id ?? '')
  await Promise.all(tabs.map(look))
  for (const tab of tabs) await shows(tab, await site.devicesFor('ada'))
  const [third, fourth] = await Promise.all(tabs.map(sessionOf))
  expect(third?.client_session_id).not.toBe(first?.client_session_id)
  expect(fourth?.client_session_id).toBe(third?.client_session_id)
  expect(site.world.seam.sessions()).toHaveLength(made + 1)
})

test('an endpoint that is down and back: what is at hand is served, and what is not comes by itself', async () => {
  const page = await open('ada')
  await shows(page, await site.devicesFor('ada'))
  const { token } = await sessionOf(page)
  await site.api.stop()
  expect((await sessionOf(page)).token).toBe(token)
  await switchTo(page, 'grace')
  await shows(page, '')
  await page.waitForEvent('requestfailed')
  await site.api.start()
  await shows(page, await site.devicesFor('grace'))
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
  await shows(page, await site.devicesFor('ada'))
})

test('signing out ends the client session at Seam', async () => {
  const page = await open('ada')
  await shows(page, await site.devicesFor('ada'))
  const { client_session_id } = await sessionOf(page)
  expect(await page.evaluate(() => (globalThis as unknown as OfThePage).sessions.signOut())).toBe(true)
  await shows(page, 'signed_out')
  expect(site.world.seam.sessions().find((it) => it.client_session_id === client_session_id)?.live).toBe(
    false,
  )
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
  await page.goto(`${site.url.replace('127.0.0.1', 'localhost')}/#ada`)
  await page.waitForEvent('requestfailed')
  expect(await page.textContent('output')).toBe('')
})
