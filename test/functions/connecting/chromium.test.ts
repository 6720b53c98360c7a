import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect } from 'vitest'
import { startChromium, browserTest as test } from '../../infra/local/chromium.ts'
import { listen, stopListening } from '../../loopback.ts'
import { ask, devicesOf } from '../vending-world.ts'
import { startWebhookWorld, type WebhookWorld } from '../webhook-world.ts'

/** Both ways to connect an account, in a real browser: Seam's own button, which goes past us, and ours. */

let world: WebhookWorld
let browser: Browser
let pages: Server
let pageUrl: string
/** The token that the page shows Seam's button with. */
let token = ''
beforeAll(async () => {
  const elements = await readFile(fileURLToPath(import.meta.resolve('@seamapi/react/elements.js')))
  pages = createServer((request, response) => {
    const [type, text] = request.url?.startsWith('/elements.js')
      ? ['text/javascript', elements]
      : ['text/html', html()]
    response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(text)
  })
  pageUrl = `${await listen(pages, 0, 'the page')}/devices`
  world = await startWebhookWorld({ configuration: { allowedOrigins: [new URL(pageUrl).origin] } })
  browser = await startChromium()
})
afterAll(async () => {
  await Promise.all([browser.close(), stopListening(pages)])
  await world.close()
})

const html = () => `<!doctype html><title>Devices</title>
  <script type="module" src="/elements.js"></script>
  <seam-connect-account-button client-session-token="${token}" endpoint="${world.seam.url}"
    disable-css-injection="true" disable-font-injection="true" disable-telemetry="true">
  </seam-connect-account-button>`

async function signIn(sub: string): Promise<string> {
  await world.record(sub, [])
  return (await ask(world.machine, { token: await world.token(sub) })).body.token
}

test('Seam’s connect button: a click, a login, and the page’s token lists the new device', async () => {
  token = await signIn('ada')
  const page = await browser.newPage()
  await page.goto(pageUrl)
  await page.getByRole('button', { name: 'Connect Account' }).click()
  await page.waitForURL(`${world.seam.url}/connect_webviews/view?**`)
  await page.getByLabel('Provider').selectOption('yale')
  await page.getByLabel('E-mail address').fill('ada@example.com')
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.waitForURL(pageUrl)
  await world.delivered()
  expect(await devicesOf(world.seam, token)).toHaveLength(1)
})

test('our own webview: a login that fails, one that succeeds, and back to the page', async () => {
  token = await signIn('grace')
  const made = await ask(world.machine, {
    path: '/connect-webview',
    token: await world.token('grace'),
    body: { custom_redirect_url: pageUrl, custom_redirect_failure_url: `${pageUrl}?failed` },
  })
  const page = await browser.newPage()
  await page.goto(made.body.url)
  await page.getByRole('button', { name: 'Let the login fail' }).click()
  await page.waitForURL(`${pageUrl}?failed`)
  await page.goto(made.body.url)
  await page.getByText('The login has failed. Try again.').waitFor()
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.waitForURL(pageUrl)
  await world.delivered()
  expect(await devicesOf(world.seam, token)).toHaveLength(1)
})
