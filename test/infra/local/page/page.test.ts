import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import axe from 'axe-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { readConfiguration } from '../../../../functions/config.ts'
import { startWorld, type World } from '../../../../infra/local/world.ts'
import { startChromium, browserTest as test } from '../chromium.ts'

/** The page in a real browser: the local world behind it, Seam's own components in it, the policy as it is sent. */

let browser: Browser
let folder: string
let world: World
let context: BrowserContext
/** What the Content-Security-Policy has stopped, what the page has thrown, and what it asked elsewhere. */
let complaints: string[]

beforeAll(async () => {
  browser = await startChromium()
})
afterAll(() => browser.close())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'page-'))
  world = await startWorld({ folder })
  context = await browser.newContext()
  complaints = []
})
afterEach(async () => {
  await context.close()
  await world.close()
  await rm(folder, { recursive: true })
  expect(complaints).toEqual([])
})

async function open(sub = ''): Promise<Page> {
  const page = await context.newPage()
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => {
    if (!/^(http:\/\/127\.0\.0\.1:|data:)/.test(request.url())) complaints.push(request.url())
  })
  await page.goto(`${world.file.page}/#${sub}`)
  return page
}

const signIn = (page: Page, sub: string) => page.getByRole('button', { name: sub, exact: true }).click()
const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).first().click()

/** Resolves when Seam's component shows these devices and no others. */
function shows(page: Page, ...names: string[]): Promise<unknown> {
  return page.waitForFunction(
    (names) =>
      [...document.querySelectorAll('#devices .seam-title')]
        .map(({ textContent }) => textContent)
        .sort()
        .join() === names,
    names.sort().join(),
  )
}

function says(page: Page, id: string, words: RegExp): Promise<unknown> {
  return page.locator(`#${id}`).filter({ hasText: words }).waitFor()
}

/** Resolves when the story marks these, and nothing else, as having come or gone. */
async function marks(page: Page, id: string, change: 'new' | 'gone', ...texts: (string | RegExp)[]) {
  const marked = page.locator(`#${id} .${change}`)
  for (const hasText of texts) await marked.filter({ hasText }).waitFor()
  expect(await marked.count()).toBe(texts.length)
}

const ada = ['Front Door', 'Garden Gate', 'Living Room']
const sessionsOf = () => world.seam?.sessions() ?? []

test('who signs in sees their devices and can lock a door; the story tells why', async () => {
  const page = await open()
  await signIn(page, 'grace')
  await shows(page, 'Harbour Office')
  await says(page, 'headline', /^grace signed in$/)
  await says(page, 'outcome', /^The token opens 1 device\.$/)
  await says(page, 'did', /POST \/client-session · 201/)
  await says(page, 'record', /Created a client session: this login has no client session yet\./)
  await says(page, 'seam', /get_or_create/)
  await marks(page, 'hands', 'new', 'Harbour Office')

  // By the keyboard alone.
  await page.locator('#devices .seam-table-row').press('Enter')
  const unlocked = page.waitForResponse(/\/locks\/unlock_door$/)
  await page.getByRole('button', { name: /^unlock/i }).press('Enter')
  expect((await unlocked).status()).toBe(200)
})

test('nothing on the page shows a secret', async () => {
  const page = await open('ada')
  await shows(page, ...ada)
  await press(page, 'Ask again')
  await says(page, 'outcome', /Reused the existing token/)
  await page.locator('#recent summary').first().click()
  await says(page, 'recent', /"verdict": "reuse"/)
  await says(page, 'token', /^seam_cst1•+\S{4}$/)
  const text = await page.locator('body').textContent()
  for (const { token, user_identifier_key } of sessionsOf()) {
    expect(text).not.toContain(token)
    expect(text).not.toContain(user_identifier_key)
  }
  expect(text).not.toMatch(/eyJ[\w-]{20}/)
})

