import { hash, randomUUID } from 'node:crypto'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { exportJWK, generateKeyPair, importJWK, type JWK, type JWTHeaderParameters, SignJWT } from 'jose'
import * as z from 'zod/v4-mini'
import { listen } from './loopback.ts'
import { readStateFile, writeStateFile } from './state-file.ts'

/** How it fails its callers: the connection breaks, no answer ever comes, or a 503. */
export type Outage = 'reset' | 'silence' | 'error'

export interface IdentityProvider {
  /** Base URL, and the `iss` of its tokens. */
  issuer: string
  /** The `aud` of its tokens; may be changed at any time. */
  audience: string
  /** A token for any claims: `null` leaves one out that would be there by itself. Lasts an hour. */
  sign(claims: Claims, header?: Partial<JWTHeaderParameters>): Promise<string>
  /** Signs with a new key from now on; `keep` still publishes the old ones, as a provider does for a while. */
  rotateKeys(options?: { keep?: boolean }): Promise<void>
  /** May be set and unset at any time. */
  outage: Outage | undefined
  /** Requests received, by path. */
  counts: Record<string, number>
  close(): Promise<void>
}

export type Claims = { sub: string } & Record<string, unknown>

export interface IdentityProviderOptions {
  /** 0 = any free one. */
  port?: number
  audience?: string
  /** Keeps the keys, so that tokens outlive a restart; absent: only in memory. */
  stateFile?: string
  /** Epoch milliseconds. */
  clock?: () => number
  /** Whose pages may ask, if they are of this machine: who gets a token can be anybody in the local world. */
  origins?: ReadonlySet<string>
}

const lifetimeSeconds = 3600

/** The state is text for JSON's sake; that these are RSA keys, importing them shows. */
const keptKeys = z.object({
  version: z.literal(1),
  keys: z.array(z.looseObject({ kid: z.string(), n: z.string(), d: z.string() })).check(z.minLength(1)),
})

/**
 * An OpenID provider for development: whoever asks its token endpoint gets a token for any subject.
 * @throws Trouble
 */
export async function startIdentityProvider(
  options: IdentityProviderOptions = {},
): Promise<IdentityProvider> {
  const { port = 0, audience = 'seam-token-vending', stateFile, clock = Date.now, origins } = options
  const kept =
    stateFile &&
    (await readStateFile(
      stateFile,
      keptKeys,
      'Delete it: the tokens of the local identity provider end then, and nothing else.',
    ))
  /** The newest first: it signs. */
  let keys: JWK[] = kept ? kept.keys : [await newKey()]
  const keep = async () => {
    if (stateFile !== undefined) await writeStateFile(stateFile, { version: 1, keys })
  }
  if (!kept) await keep()

  const mayCall = (origin: string) => isOfThisMachine(origin) && origins?.has(origin) === true
  const server = await listen(port, 'the identity provider', mayCall)
  const issuer = server.url

  const provider: IdentityProvider = {
    issuer,
    audience,
    async sign(claims, header = {}) {
      const now = Math.floor(clock() / 1000)
      const payload = {
        iss: issuer,
        aud: provider.audience,
        iat: now,
        exp: now + lifetimeSeconds,
        // One login for each user, unless the request names another.
        sid: hash('sha256', claims.sub, 'base64url').slice(0, 16),
        ...claims,
      }
      const [key = {}] = keys
      return new SignJWT(Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== null)))
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: key.kid ?? '', ...header })
        .sign(await importJWK(key, 'RS256'))
    },
    async rotateKeys({ keep: keepOld = true } = {}) {
      keys = [await newKey(), ...(keepOld ? keys : [])]
      await keep()
    },
    outage: undefined,
    counts: {},
    close: server.close,
  }

  server.serve(getRequestListener(providerApp(provider, () => keys, mayCall).fetch))
  return provider
}

function providerApp(provider: IdentityProvider, keys: () => JWK[], mayCall: (origin: string) => boolean) {
  const app = new Hono<{ Bindings: HttpBindings }>()

  app.use(async (c, next) => {
    provider.counts[c.req.path] = (provider.counts[c.req.path] ?? 0) + 1
    if (provider.outage === undefined) return next()
    if (provider.outage === 'reset') c.env.incoming.socket.destroy()
    if (provider.outage !== 'error') return new Promise<never>(() => {})
    return c.text('The identity provider is unavailable.', 503)
  })

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
    c.json({ keys: keys().map(({ kty, n, e, kid }) => ({ kty, n, e, kid, alg: 'RS256', use: 'sig' })) }),
  )

  app.post('/token', async (c) => {
    const claims: unknown = await c.req.json().catch(() => undefined)
    if (!isClaims(claims))
      return c.json(
        {
          error: 'invalid_request',
          error_description: 'Send JSON such as {"sub":"ada"}, and claims to add.',
        },
        400,
      )
    const access_token = await provider.sign(claims)
    c.header('cache-control', 'no-store')
    // So that a shell needs no JSON parser.
    if (c.req.header('accept') === 'text/plain') return c.text(access_token)
    return c.json({ access_token, token_type: 'Bearer', expires_in: lifetimeSeconds })
  })

  return app
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid: randomUUID() }
}

function isClaims(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && 'sub' in value && value.sub !== ''
}

function isOfThisMachine(origin: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(URL.parse(origin)?.hostname ?? '')
}
