import { createServer, type ServerResponse } from 'node:http'
import type { JWK } from 'jose'
import type { ConfigurationInput } from '../../../functions/config.ts'
import { listen, stopListening } from '../../loopback.ts'
import { type SigningKey, signingKey } from '../signing.ts'
import { sendJson } from '../test-issuer.ts'

/** The identity providers of the attacked world, honest and troubled, and the server of an attacker. */

export const audience = 'https://vending.example'

type Settings = Partial<ConfigurationInput['issuers'][number]>

/** Each has its own rules; what is not said is as `settings` says. */
export const issuerSettings = {
  main: { algorithms: ['ES256', 'RS256', 'PS256', 'Ed25519'] },
  other: { audiences: ['other-audience'] },
  slash: {},
  typed: { typ: 'at+jwt' },
  aged: { maxTokenAgeSeconds: 300, clockToleranceSeconds: 0 },
  client: { audiences: ['web-client'], audienceClaim: '/client_id' },
  nested: { subjectClaim: '/https:~1~1app.example~1ids/user', subjectNamespace: 'app' },
  listed: { subjectClaim: '/identities/0' },
  measured: { subjectClaim: '/identities/length' },
  ruled: {
    claimRules: [
      { claim: '/email_verified', equals: true },
      { claim: '/org/tier', oneOf: ['gold', 1] },
      { claim: '/scope', contains: 'devices' },
      { claim: '/roles', contains: 'tenant' },
    ],
  },
  inherited: { subjectClaim: '/constructor/name' },
  unnamed: {},
  redirecting: {},
  impersonating: {},
  plain: {},
  endless: {},
  failing: {},
  keyless: {},
  'stored-elsewhere': {},
  'stored-moved': {},
  'stored-old': {},
  'stored-future': {},
} as const satisfies Record<string, Settings>

export type IssuerName = keyof typeof issuerSettings

const es = signingKey('ES256', { kid: 'es' })
const short = signingKey('RS256', { kid: 'short', bits: 1024 })
const exponent3 = signingKey('RS256', { kid: 'exponent-3', exponent: 3 })
const p256 = (kid: string, more: JWK = {}) => {
  const key = signingKey('ES256', { kid })
  return { ...key, jwk: { ...key.jwk, ...more } }
}

/** The keys of `main`: the first four are fit, the others are not, or have a name that lends itself to tricks. */
export const keys = {
  es,
  rs: signingKey('RS256', { kid: 'rs' }),
  ps: signingKey('PS256', { kid: 'ps' }),
  ed: signingKey('Ed25519', { kid: 'ed' }),
  encryption: p256('encryption', { use: 'enc' }),
  signOnly: p256('sign-only', { key_ops: ['sign'] }),
  leaked: p256('leaked'),
  p384: withoutAlg(signingKey('ES384', { kid: 'p384' })),
  rs512: signingKey('RS512', { kid: 'rs512' }),
  short,
  exponent3,
  numbered: p256('7'),
  longNamed: p256('k'.repeat(300)),
} satisfies Record<string, SigningKey>
keys.leaked.jwk = { ...keys.leaked.jwk, d: (keys.leaked.privateKey.export({ format: 'jwk' }) as JWK).d ?? '' }

/** A modulus of `main` under an exponent of 1: every padded digest is its own signature. */
export const exponent1: JWK = { ...keys.rs.jwk, kid: 'exponent-1', e: 'AQ' }
const secret: JWK = {
  kty: 'oct',
  kid: 'secret',
  alg: 'HS256',
  k: Buffer.from('secret'.repeat(8)).toString('base64url'),
}

/** Issuers but `main` have one key each, all under one name. */
export const ownKeys = Object.fromEntries(
  Object.keys(issuerSettings).map((name) => [
    name,
    name === 'main' ? es : signingKey('ES256', { kid: 'es' }),
  ]),
) as Record<IssuerName, SigningKey>
export const attackerKey = signingKey('ES256', { kid: 'es' })

function withoutAlg(key: SigningKey): SigningKey {
  const { alg: _alg, ...jwk } = key.jwk
  return { ...key, jwk }
}

function published(name: IssuerName): JWK[] {
  if (name === 'main') return [...Object.values(keys).map(({ jwk }) => jwk), exponent1, secret]
  if (name === 'unnamed') {
    const { kid: _kid, ...jwk } = ownKeys.unnamed.jwk
    return [jwk]
  }
  return [ownKeys[name].jwk]
}

export const address = Object.fromEntries(
  Object.keys(issuerSettings).map((name) => [
    name,
    `https://id.example/${name}${name === 'slash' ? '/' : ''}`,
  ]),
) as Record<IssuerName, string>
export const attackerAddress = 'https://intruder.example'

export const settings = (Object.keys(issuerSettings) as IssuerName[]).map((name) => ({
  name,
  issuer: address[name],
  audiences: [audience],
  algorithms: ['ES256' as const],
  clockToleranceSeconds: 5,
  unknownSubjects: 'provision' as const,
  ...(structuredClone(issuerSettings[name]) as Settings),
}))

export interface Issuers {
  /** Base URLs of the servers behind the hosts of these names. */
  hosts: Record<string, string>
  /** What the attacker's server was asked for. */
  attackerRequests: string[]
  close(): Promise<void>
}

export async function startIssuers(): Promise<Issuers> {
  const attackerRequests: string[] = []
  const attacker = createServer((request, response) => {
    attackerRequests.push(request.url ?? '')
    sendJson(response, { keys: [attackerKey.jwk] })
  })
  const server = createServer((request, response) => {
    const [, name, ...rest] = (request.url ?? '').split('/')
    const path = rest.join('/')
    if (path === 'jwks') sendKeys(name as IssuerName, response)
    else if (path === '.well-known/openid-configuration' && !name?.startsWith('stored-'))
      sendDiscovery(name as IssuerName, response)
    else response.writeHead(404).end()
  })
  const intruder = await listen(attacker, 0, 'the attacker')
  const id = await listen(server, 0, 'the identity providers')

  function sendDiscovery(name: IssuerName, response: ServerResponse): void {
    const issuer = name === 'impersonating' ? address.main : address[name]
    const scheme = name === 'plain' ? 'http' : 'https'
    sendJson(response, { issuer, jwks_uri: `${scheme}://id.example/${name}/jwks` })
  }

  function sendKeys(name: IssuerName, response: ServerResponse): void {
    if (name === 'redirecting') response.writeHead(302, { location: `${intruder}/jwks` })
    if (name === 'failing') response.statusCode = 500
    const keys = name === 'keyless' ? ownKeys.keyless.jwk : published(name)
    sendJson(response, { keys, ...(name === 'endless' && { filler: 'x'.repeat(200_000) }) })
  }

  return {
    hosts: { 'id.example': id, 'intruder.example': intruder },
    attackerRequests,
    async close() {
      await Promise.all([stopListening(server), stopListening(attacker)])
    },
  }
}
