import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callerVerifier } from '../../functions/caller/caller.ts'
import { keyFinder } from '../../functions/caller/keys.ts'
import { readConfiguration } from '../../functions/config.ts'
import { deadlineIn } from '../../functions/deadline.ts'
import { Problem } from '../../functions/problem.ts'
import { times } from '../../functions/times.ts'
import { listen, stopListening } from '../../infra/local/loopback.ts'
import { compact, signingKey } from '../functions/signing.ts'
import { sendJson } from '../functions/test-issuer.ts'

/** The ready settings, with tokens shaped as each provider makes them, and near misses of the same provider. */

interface Ready {
  name: string
  settings: { issuer: string; jwksUri?: string }
  send: string
  notes: string[]
}

const file = new URL('../../infra/identity-providers.json', import.meta.url)
const providers: Record<string, Ready> = JSON.parse(readFileSync(file, 'utf8'))
const now = 1_800_000_000
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
}
const filled = (text: string) => text.replace(/<([^>]+)>/g, (whole, name) => values[name] ?? whole)
const settingsOf = (provider: string) => JSON.parse(filled(JSON.stringify(providers[provider]?.settings)))

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
    const known = Object.keys(providers).map((name) => settingsOf(name).issuer as string)
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

function verifierOf(provider: string) {
  const issuers = [settingsOf(provider)]
  const input = { deployment: 'test', issuers, allowedOrigins: ['https://app.acme.example'] }
  const configuration = readConfiguration(input)
  const store = { readKeySet: async () => undefined, writeKeySet: async () => {} }
  const findKeys = keyFinder({ store, fetch: internet, clock, times })
  return callerVerifier({ issuers: configuration.issuers, findKeys, clock })
}

async function verified(provider: string, header: object, claims: object, alg: keyof typeof keys = 'RS256') {
  const token = compact(header, claims, keys[alg])
  try {
    return (await verifierOf(provider)(`Bearer ${token}`, deadlineIn(10_000, clock))).subject
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return error.details.reason
  }
}

const lifetime = { iat: now - 30, exp: now + 3570 }

/** `token` as its provider makes it; `subject` whom it speaks for; each near miss with the reason it is refused for. */
const shapes: Record<
  string,
  {
    header: object
    alg?: keyof typeof keys
    token: Record<string, unknown>
    subject: string
    misses: [name: string, changes: Record<string, unknown>, reason: string][]
  }
