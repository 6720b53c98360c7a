import fc from 'fast-check'
import { jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readJws } from '../../../functions/caller/jws.ts'
import { compact, encoded } from '../signing.ts'
import { audience, keys, ownKeys } from './issuers.ts'
import { type AttackedWorld, type StrangeRequest, startAttackedWorld } from './world.ts'

/** What nobody thought of: nothing crashes, hangs or answers with an error of ours, and nothing gets in. */

const numRuns = process.env.LONG === '1' ? 20_000 : 300

let world: AttackedWorld
beforeAll(async () => {
  world = await startAttackedWorld()
})
afterAll(() => world.close())

const statusOf = async (request: StrangeRequest) => (await world.doors.app(request)).status
const bearing = (token: string): StrangeRequest => ({ headers: [['authorization', `Bearer ${token}`]] })

/** What a header of a request can hold at all. */
const headerValue = fc.string({
  unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
})

const claimNames = ['iss', 'aud', 'sub', 'exp', 'nbf', 'iat', 'cnf', 'jti', '__proto__', 'constructor']
const parameterNames = ['alg', 'kid', 'typ', 'crit', 'b64', 'jwk', 'jku', 'x5c', 'zip', '__proto__']
const oddValue = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(audience, 'ES256', 'none', 'es', 'JWT', 0, -1, 1e15, 4e9, null, true, '', [], {}),
)
const members = (names: string[]) =>
  fc.array(fc.tuple(fc.oneof(fc.constantFrom(...names), fc.string()), oddValue), { maxLength: 4 })

/** Also with a `__proto__` of its own, which an object literal could not have. */
function json(object: object, more: [string, unknown][]): string {
  const own = new Map<string, unknown>([...Object.entries(object), ...more])
  return `{${[...own].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}}`
}

describe('whatever a stranger sends', () => {
  it('as credentials: refused', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          headerValue,
          headerValue.map((value) => `Bearer ${value}`),
        ),
        async (value) => {
          expect(await statusOf({ headers: [['authorization', value]] })).toBe(401)
        },
      ),
      { numRuns },
    )
  })

  it('as three parts of anything: refused', async () => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
      fc.json().map(encoded),
    )
    await fc.assert(
      fc.asyncProperty(part, part, part, async (...parts) => {
        expect(await statusOf(bearing(parts.join('.')))).toBe(401)
      }),
      { numRuns },
    )
  })

  it('as a good token with some characters changed: refused', async () => {
    const good = world.token()
    const change = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0x21, max: 0x7e }))
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        const characters = [...good]
        for (const [at, code] of changes) characters[at] = String.fromCharCode(code)
        const changed = characters.join('')
        fc.pre(changed !== good)
        expect(await statusOf(bearing(changed))).toBe(401)
      }),
      { numRuns },
    )
  })

  it('as a whole request: no error of ours, and nothing without a token', async () => {
    const request = fc.record({
      method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
      path: fc.oneof(
        fc.constantFrom('/client-session', '/healthz', '/'),
        fc.webPath().map((path) => `/${path}`),
      ),
      headers: fc.array(
        fc.tuple(
          fc.constantFrom(
            'origin',
            'content-type',
            'content-length',
            'cookie',
            'x-http-method-override',
            'host',
          ),
          headerValue,
        ),
        { maxLength: 3 },
      ),
      body: fc.option(fc.oneof(fc.json(), fc.string()), { nil: undefined }),
    })
    await fc.assert(
      fc.asyncProperty(request, async (made) => {
        const { body, ...bodiless } = made
        const sent: StrangeRequest =
          body === undefined || ['GET', 'OPTIONS'].includes(made.method) ? bodiless : { ...bodiless, body }
        const status = await statusOf(sent)
        expect(status).toBeLessThan(500)
        if (status === 200) expect(made.path).toBe('/healthz')
      }),
      { numRuns },
    )
  })
})

describe('whatever an issuer signs', () => {
  it('is refused, or is what jose accepts as well', async () => {
    await fc.assert(
      fc.asyncProperty(members(parameterNames), members(claimNames), async (parameters, claims) => {
        const header = json({ alg: 'ES256', kid: 'es' }, parameters)
        const token = compact(header, json(world.claims(), claims), ownKeys.main)
        const status = await statusOf(bearing(token))
        expect([200, 201, 401, 403]).toContain(status)
        if (status > 400) return
        const { payload } = await jwtVerify(
          token,
          await crypto.subtle.importKey('jwk', keys.es.jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, [
            'verify',
          ]),
          {
            algorithms: ['ES256'],
            issuer: world.address.main,
            audience,
            requiredClaims: ['exp', 'sub'],
            clockTolerance: 5,
            currentDate: new Date(world.now * 1000),
          },
        )
        expect(typeof payload.sub).toBe('string')
      }),
      { numRuns },
    )
  })
})

describe('reading JSON strictly', () => {
  const token = (text: string) => `${encoded(text)}.${encoded('{}')}.AA`

  it('finds no fault in what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 8 })), (value) => {
        expect(readJws(token(JSON.stringify(value)))).toEqual({
          header: JSON.parse(JSON.stringify(value)),
          claims: {},
        })
      }),
      { numRuns },
    )
  })

  it('finds every member that comes twice, however deep and however written', () => {
    const place = fc.array(fc.oneof(fc.string(), fc.constant(null)), { maxLength: 10 })
    const escaped = (name: string) =>
      `"${[...Array(name.length).keys()].map((i) => `\\u${name.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`
    fc.assert(
      fc.property(
        fc.string(),
        fc.jsonValue({ maxDepth: 2 }),
        place,
        fc.boolean(),
        (name, value, path, disguise) => {
          const first = JSON.stringify(name)
          const twice = `{${first}:${JSON.stringify(value)},"":[],"other":{},${disguise ? escaped(name) : first}:1}`
          fc.pre(name !== '' && name !== 'other')
          // Wrapped in objects under these names, and in lists where there is none.
          const text = path.reduce<string>(
            (inner, step) => (step === null ? `[${inner}]` : `{${JSON.stringify(step)}:${inner}}`),
            twice,
          )
          expect(readJws(token(`{"wrapped":${text}}`))).toBe('duplicate_member')
        },
      ),
      { numRuns },
    )
  })
})
