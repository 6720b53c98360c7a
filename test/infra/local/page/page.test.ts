import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
/** What the Content-Security-Policy has stopped, and what the page has thrown. */
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

const ada = ['Front Door', 'Garden Gate', 'Living Room']
const sessionsOf = () => world.seam?.sessions() ?? []

test('who signs in sees their devices and can lock a door; the machine tells every step', async () => {
  const page = await open()
  await signIn(page, 'grace')
  await shows(page, 'Harbour Office')
  await says(page, 'summary', /A new client session was made/)
  const steps = await page.locator('#steps h3').allTextContents()
  expect(steps).toEqual(['Asked', 'Verified', 'Found', 'Verdict', 'Seam', 'Written down', 'Answered'])
  await says(page, 'steps', /create · first_request/)

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
  await page.getByText('On the wire, secrets masked').click()
  await says(page, 'wire-request', /authorization: Bearer eyJ\S{6}•+\S{4}/)
  await says(page, 'wire-answer', /"token": "seam_cst1•+\S{4}"/)
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
  await page.locator('#seam-trouble').waitFor()
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
  const text = await page.locator('#app').textContent()
  for (const trace of [...ada, 'Signed in as ada']) expect(text).not.toContain(trace)
  await press(page, 'Sign out')
  await says(page, 'status', /Signed out; the client session has ended/)
  await shows(page)
})

test('an account that is connected on Seam’s page brings its devices, without a reload', async () => {
  const page = await open('grace')
  await shows(page, 'Harbour Office')
  const [seam] = await Promise.all([context.waitForEvent('page'), press(page, 'Connect an account')])
  await seam.getByRole('button', { name: 'Log in' }).click()
  await shows(page, 'Harbour Office', 'New Door')
  await page.locator('#connecting').waitFor({ state: 'hidden' })
})

test('what the operator takes away vanishes, and what is given appears', async () => {
  const page = await open('ada')
  await shows(page, ...ada)
  await press(page, /^Take away: ecobee/)
  await shows(page, 'Front Door', 'Garden Gate')
  await press(page, /^Give: ecobee/)
  await shows(page, ...ada)
  await press(page, 'Disable the user')
  await says(page, 'status', /The access of this user has ended.*local\|ada/)
  await shows(page)
  await press(page, 'Enable the user')
  await shows(page, ...ada)
})

test('a client session that was deleted at Seam is replaced by itself, once for two tabs', async () => {
  const tabs = await Promise.all([open('ada'), open('ada')])
  for (const tab of tabs) await shows(tab, ...ada)
  const [first] = sessionsOf()
  expect(sessionsOf()).toHaveLength(1)
  await press(tabs[0] as Page, 'Delete the session at Seam')
  for (const tab of tabs) {
    await tab.waitForFunction(
      (id) => !document.getElementById('client-session-id')?.textContent?.includes(id),
      first?.client_session_id ?? '',
    )
    await shows(tab, ...ada)
  }
  expect(sessionsOf().map(({ live }) => live)).toEqual([false, true])

  // A third sees what was before, and asks for nothing because of it.
  const third = await open('ada')
  await shows(third, ...ada)
  await third.getByText('operator: end at seam').waitFor()
  const asked = await third.evaluate(
    () =>
      performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/client-session')).length,
  )
  expect(asked).toBe(1)
})

test('a sign-in that has expired is renewed, and the devices stay', async () => {
  const page = await open('ada')
  await shows(page, ...ada)
  const refused = page.waitForResponse((response) => response.status() === 401)
  await press(page, 'Let the sign-in expire')
  await refused
  await says(page, 'summary', /handed out again/)
  await shows(page, ...ada)
})

test('a world that stops and starts again: the page waits, and goes on by itself', async () => {
  const page = await open('ada')
  await shows(page, ...ada)
  const { api } = world.file
  await world.close()
  await says(page, 'connection', /has stopped/)
  await signIn(page, 'grace')
  await shows(page)
  world = await startWorld({ folder, port: Number(new URL(api).port) })
  await says(page, 'connection', /is running/)
  await shows(page, 'Harbour Office')
})

test('Seam that is down is told, and works again when it is mended; the cleanup reports', async () => {
  const page = await open('ada')
  await shows(page, ...ada)
  await press(page, /^Down/)
  await says(page, 'status', /Seam cannot be asked/)
  await press(page, 'Ask again')
  await says(page, 'summary', /handed out again/)
  await press(page, /^Works/)
  await says(page, 'status', /3 devices/)
  await press(page, 'Run the cleanup')
  await says(page, 'steps', /3 records looked at/)
})

test('a Seam that answers with an account too many is not believed, and widens nobody who has a token', async () => {
  const page = await open('grace')
  await shows(page, 'Harbour Office')
  await press(page, /^Wrong/)
  await page.locator('#seam-trouble').waitFor()
  // Seam's component looks its client session up when it is made.
  const lookedUp = page.waitForResponse(/\/client_sessions\/get$/)
  await page.reload()
  expect((await lookedUp).status()).toBe(200)
  await shows(page, 'Harbour Office')
  await press(page, 'Sign out')
  await says(page, 'status', /Signed out/)
  await signIn(page, 'grace')
  await says(page, 'steps', /not believed/)
  await shows(page)
  await press(page, /^Works/)
})

test('where another identity provider is trusted, the page says how to ask', async () => {
  await world.close()
  const issuers = [{ name: 'own', issuer: 'https://login.example', audiences: ['doors'] }]
  const configuration = { deployment: 'own', issuers, allowedOrigins: ['https://app.example'] }
  world = await startWorld({ folder, configuration: readConfiguration(configuration) })
  const page = await open('ada')
  await says(page, 'connection', /is running/)
  await says(page, 'status', /another identity provider.*curl/)
})