> = {
  auth0: {
    header: { typ: 'JWT' },
    token: {
      iss: 'https://acme.eu.auth0.com/',
      sub: 'auth0|507f1f77bcf86cd799439011',
      aud: ['https://vending.example', 'https://acme.eu.auth0.com/userinfo'],
      ...lifetime,
      scope: 'openid profile email',
      azp: 'my_client_id',
      permissions: [],
    },
    subject: 'auth0|auth0|507f1f77bcf86cd799439011',
    misses: [
      ['an id token, which is for the client', { aud: 'my_client_id', nonce: 'x', sid: 'y' }, 'audience'],
      ['another tenant’s', { iss: 'https://intruder.eu.auth0.com/' }, 'unknown_issuer'],
      ['without the slash', { iss: 'https://acme.eu.auth0.com' }, 'unknown_issuer'],
    ],
  },
  cognito: {
    header: {},
    token: {
      sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      'cognito:groups': ['tenants'],
      iss: 'https://cognito-idp.eu.amazonaws.com/eu-central-1_a1b2c3',
      version: 2,
      client_id: '6s8example',
      origin_jti: 'aaaaaaaa-0000',
      event_id: '64f513be-32db-42b0-b78e-b02127b4f463',
      token_use: 'access',
      scope: 'aws.cognito.signin.user.admin openid',
      auth_time: now - 30,
      ...lifetime,
      jti: 'aaaaaaaa-1111',
      username: 'ada',
    },
    subject: 'cognito|aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    misses: [
      ['an id token', { client_id: undefined, aud: '6s8example', token_use: 'id' }, 'audience'],
      ['another app client’s', { client_id: 'intruder' }, 'audience'],
      ['neither access nor id', { token_use: 'refresh' }, 'claim_rule'],
    ],
  },
  clerk: {
    header: { typ: 'JWT', cat: 'cl_B7d4PD111AAA' },
    token: {
      azp: 'https://app.acme.example',
      exp: now + 50,
      fva: [3, -1],
      iat: now - 10,
      nbf: now - 20,
      iss: 'https://clerk.acme.example',
      jti: '1ea34fcf6d2e1f5a0d1f',
      sid: 'sess_2xyz',
      sts: 'active',
      sub: 'user_2abc',
      v: 2,
    },
    subject: 'clerk|user_2abc',
    misses: [
      ['another page’s', { azp: 'https://intruder.example' }, 'audience'],
      ['of no page', { azp: undefined }, 'audience'],
      ['for another service', { aud: 'https://elsewhere.example' }, 'audience'],
      ['a minute old', { exp: now - 10 }, 'expired'],
    ],
  },
  firebase: {
    header: { typ: 'JWT' },
    token: {
      name: 'Ada',
      iss: 'https://securetoken.google.com/acme-homes',
      aud: 'acme-homes',
      auth_time: now - 3000,
      user_id: 'Zk3bTd9xYvQ2',
      sub: 'Zk3bTd9xYvQ2',
      ...lifetime,
      email: 'ada@acme.example',
      email_verified: true,
      firebase: { identities: { email: ['ada@acme.example'] }, sign_in_provider: 'password' },
    },
    subject: 'firebase|Zk3bTd9xYvQ2',
    misses: [
      [
        'another project’s',
        { iss: 'https://securetoken.google.com/intruder', aud: 'intruder' },
        'unknown_issuer',
      ],
      ['for another project', { aud: 'intruder' }, 'audience'],
      ['a session cookie', { iss: 'https://session.firebase.google.com/acme-homes' }, 'unknown_issuer'],
    ],
  },
  supabase: {
    header: { typ: 'JWT' },
    alg: 'ES256',
    token: {
      iss: 'https://abcdefghijkl.supabase.co/auth/v1',
      sub: '123e4567-e89b-12d3-a456-426614174000',
      aud: 'authenticated',
      ...lifetime,
      email: 'ada@acme.example',
      phone: '',
      app_metadata: { provider: 'email', providers: ['email'] },
      user_metadata: {},
      role: 'authenticated',
      aal: 'aal1',
      amr: [{ method: 'password', timestamp: now - 30 }],
      session_id: '123e4567-e89b-12d3-a456-426614174111',
      is_anonymous: false,
    },
    subject: 'supabase|123e4567-e89b-12d3-a456-426614174000',
    misses: [
      ['an anonymous user’s', { is_anonymous: true }, 'claim_rule'],
      ['the service’s', { role: 'service_role', sub: 'x' }, 'claim_rule'],
      ['the anonymous key', { role: 'anon', aud: undefined }, 'audience'],
    ],
  },
}

describe.each(Object.entries(shapes))('%s', (provider, { header, alg, token, subject, misses }) => {
  it('lets its own token in, with keys from its own address', async () => {
    asked.length = 0
    expect(await verified(provider, header, token, alg)).toBe(subject)
    const { issuer, jwksUri } = settingsOf(provider)
    const discovery = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    expect(asked[0]).toBe(jwksUri ?? discovery)
  })

  it.each(misses)('refuses a token %s', async (_name, changes, reason) => {
    expect(await verified(provider, header, { ...token, ...changes }, alg)).toBe(reason)
  })
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
  ])
  for (const provider of Object.keys(providers)) {
    expect(JSON.stringify(settingsOf(provider))).not.toMatch(/[<>]/)
    const input = {
      deployment: 'test',
      issuers: [settingsOf(provider)],
      allowedOrigins: ['https://a.example'],
    }
    expect(readConfiguration(input).issuers[0]?.name).toBe(provider)
  }
})

it('a provider that signs with a shared secret is refused with the reason', () => {
  const issuers = [{ ...settingsOf('supabase'), algorithms: ['HS256'] }]
  expect(() =>
    readConfiguration({ deployment: 'test', issuers, allowedOrigins: ['https://a.example'] }),
  ).toThrow('with a shared secret (HS256) whoever can verify a token can also make one')
})