test('who signs in next sees theirs, and no trace of the first', async () => {
  const page = await open('ada')
  await shows(page, ...ada)
  // Not for a moment either, while Seam takes its time.
  await press(page, /^Slow/)
  await says(page, 'headline', /Seam is slow/)
  await page.locator('#devices').evaluate((place) => {
    const noted = () => place.setAttribute('data-noted', `${place.dataset.noted ?? ''} ${place.textContent}`)
    document.querySelector('[data-sub=grace]')?.addEventListener('click', () => {
      new MutationObserver(noted).observe(place, { childList: true, subtree: true, characterData: true })
    })
  })
  await signIn(page, 'grace')
  await shows(page, 'Harbour Office')
  const noted = await page.locator('#devices').getAttribute('data-noted')
  expect(noted).toContain('Harbour Office')
  for (const trace of ada) expect(noted).not.toContain(trace)
  await press(page, /^Works/)
  await says(page, 'headline', /Seam works again/)
  const texts = await page.locator('#app, #story').allTextContents()
  for (const trace of ada) expect(texts.join()).not.toContain(trace)
  await press(page, 'Sign out')
  await says(page, 'outcome', /Its token died at once\. Signed out/)
  await shows(page)
  await press(page, 'Sign in again')
  await shows(page, 'Harbour Office')
})

test('an account that is connected on Seam’s page widens the token in the hand', async () => {
  const page = await open('grace')
  await shows(page, 'Harbour Office')
  const token = await page.locator('#token').textContent()
  const [seam] = await Promise.all([context.waitForEvent('page'), press(page, 'Connect an account')])
  await seam.getByRole('button', { name: 'Log in' }).click()
  await shows(page, 'Harbour Office', 'New Door')
  await page.locator('#connecting').waitFor({ state: 'hidden' })
  await says(page, 'outcome', /Same token, 1 device more/)
  await says(page, 'did', /Seam told the webhook: connected_account\.connected/)
  await marks(page, 'hands', 'new', 'New Door')
  expect(await page.locator('#token').textContent()).toBe(token)
})

test('what the operator takes away vanishes at once, and what is given appears', async () => {
  const page = await open('ada')
  await shows(page, ...ada)
  await press(page, /^Take away: ecobee/)
  await shows(page, 'Front Door', 'Garden Gate')
  await says(page, 'headline', /^You took ecobee ada@example\.com from ada$/)
  await says(page, 'outcome', /The old token died at once\. The new one opens 2 devices/)
  await says(page, 'hands', /Seam answers 401/)
  await marks(page, 'hands', 'gone', 'Living Room')
  await marks(page, 'seam', 'gone', /is dead/)
  await marks(page, 'record', 'gone', 'ecobee ada@example.com', /^gone: client session/)
  await page.getByText('Give an account').click()
  await press(page, /^Give: ecobee ada/)
  await shows(page, ...ada)
  await says(page, 'outcome', /Same token, 1 device more/)
  await press(page, 'Disable')
  await says(page, 'outcome', /The access of this subject has ended/)
  await shows(page)
  await press(page, 'Enable')
  await shows(page, ...ada)
})

test('a user identity brings its own devices, under another client session', async () => {
  const page = await open('grace')
  await shows(page, 'Harbour Office')
  await press(page, 'Give a user identity')
  await shows(page, 'Guest House', 'Harbour Office')
  await marks(page, 'record', 'new', 'user identity', /client session/)
  await press(page, 'Take the user identity')
  await shows(page, 'Harbour Office')
})

test('two browsers of one person have a client session each, and one may sign out alone', async () => {
  const page = await open('ada')
  await shows(page, ...ada)
  await press(page, 'Open a second browser')
  await page.getByRole('button', { name: 'Browser 2' }).waitFor()
  await shows(page, ...ada)
  await marks(page, 'seam', 'new', /lives/)
  expect(sessionsOf().map(({ live }) => live)).toEqual([true, true])
  await press(page, 'Sign out')
  await says(page, 'outcome', /Signed out/)
  await says(page, 'hands', /Browser 1\s*seam_cst1/)
  expect(sessionsOf().map(({ live }) => live)).toEqual([true, false])
  await press(page, 'Browser 1')
  await shows(page, ...ada)
})

