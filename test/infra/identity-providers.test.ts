import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callerVerifier } from '../../functions/caller/caller.ts'
import { keyFinder } from '../../functions/caller/keys.ts'
import { configurationWarnings, readConfiguration } from '../../functions/config.ts'
import { deadlineIn } from '../../functions/http/deadline.ts'
import { Problem } from '../../functions/http/problem.ts'
import { times } from '../../functions/times.ts'
import { compact, signingKey } from '../functions/signing.ts'
import { sendJson } from '../functions/test-issuer.ts'
import { listen, stopListening } from '../loopback.ts'
import { now, shapes } from './identity-provider-tokens.ts'

/** The ready settings, with tokens shaped as each provider makes them, and near misses of the same provider. */

interface Ready {
  name: string
  settings: { issuer: string; jwksUri?: string }
  send: string
  notes: string[]
  /** Where the provider tells what its tokens look like, and what of it was not to be read there. */
  source: string[]
  unverified?: string[]
}

const file = new URL('../../infra/identity-providers.json', import.meta.url)
const providers: Record<string, Ready> = JSON.parse(readFileSync(file, 'utf8'))
const clock = () => now * 1000

/** What a reader fills in. */
const values: Record<string, string> = {
  tenant: 'acme',
  region: 'eu',
  'API identifier': 'https://vending.example',
  'user pool id': 'eu-central-1_a1b2c3',
  'app client id': '6s8example',
  'your domain': 'acme.example',
  'origin of your page': 'app.acme.example',
  'project id': 'acme-homes',
  'project ref': 'abcdefghijkl',
  'tenant id': '72f988bf-86f1-41af-91ab-2d7cd011db47',
  'application (client) id': '6731de76-14a6-49ae-97bc-6eba6914391e',
  scope: 'client_session',
  host: 'id.acme.example',
  realm: 'homes',
  audience: 'vending',
  'client id': '1234-abc',
  subdomain: 'acme',
  xsappname: 'doors!t1234',
}
const filled = (text: string) => text.replace(/<([^>]+)>/g, (whole, name) => values[name] ?? whole)
const settingsOf = (provider: string) => JSON.parse(filled(JSON.stringify(providers[provider]?.settings)))
/** With what a note says to set, and the entry that it says to add. */
function entriesOf(name: string) {
  const { settings, second } = shapes[name] ?? {}
  const first = { ...settingsOf(name.replace(/,.*/, '')), ...settings }
  return second === undefined ? [first] : [first, { ...first, ...second }]
}

const keys = { RS256: signingKey('RS256', { kid: 'abc=' }), ES256: signingKey('ES256', { kid: 'abc=' }) }
let base: string
const asked: string[] = []
/** The internet as far as these tests know it: each address answers as its provider does. */
const server = createServer((request, response) => {
  const address = decodeURIComponent((request.url ?? '').slice(1))
  asked.push(address)
  const issuer = address.replace(/\.well-known\/openid-configuration$/, '')
  if (issuer === address) sendJson(response, { keys: Object.values(keys).map(({ jwk }) => jwk) })
  else {
    const known = Object.keys(shapes)
      .flatMap(entriesOf)
      .map(({ issuer }) => issuer as string)
    const iss = known.find((candidate) => issuer === candidate || issuer === `${candidate}/`)
    sendJson(response, { issuer: iss, jwks_uri: `${issuer}jwks` })
  }
})
const internet: typeof fetch = (address, init) =>
  fetch(`${base}/${encodeURIComponent(String(address))}`, init)

beforeAll(async () => {
  base = await listen(server, 0, 'the identity providers')
})
afterAll(() => stopListening(server))

function verifierOf(name: string) {
  const issuers = entriesOf(name)
  const input = { deployment: 'test', issuers, allowedOrigins: ['https://app.acme.example'] }
  const configuration = readConfiguration(input)
  const store = { readKeySet: async () => undefined, writeKeySet: async () => {} }
  const findKeys = keyFinder({ store, fetch: internet, clock, times })
  return callerVerifier({ issuers: configuration.issuers, findKeys, clock })
}

async function verified(name: string, header: object, claims: object, alg: keyof typeof keys = 'RS256') {
  const token = compact(header, claims, keys[alg])
  try {
    const { subject, step_up } = await verifierOf(name)(`Bearer ${token}`, deadlineIn(10_000, clock))
    return step_up === undefined ? subject : `step up to ${JSON.stringify(step_up)}`
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return error.details.reason
  }
}

describe.each(Object.entries(shapes))('%s', (name, { header, alg, token, subject, misses }) => {
  it('lets its own token in, with keys from its own address', async () => {
    asked.length = 0
    expect(await verified(name, header, token, alg)).toBe(subject)
    const { issuer, jwksUri } = entriesOf(name).at(-1)
    const discovery = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    expect(asked[0]).toBe(jwksUri ?? discovery)
  })

  it.each(misses)('refuses a token %s', async (_name, changes, reason) => {
    expect(await verified(name, header, { ...token, ...changes }, alg)).toBe(reason)
  })
})

it('an access token of Google is none to be read, and refused', async () => {
  const opaque = verifierOf('google')('Bearer ya29.a0AfH6SMBx', deadlineIn(10_000, clock))
  await expect(opaque).rejects.toMatchObject({ code: 'invalid_token', details: { reason: 'not_compact' } })
})

it('each provider is tested, and tells where its tokens are described', () => {
  for (const [name, { source }] of Object.entries(providers)) {
    expect(shapes).toHaveProperty(name)
    expect(source.length).toBeGreaterThan(0)
    expect(source.filter((page) => !URL.canParse(page) || !page.startsWith('https://'))).toEqual([])
  }
})

it('all ready settings pass the schema as they stand, once filled in', () => {
  expect(Object.keys(providers)).toEqual([
    'auth0',
    'cognito',
    'clerk',
    'firebase',
    'supabase',
    'entra',
    'okta',
    'keycloak',
    'google',
    'workos',
    'descope',
    'adfs',
    'xsuaa',
  ])
  for (const provider of Object.keys(providers)) {
    expect(JSON.stringify(settingsOf(provider))).not.toMatch(/[<>]/)
    const input = {
      deployment: 'test',
      issuers: [settingsOf(provider)],
      allowedOrigins: ['https://a.example'],
    }
    const configuration = readConfiguration(input)
    expect(configuration.issuers[0]?.name).toBe(provider)
    expect(configurationWarnings(configuration)).toEqual([])
  }
})

it('a provider that signs with a shared secret is refused with the reason', () => {
  const issuers = [{ ...settingsOf('supabase'), algorithms: ['HS256'] }]
  expect(() =>
    readConfiguration({ deployment: 'test', issuers, allowedOrigins: ['https://a.example'] }),
  ).toThrow('with a shared secret (HS256) whoever can verify a token can also make one')
})
