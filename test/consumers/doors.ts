import { request as ask, createServer } from 'node:http'
import { Provider } from 'oidc-provider'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import { ownerOf } from '../../functions/caller/owner.ts'
import { newUser } from '../../functions/record/user.ts'
import { grant } from '../../functions/record/writes.ts'
import { signingKey } from '../functions/signing.ts'
import { startVendingWorld, type VendingWorld } from '../functions/vending-world.ts'
import { startChromium } from '../infra/local/chromium.ts'
import { listen, listenerOf, stopListening } from '../loopback.ts'

/** What the recipes meet: a site, the real endpoint, Seam, and a certified OpenID provider with a real sign-in. */
export interface Doors {
  /** The site's origin, the only one that may call. */
  url: string
  /** By path, what the site serves. */
  files: Map<string, string>
  /** Another server that answers for the site in place of the files. */
  upstream: string | undefined
  world: VendingWorld
  browser: Browser
  /** Of the recipes, with what is of this machine in place of their examples. */
  local(text: string): string
  close(): Promise<void>
}

const audience = 'https://doors.acme.example'

/** Since the sign-in, at the OpenID provider. */
export const maxAuthAgeSeconds = 300

export async function startDoors(): Promise<Doors> {
  const files = new Map<string, string>()
  const site = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://site').pathname
    if (doors.upstream !== undefined) {
      const { method = 'GET', headers } = request
      const passedOn = ask(new URL(request.url ?? '/', doors.upstream), { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      })
      return request.pipe(passedOn)
    }
    const type = path.endsWith('.js') ? 'text/javascript' : path.endsWith('.css') ? 'text/css' : 'text/html'
    response.writeHead(files.has(path) ? 200 : 404, { 'content-type': `${type}; charset=utf-8` })
    return response.end(files.get(path))
  })
  const url = await listen(site, 0, 'the site')
  const world = await startVendingWorld({ configuration: { allowedOrigins: [url] } })

  let provider: Provider
  const atProvider = createServer((request, response) => provider.callback()(request, response))
  const issuer = await listen(atProvider, 0, 'the OpenID provider')
  provider = openIdProvider(issuer, url)
  const issuers = [
    { name: 'main', issuer: world.identityProvider.issuer, audiences: [world.identityProvider.audience] },
    { name: 'openid', issuer, audiences: [audience], maxAuthAgeSeconds },
  ]
  const { app } = world.another({ configuration: { issuers } })
  const endpoint = createServer(listenerOf(app.fetch))
  const api = await listen(endpoint, 0, 'the endpoint')

  const accounts = world.seam.users[0]?.connected_account_ids ?? []
  await world.record('ada', accounts)
  const who = { owner: ownerOf('openid|ada'), subject: 'openid|ada', iss: issuer, sub: 'ada' }
  const now = world.clock.now()
  const user = { ...grant(newUser(who, now), accounts, now), revision: 'first' }
  await world.table.compareAndSet(user.owner, undefined, user)

  const browser = await startChromium()
  const doors: Doors = {
    url,
    files,
    upstream: undefined,
    world,
    browser,
    local: (text) =>
      text
        .replaceAll('https://vending.example', api)
        .replaceAll('https://issuer.example', issuer)
        .replaceAll('http://127.0.0.1:4801', world.identityProvider.issuer),
    async close() {
      await browser.close()
      await Promise.all([site, atProvider, endpoint].map(stopListening))
      await world.close()
    },
  }
  return doors
}

function openIdProvider(issuer: string, site: string): Provider {
  const key = signingKey('RS256')
  return new Provider(issuer, {
    clients: [
      {
        client_id: 'doors-page',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [`${site}/`],
        post_logout_redirect_uris: [`${site}/`],
      },
    ],
    clientBasedCORS: (_: unknown, origin: string) => origin === site,
    features: {
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: '', audience, accessTokenFormat: 'jwt' }),
        useGrantedResource: () => true,
      },
    },
    // It comes without types.
    extraTokenClaims: ({
      oidc,
    }: {
      oidc: { entities: Record<string, { authTime: number } | undefined> }
    }) => ({
      auth_time: (oidc.entities.AuthorizationCode ?? oidc.entities.RefreshToken)?.authTime,
    }),
    findAccount: (_: unknown, sub: string) => ({ accountId: sub, claims: () => ({ sub }) }),
    jwks: { keys: [{ ...key.privateKey.export({ format: 'jwk' }), kid: key.kid, alg: key.alg, use: 'sig' }] },
  })
}

/** As somebody who has never been here. */
export async function openSite(
  { browser, url }: Doors,
  cookies: Parameters<BrowserContext['addCookies']>[0] = [],
): Promise<Page> {
  const context = await browser.newContext()
  await context.addCookies(cookies)
  const page = await context.newPage()
  await page.goto(url)
  return page
}

/** What a user of the React recipe with oidc-client-ts does. */
export async function signInAndOut(doors: Doors): Promise<void> {
  const page = await openSite(doors)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await signInAtProvider(page)
  await page.getByText('Front Door').waitFor()
  expect(new URL(page.url()).search).toBe('')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.locator('button[name=logout]').click()
  await page.getByRole('button', { name: 'Sign in' }).waitFor()
  expect(await page.locator('seam-device-table').count()).toBe(0)
  expect(doors.world.log).toContainEqual(expect.objectContaining({ method: 'DELETE', status: 204 }))
  await page.context().close()
}

/** On its pages in this window: a password, then consent. */
export async function signInAtProvider(window: Page): Promise<void> {
  await window.locator('input[name=login]').fill('ada')
  await window.locator('input[name=password]').fill('any')
  await window.locator('button[type=submit]').click()
  await window.locator('input[name=login]').waitFor({ state: 'detached' })
  await window.locator('button[type=submit]').click()
}