test('the identity provider ends one login: its token dies, and a new login gets another', async () => {
  const page = await open('ada')
  await shows(page, ...ada)
  await press(page, 'Provider ends this login')
  await says(page, 'outcome', /Its token died at once/)
  await says(page, 'did', /The provider told: backchannel-logout/)
  await shows(page)
  await press(page, 'Sign in again')
  await shows(page, ...ada)
})

test('the identity provider disables a user whose page holds a token: it dies, and no other comes', async () => {
  const page = await open('grace')
  await shows(page, 'Harbour Office')
  await press(page, 'Provider disables them')
  await says(page, 'outcome', /Its token died at once\. The access of this subject has ended/)
  await says(page, 'did', /The provider told: account-disabled/)
  await marks(page, 'record', 'new', 'disabled')
  await marks(page, 'hands', 'gone', 'Harbour Office')
  await shows(page)
  await press(page, 'Ask again')
  await says(page, 'outcome', /^The access of this subject has ended/)
  expect(sessionsOf().map(({ live }) => live)).toEqual([false])
})

test('a client session that was deleted at Seam is replaced by itself, once for two tabs', async () => {
  const tabs = [await open('ada'), await open('ada')]
  for (const tab of tabs) await shows(tab, ...ada)
  const [first] = sessionsOf()
  expect(sessionsOf()).toHaveLength(1)
  const deleted = await fetch(`${world.file.seam}/client_sessions/delete`, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.file.seam_api_key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ client_session_id: first?.client_session_id }),
  })
  expect(deleted.status).toBe(200)
  for (const tab of tabs) {
    // As when somebody comes back to the tab.
    await tab.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
    await tab.waitForFunction(
      (id) => !document.getElementById('client-session-id')?.textContent?.includes(id),
      first?.client_session_id ?? '',
    )
    await shows(tab, ...ada)
  }
  expect(sessionsOf().map(({ live }) => live)).toEqual([false, true])
  // What somebody else does is no headline here.
  for (const tab of tabs) await says(tab, 'headline', /^ada signed in$/)
})

test('requests of other programs are listed, and leave the headline alone', async () => {
  const page = await open('ada')
  await shows(page, ...ada)
  const authorization = `Bearer ${await world.identityProvider.sign({ sub: 'grace' })}`
  await fetch(`${world.file.api}/client-session`, { method: 'POST', headers: { authorization } })
  await page.locator('#recent summary', { hasText: '201 create' }).first().click()
  await says(page, 'recent', /Not of this page/)
  await says(page, 'headline', /^ada signed in$/)
})

test('a sign-in that has expired is renewed, and the devices stay', async () => {
  const page = await open('ada')
  await shows(page, ...ada)
  const refused = page.waitForResponse((response) => response.status() === 401)
  await press(page, 'Expire the sign-in')
  await refused
  await says(page, 'outcome', /Reused the existing token/)
  await shows(page, ...ada)
})

test('a user may be invented, with any claims', async () => {
  const page = await open()
  await page.getByText('Somebody else').click()
  await page.getByLabel('Subject').fill('eve')
  await page.getByLabel('Claims to add').fill('{"aud":"another-app"}')
  await press(page, 'Sign in')
  await says(page, 'outcome', /bearer token is not accepted/)
  await says(page, 'recent', /401 invalid_token/)
})

test('a bearer token is explained on the page, and does not leave it', async () => {
  const page = await open()
  const expired = await world.identityProvider.sign({ sub: 'ada', exp: 1 })
  const good = await world.identityProvider.sign({ sub: 'ada' })
  const sent: string[] = []
  page.on('request', (request) =>
    sent.push(request.url(), request.postData() ?? '', ...Object.values(request.headers())),
  )
  await page.getByText('Explain a bearer token').click()
  const field = page.getByLabel(/Paste it here/)
  await field.fill(expired)
  await says(page, 'explained', /It expired \d+ days ago/)
  await field.fill(`${good.slice(0, -4)}AAAA`)
  await says(page, 'explained', /Its signature does not fit/)
  await field.fill(good)
  await says(page, 'explained', /It speaks for local\|ada\. The token is good/)
  expect(sent.filter((text) => text.includes(good.slice(-40)) || text.includes(expired.slice(-40)))).toEqual(
    [],
  )
})

