import { hash, randomUUID } from 'node:crypto'
import type { HttpBindings } from '@hono/node-server'
import { Hono, type MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { exportJWK, generateKeyPair, importJWK, type JWK, type JWTHeaderParameters, SignJWT } from 'jose'
import * as z from 'zod/v4-mini'
import { loopbackHosts } from '../../functions/http/addresses.ts'
import { effects, secevent } from '../../functions/identity-events/meaning.ts'
import { logoutEvent } from '../../functions/identity-events/token.ts'
import { readStateFile, writeStateFile } from './files.ts'
import { listen } from './loopback.ts'

export interface IdentityProviderOptions {
  /** 0 = any free one. */
  port?: number
  /** Keeps the keys, so that tokens outlive a restart; absent: only in memory. */
  stateFile?: string
  /** Epoch milliseconds. */
  clock?: () => number
  /** Whose pages may call, if they are of this machine: a caller gets a token for anybody in the local world. */
  origins?: ReadonlySet<string>
  /** Sees each request first. */
  before?: MiddlewareHandler<Env>
}

type Env = { Bindings: HttpBindings }

export type IdentityProvider = Awaited<ReturnType<typeof startIdentityProvider>>

const lifetimeSeconds = 3600

/** That these are RSA keys, importing them shows. */
const keptKeys = z.object({
  version: z.literal(1),
  keys: z.tuple([z.looseObject({ kid: z.string(), n: z.string(), d: z.string() })]),
})

/** Any `sub` but none: a token that no provider would write must be to be had, too. */
const claimsSchema = z.looseObject({ sub: z.custom<string>((sub) => sub !== undefined && sub !== '') })
/** What it can tell of a person, at `POST {issuer}/send`. */
const uris = new Map([
  ['backchannel-logout', logoutEvent],
  ...[...effects.keys()].map((name) => [name.split('/').at(-1), secevent + name] as [string, string]),
])
export const providerEventKinds = [...uris.keys()]

const eventToSend = z.strictObject({
  sub: z.string(),
  kind: z.enum(providerEventKinds),
  /** One login, of a `backchannel-logout`; absent: all of them. */
  sid: z.optional(z.string()),
})
type EventToSend = z.infer<typeof eventToSend>

/**
 * An OpenID provider for development: its token endpoint gives any caller a token for any subject.
 * @throws CliError
 */
export async function startIdentityProvider(options: IdentityProviderOptions = {}) {
  const { port = 0, stateFile, clock = Date.now, origins } = options
  const keys = [await openKey(stateFile)]
  const isOfThisMachine = (origin: string) => loopbackHosts.includes(URL.parse(origin)?.hostname ?? '')
  const mayCall = (origin: string) => isOfThisMachine(origin) && origins?.has(origin) === true
  const server = await listen(port, 'the identity provider', mayCall)

  const provider = {
    url: server.url,
    /** The `iss` of its tokens. */
    issuer: server.url,
    /** The `aud` of its tokens; may be changed at any time. */
    audience: 'seam-token-vending',
    /** The first signs, all are published; may be changed at any time. */
    keys,
    /** Hears its events; may be changed at any time. */
    receiver: undefined as { url: string; audience: string } | undefined,
    /** A token for any claims: `null` leaves one out that would be there by itself. Lasts an hour. */
    sign(claims: z.infer<typeof claimsSchema>, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
      const { issuer: iss, audience: aud } = provider
      const iat = Math.floor(clock() / 1000)
      // One login for each user, unless the request names another.
      const sid = hash('sha256', String(claims.sub), 'base64url').slice(0, 16)
      return signed({ iss, aud, iat, exp: iat + lifetimeSeconds, sid, ...claims }, header, keys[0] ?? {})
    },
    /** Tells the receiver something of a person; its status, undefined when nobody listens. */
    async send(event: EventToSend): Promise<number | undefined> {
      const { receiver, issuer: iss } = provider
      const iat = Math.floor(clock() / 1000)
      return receiver && sendEvent(keys[0] ?? {}, receiver, { ...event, iss, iat })
    },
    close: server.close,
  }
  server.serveFetch(providerApp(provider, mayCall, options.before).fetch)
  return provider
}

function providerApp(
  provider: IdentityProvider,
  mayCall: (origin: string) => boolean,
  before?: MiddlewareHandler<Env>,
) {
  const app = new Hono<Env>()
  if (before) app.use(before)
  app.use(cors({ origin: (origin) => (mayCall(origin) ? origin : null) }))
  app.get('/.well-known/openid-configuration', (c) =>
    c.json({
      issuer: provider.issuer,
      jwks_uri: `${provider.issuer}/jwks`,
      token_endpoint: `${provider.issuer}/token`,
      response_types_supported: ['token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    }),
  )
  app.get('/jwks', (c) =>
    c.json({
      keys: provider.keys.map(({ kty, n, e, kid }) => ({ kty, n, e, kid, alg: 'RS256', use: 'sig' })),
    }),
  )
  app.post('/token', async (c) => {
    const claims = claimsSchema.safeParse(await c.req.json().catch(() => undefined))
    const error_description = 'Send JSON such as {"sub":"ada"}, and claims to add.'
    if (!claims.success) return c.json({ error: 'invalid_request', error_description }, 400)
    const access_token = await provider.sign(claims.data)
    c.header('cache-control', 'no-store')
    // So that a shell needs no JSON parser.
    if (c.req.header('accept') === 'text/plain') return c.text(access_token)
    return c.json({ access_token, token_type: 'Bearer', expires_in: lifetimeSeconds })
  })
  app.post('/send', async (c) => {
    const event = eventToSend.safeParse(await c.req.json().catch(() => undefined))
    const error_description = `Send JSON such as {"sub":"ada","kind":"backchannel-logout"}; kinds: ${providerEventKinds.join(', ')}.`
    if (!event.success) return c.json({ error: 'invalid_request', error_description }, 400)
    return c.json({ status: await provider.send(event.data) })
  })
  return app
}

async function openKey(stateFile: string | undefined): Promise<JWK> {
  const remedy = 'Delete it: the tokens of the local identity provider end then, and nothing else.'
  const kept = stateFile && (await readStateFile(stateFile, keptKeys, remedy))
  if (kept) return kept.keys[0]
  const key = await newKey()
  if (stateFile !== undefined) await writeStateFile(stateFile, { version: 1, keys: [key] })
  return key
}

export async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid: randomUUID() }
}

async function signed(claims: object, header: object, key: JWK): Promise<string> {
  return new SignJWT(Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== null)))
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: key.kid ?? '', ...header })
    .sign(await importJWK(key, 'RS256'))
}

/** To `to`, whose status it resolves with. */
async function sendEvent(
  key: JWK,
  to: { url: string; audience: string },
  { kind, sub, sid, iss, iat }: EventToSend & { iss: string; iat: number },
): Promise<number> {
  const claims = { iss, aud: to.audience, iat, jti: randomUUID(), events: { [uris.get(kind) ?? kind]: {} } }
  const body =
    kind === 'backchannel-logout'
      ? `logout_token=${await signed({ ...claims, exp: iat + 120, sub, sid: sid ?? null }, { typ: 'logout+jwt' }, key)}`
      : await signed({ ...claims, sub_id: { format: 'iss_sub', iss, sub } }, { typ: 'secevent+jwt' }, key)
  const type = kind === 'backchannel-logout' ? 'x-www-form-urlencoded' : 'secevent+jwt'
  const headers = { 'content-type': `application/${type}` }
  const response = await fetch(to.url, { method: 'POST', headers, body })
  await response.body?.cancel()
  return response.status
}
