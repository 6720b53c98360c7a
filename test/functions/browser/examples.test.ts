import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { blocksIn } from '../../documents.ts'
import { browserTest as test } from '../../infra/local/chromium.ts'
import { examplesIn } from './examples.ts'
import { type Site, startSite } from './site.ts'

/** The examples of the documentation and of the README, run as they stand, with Seam's own components and SDK in a real browser. */

let site: Site
let context: BrowserContext

beforeAll(async () => {
  site = await startSite()
  const documented = ['client-session', 'use-client-session'].map((name) => `functions/browser/${name}.ts`)
  const texts = await Promise.all(documented.map((file) => readFile(file, 'utf8')))
  const examples = new Map(texts.flatMap(examplesIn))
  const [inReadme] = blocksIn('README.md').filter(({ language }) => language === 'ts')
  const sources: Record<string, string> = {
    './readme.js': inReadme?.text ?? '',
    './identity-provider.js': identityProvider(),
    ...Object.fromEntries([...examples].map(([name, code]) => [`./${name}.js`, code])),
    page: `
      import { createElement } from 'react'
      import { createRoot } from 'react-dom/client'
      import { identityProvider } from './identity-provider.js'
      import { sessions, signOut } from './seam-components.js'
      const page = { identityProvider, sessions, signOut }
      page.sdk = () => import('./seam-s-sdk.js')
      page.readme = () => import('./readme.js')
      page.react = async () => {
        const { Devices } = await import('./react.js')
        createRoot(document.querySelector('main')).render(createElement(Devices))
      }
      Object.assign(window, { page })`,
  }
  const { outputFiles } = await build({
    entryPoints: ['page'],
    bundle: true,
    format: 'esm',
    write: false,
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [
      {
        name: 'examples',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^seam-token-vending\// }, ({ path }) => {
            const file = path.endsWith('/react') ? 'use-client-session' : 'client-session'
            return { path: fileURLToPath(new URL(`../../../functions/browser/${file}.ts`, import.meta.url)) }
          })
          onResolve({ filter: /./ }, ({ path }) =>
            path in sources ? { path, namespace: 'example' } : undefined,
          )
          onLoad({ filter: /./, namespace: 'example' }, ({ path }) => ({
            contents: sources[path]?.replace('https://vending.example', site.api.url),
            loader: 'ts',
            resolveDir: process.cwd(),
          }))
        },
      },
    ],
  })
  const elements = fileURLToPath(import.meta.resolve('@seamapi/react/elements.js'))
  site.files
    .set('/page.js', outputFiles[0]?.text ?? '')
    .set('/elements.js', await readFile(elements, 'utf8'))
    .set('/', html(site.world.seam.url))
})
afterAll(() => site.close())
beforeEach(async () => {
  context = await site.visitor()
})
afterEach(async () => {
  await context.close()
  // A client session may be reported dead once a minute.
  site.world.clock.advance(120_000)
})

const html = (
  seam: string,
) => `<!doctype html><script>process = { env: { SEAM_ENDPOINT: '${seam}' } }</script><body><div id="devices"></div><main></main>
  <script type="module" src="/elements.js"></script><script type="module" src="/page.js"></script>`

/** Somebody's provider: a cache of bearer tokens, a sign-in, and events. */
const identityProvider = () => `
  let sub, cached
  const listeners = []
  const change = (to) => { sub = to; cached = undefined; for (const listener of listeners) listener() }
  export const identityProvider = {
    async getToken({ ignoreCache }) {
      if (sub === undefined) return undefined
      if (ignoreCache) cached = undefined
      cached ??= fetch('${site.world.identityProvider.issuer}/token', {
        method: 'POST', headers: { accept: 'text/plain' }, body: JSON.stringify({ sub }),
      }).then((response) => response.text())
      return cached
    },
    onUserChange: (listener) => listeners.push(listener),
    signIn: change,
    async signOut() { change(undefined) },
  }`

async function open(sub: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(site.url)
  await page.evaluate(`page.identityProvider.signIn(${JSON.stringify(sub)})`)
  return page
}

const sessionId = (page: Page) =>
  page.evaluate<string>('page.sessions.getClientSession().then((it) => it.client_session_id)')

test('Seam Components show the devices of who is signed in, and recover when their session is deleted', async () => {
  const page = await open('ada')
  await page.getByText('Front Door').waitFor()
  const first = await sessionId(page)
  await site.deleteAtSeam(first)
  await page.getByText('Front Door').click()
  await page.waitForFunction(
    `page.sessions.getClientSession().then((it) => it.client_session_id !== ${JSON.stringify(first)})`,
  )
  await page.getByText('Front Door').first().waitFor()

  await page.evaluate('page.signOut()')
  await page.getByText('Front Door').waitFor({ state: 'hidden' })

  // While Seam has not said what the next user has, nothing of the last one is shown.
  let answer = () => {}
  const asked = new Promise<void>((resolve) => {
    page.route('**/devices/list', async (route) => {
      resolve()
      await new Promise<void>((resolve) => {
        answer = resolve
      })
      await route.continue()
    })
  })
  await page.evaluate(`page.identityProvider.signIn('grace')`)
  await page.locator('seam-device-table').waitFor()
  await asked
  expect(await page.locator('body').innerText()).not.toContain('Front Door')
  answer()
  await page.getByText('Harbour Office').waitFor()
  expect(await page.locator('body').innerText()).not.toContain('Front Door')
})

test('the README’s twenty lines show the devices of who is signed in, and of nobody else', async () => {
  const page = await open('ada')
  await page.evaluate('page.readme()')
  const table = page.locator('body > seam-device-table')
  await table.getByText('Front Door').waitFor()
  await page.evaluate('page.identityProvider.signIn(undefined)')
  await table.waitFor({ state: 'detached' })
})

test('Seam’s SDK goes on with the next session when Seam has ended the last', async () => {
  const page = await open('ada')
  const list = () =>
    page.evaluate<string>(
      `page.sdk().then((sdk) => sdk.listDevices()).then((devices) => devices.map((it) => it.device_id).sort().join())`,
    )
  expect(await list()).toBe(await site.devicesFor('ada'))
  const first = await sessionId(page)
  await site.deleteAtSeam(first)
  expect(await list()).toBe(await site.devicesFor('ada'))
  expect(await sessionId(page)).not.toBe(first)
})

test('React shows the devices of who is signed in, and says who has no access', async () => {
  const page = await open('ada')
  await page.evaluate('page.react()')
  await page.locator('main').getByText('Front Door').waitFor()
  await page.evaluate(`page.identityProvider.signIn('mallory')`)
  await page.getByText('You have no access (main|mallory).').waitFor()
  expect(await page.locator('seam-device-table').count()).toBe(0)
})