test('a world that stops and starts again: the page waits, and goes on by itself', async () => {
  const page = await open('ada')
  await shows(page, ...ada)
  const { api } = world.file
  await world.close()
  await says(page, 'connection', /Stopped/)
  await signIn(page, 'grace')
  await shows(page)
  world = await startWorld({ folder, port: Number(new URL(api).port) })
  await says(page, 'connection', /Running/)
  await shows(page, 'Harbour Office')
})

test('Seam that is down is told, and works again when it is mended; the cleanup reports', async () => {
  const page = await open('ada')
  await shows(page, ...ada)
  await press(page, /^Down/)
  await says(page, 'status', /Seam cannot be asked/)
  await press(page, 'Ask again')
  await says(page, 'record', /Reused the existing token/)
  await press(page, /^Works/)
  await says(page, 'outcome', /3 devices more/)
  await press(page, 'Run the cleanup')
  await says(page, 'outcome', /3 records looked at/)
})

test('a Seam that answers with an account too many is not believed, and widens nobody who has a token', async () => {
  const page = await open('grace')
  await shows(page, 'Harbour Office')
  await press(page, /^Wrong/)
  await says(page, 'headline', /an account too many/)
  // Seam's component looks its client session up when it is made.
  const lookedUp = page.waitForResponse(/\/client_sessions\/get$/)
  await page.reload()
  expect((await lookedUp).status()).toBe(200)
  await shows(page, 'Harbour Office')
  await press(page, 'Sign out')
  await says(page, 'outcome', /Signed out/)
  await press(page, 'Sign in again')
  await says(page, 'seam', /Not believed/)
  await shows(page)
  await press(page, /^Works/)
})

test('fits a phone: nothing is cut off, and what is touched is large enough', async () => {
  const page = await open('ada')
  await page.setViewportSize({ width: 390, height: 844 })
  await shows(page, ...ada)
  for (const summary of await page.locator('summary').all()) await summary.click()
  const small = await page.evaluate(() =>
    [...document.querySelectorAll('button, summary, select, input, nav a')]
      .map((one) => ({ text: one.textContent, box: one.getBoundingClientRect() }))
      .filter(({ box }) => box.height > 0 && (box.height < 44 || box.right > 390)),
  )
  expect(small).toEqual([])
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
  // At 1024 px the names of devices used to be clipped.
  await page.setViewportSize({ width: 1024, height: 768 })
  const clipped = await page.evaluate(() =>
    [...document.querySelectorAll('#devices .seam-title')].filter((one) => {
      const row = one.closest('.seam-table-row')?.getBoundingClientRect()
      return row === undefined || one.getBoundingClientRect().top < row.top
    }),
  )
  expect(clipped).toEqual([])
})

/** What axe finds on the page as it is now: the rule and the elements. */
async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run())
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(', ')}`)
}

test('axe finds no barrier: nobody signed in, devices, an account lost, Seam down; light and dark', async () => {
  const page = await open()
  // A colour that is fading in has no contrast yet.
  await page.emulateMedia({ reducedMotion: 'reduce' })
  const inBoth = async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      expect.soft(await barriers(page), colorScheme).toEqual([])
    }
  }
  await inBoth()
  await signIn(page, 'ada')
  await shows(page, ...ada)
  await inBoth()
  await press(page, /^Take away: ecobee/)
  await says(page, 'outcome', /The old token died at once/)
  for (const summary of await page.locator('summary').all()) await summary.click()
  await inBoth()
  await press(page, /^Down/)
  await says(page, 'status', /Seam cannot be asked/)
  await page.setViewportSize({ width: 390, height: 844 })
  await inBoth()
})

test('where another identity provider is trusted, the page says how to ask', async () => {
  await world.close()
  const issuers = [{ name: 'own', issuer: 'https://login.example', audiences: ['doors'] }]
  const configuration = { deployment: 'own', issuers, allowedOrigins: ['https://app.example'] }
  world = await startWorld({ folder, configuration: readConfiguration(configuration) })
  const page = await open('ada')
  await says(page, 'connection', /Running/)
  await says(page, 'outcome', /another identity provider/)
  await says(page, 'headline', /curl/)
})
