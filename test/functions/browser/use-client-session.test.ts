import { build } from 'esbuild'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect } from 'vitest'
import { browserTest as test } from '../../infra/local/chromium.ts'
import { type Site, startSite } from './site.ts'

/** The hook in a real browser, in React's strict mode, against the real endpoint. */

const app = `
  import { createElement as h, StrictMode, useState } from 'react'
  import { createRoot } from 'react-dom/client'
  import { renderToString } from 'react-dom/server'
  import { clientSession, useClientSession } from 'hook'
  const it = { sub: 'ada', seen: [] }
  Object.assign(window, { it })
  async function getToken() {
    it.asked = (it.asked ?? 0) + 1
    if (!it.sub) throw Object.assign(new Error('x'), { error: 'login_required' })
    const response = await fetch(it.issuer + '/token', {
      method: 'POST', headers: { accept: 'text/plain' }, body: JSON.stringify({ sub: it.sub }),
    })
    return response.text()
  }
  function Shown({ name, options }) {
    const { status, session, error, retry } = useClientSession(options)
    it[name] = { status, session, error, retry }
    if (session) it.seen.push(it.sub + ' sees ' + session.token)
    return h('output', { id: name }, status)
  }
  it.start = () => {
    const made = clientSession({ url: it.api, getToken })
    it.made = made
    function App() {
      const [state, setState] = useState({ shown: true, user: it.sub })
      it.setState = (more) => setState({ ...state, ...more })
      if (!state.shown) return h('output', { id: 'none' }, 'none')
      const options = { url: it.api, getToken: () => getToken(), user: state.user }
      return h('main', {},
        h(Shown, { name: 'one', options }),
        h(Shown, { name: 'two', options: { ...options } }),
        h(Shown, { name: 'three', options: made }),
      )
    }
    it.onServer = renderToString(h(App))
    createRoot(document.body).render(h(StrictMode, {}, h(App)))
  }`

let site: Site
beforeAll(async () => {
  site = await startSite()
  const { outputFiles } = await build({
    stdin: { contents: app, resolveDir: process.cwd() },
    bundle: true,
    format: 'esm',
    write: false,
    define: { 'process.env.NODE_ENV': '"development"' },
    plugins: [
      {
        name: 'hook',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^hook$/ }, () => ({ path: 'hook', namespace: 'hook' }))
          onLoad({ filter: /./, namespace: 'hook' }, () => ({
            contents: `export * from './functions/browser/client-session.ts'; export * from './functions/browser/use-client-session.ts'`,
            resolveDir: process.cwd(),
          }))
        },
      },
    ],
  })
  site.files
    .set('/app.js', outputFiles[0]?.text ?? '')
    .set('/', '<!doctype html><body></body><script type="module" src="/app.js"></script>')
})
afterAll(() => site.close())

async function open(sub: string): Promise<{ page: Page; posts: () => number }> {
  const page = await (await site.visitor()).newPage()
  let posts = 0
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().startsWith(site.api.url)) posts++
  })
  await page.goto(site.url)
  const { issuer } = site.world.identityProvider
  await page.evaluate(`Object.assign(it, ${JSON.stringify({ sub, issuer, api: site.api.url })}).start()`)
  return { page, posts: () => posts }
}

const shows = (page: Page, status: string, names = ['one', 'two', 'three']) =>
  page.waitForFunction(`${JSON.stringify(names)}.every((name) => it[name].status === '${status}')`)

test('strict mode, several components: one request, and one session for those of one endpoint', async () => {
  const { page, posts } = await open('ada')
  await shows(page, 'ready')
  expect(await page.evaluate('it.onServer')).toContain('pending')
  expect(await page.evaluate('it.one.session === it.two.session')).toBe(true)
  // The one made by the page asks for itself.
  expect(posts()).toBe(2)
  const token = await page.evaluate('it.one.session.token')
  await page.evaluate('it.one.retry()')
  await page.waitForFunction(`it.one.session && it.one.session.token !== ${JSON.stringify(token)}`)
  await page.waitForFunction('it.one.session === it.two.session')
})

test('a switch of user: at no moment does anybody see the other’s session', async () => {
  const { page } = await open('ada')
  await shows(page, 'ready')
  const ada = await page.evaluate('it.one.session.token')
  await page.evaluate(`it.sub = 'grace'; it.made.reset(); it.setState({ user: 'grace' })`)
  await page.waitForFunction(
    `['one', 'two', 'three'].every((name) => it[name].session && it[name].session.token !== ${JSON.stringify(ada)})`,
  )
  const seen = await page.evaluate<string[]>('it.seen')
  expect(seen.filter((one) => one === `grace sees ${ada}`)).toEqual([])

  await page.evaluate(`it.sub = ''; it.made.reset(); it.setState({ user: undefined })`)
  await shows(page, 'signed_out')
  expect(await page.evaluate('it.one.error.code')).toBe('not_signed_in')
  await page.evaluate(`it.sub = 'mallory'; it.one.retry(); it.made.reset()`)
  await shows(page, 'denied')
  expect(await page.evaluate('it.one.error.subject')).toBe('main|mallory')
})

test('signing out shows, and an unmounted component asks nothing more', async () => {
  const { page } = await open('ada')
  await shows(page, 'ready')
  await page.evaluate('it.made.signOut()')
  await shows(page, 'signed_out')
  await page.evaluate('it.setState({ shown: false })')
  await page.locator('#none').waitFor()
  const asked = await page.evaluate('it.asked')
  await page.evaluate(
    `document.dispatchEvent(new Event('visibilitychange')); window.dispatchEvent(new Event('online'))`,
  )
  expect(await page.evaluate('it.asked')).toBe(asked)
  await page.evaluate('it.setState({ shown: true })')
})
