import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startIdentityProvider } from '../../../infra/local/identity-provider.ts'
import { compact, encoded, signingKey } from '../signing.ts'
import { ask } from '../vending-world.ts'
import { client, type EventsWorld, logoutUri, startEventsWorld } from './world.ts'

let world: EventsWorld
beforeAll(async () => {
  world = await startEventsWorld()
})
afterAll(() => world.close())

let people = 0
/** With two logins, each with its own client session. */
async function person() {
  const sub = `person-${people++}`
  await world.record(sub, [])
  const [phone, laptop] = [await world.vend(sub, { sid: 'phone' }), await world.vend(sub, { sid: 'laptop' })]
  const alive = async () => [await world.isAlive(phone.token), await world.isAlive(laptop.token)]
  return { sub, phone, laptop, alive }
}
const again = async (token: string, machine = world.machine) => (await ask(machine, { token })).status
const lastLog = () => world.log.at(-1)
const writes = () => world.dynamoDb.counts.PutItem?.received ?? 0

describe('a logout token', () => {
  test('with a person ends all logins at Seam, and refuses the bearer tokens issued before', async () => {
    const { sub, phone, laptop, alive } = await person()
    const { status, text, headers } = await world.logout(await world.logoutToken({ sub }))
    expect([status, text, headers.get('cache-control')]).toEqual([200, '', 'no-store'])
    expect(lastLog()).toMatchObject({
      what: 'identity_event',
      path: '/identity-events',
      issuer: 'main',
      event_type: 'backchannel-logout',
      owner: (await world.user(sub))?.owner,
    })
    expect(await alive()).toEqual([false, false])
    expect([await again(phone.bearer), await again(laptop.bearer)]).toEqual([401, 401])
  })

  test('leaves alone who signed in since', async () => {
    const { sub } = await person()
    const iat = world.now() - 60
    await world.logout(await world.logoutToken({ sub, iat }))
    const { bearer } = await world.vend(sub, { sid: 'phone' })
    expect((await world.user(sub))?.not_before).toBe(iat * 1000)
    expect(await again(bearer)).toBe(200)
  })

  test('that comes again changes nothing, and costs no write', async () => {
    const { sub } = await person()
    const token = await world.logoutToken({ sub, iat: world.now() - 60 })
    await world.logout(token)
    const { token: fresh } = await world.vend(sub, { sid: 'new' })
    const before = writes()
    expect((await world.logout(token)).status).toBe(200)
    expect([await world.isAlive(fresh), writes() - before]).toEqual([true, 0])
  })

  test('with a `sid`, where that is the session claim, ends that login and no other, for good', async () => {
    const { sub, phone, laptop, alive } = await person()
    const { status } = await world.logout(await world.logoutToken({ sub, sid: 'phone' }))
    expect([status, await alive()]).toEqual([200, [false, true]])
    expect([await again(phone.bearer), await again(laptop.bearer)]).toEqual([401, 200])
    expect(await again(await world.token(sub, { sid: 'phone', iat: world.now() + 3 }))).toBe(401)
  })

  test('with a `sid` that nobody knows ends nothing, and is remembered', async () => {
    const { sub, alive } = await person()
    expect((await world.logout(await world.logoutToken({ sub, sid: 'tablet' }))).status).toBe(200)
    expect(await alive()).toEqual([true, true])
    expect(await again(await world.token(sub, { sid: 'tablet' }))).toBe(401)
  })

  test.each(['/jti', undefined])(
    'with a `sid`, where the session claim is %s, goes by the person',
    async (sessionClaim) => {
      const machine = world.machineWith({ sessionClaim })
      const sub = `elsewhere-${sessionClaim}`
      await world.record(sub, [])
      const { bearer, token } = await world.vend(sub, { jti: 'login' }, machine)
      expect((await world.logout(await world.logoutToken({ sub, sid: 'x' }), machine)).status).toBe(200)
      expect([await world.isAlive(token), await again(bearer, machine)]).toEqual([false, 401])
    },
  )

  test('with a `sid` alone, or about nobody we know, is accepted and counted', async () => {
    const { alive } = await person()
    for (const claims of [{ sub: null, sid: 'phone' }, { sub: 'nobody' }]) {
      expect((await world.logout(await world.logoutToken(claims))).status).toBe(200)
      expect(lastLog()).toMatchObject({ reason: 'unmatched', status: 200 })
    }
    expect([await alive(), await world.user('nobody')]).toEqual([[true, true], undefined])
  })

  test.each<[string, object]>([
    ['without a `typ`', { typ: undefined }],
    ['typed as Auth0 does', { typ: 'JWT' }],
    ['typed in full', { typ: 'application/Logout+JWT' }],
  ])('%s is believed', async (_, header) => {
    const { sub, alive } = await person()
    expect((await world.logout(await world.logoutToken({ sub, exp: null }, header))).status).toBe(200)
    expect(await alive()).toEqual([false, false])
  })

  test('is recognised by the body, whatever else is in the form and in the content type', async () => {
    const { sub, alive } = await person()
    const body = `foo=bar&logout_token=${await world.logoutToken({ sub })}`
    const { status } = await ask(world.machine, { path: '/identity-events', body })
    expect([status, await alive()]).toEqual([200, [false, false]])
  })
})

describe('is refused, and has no effect:', () => {
  const refusals: [string, string, (sub: string) => Promise<string> | string][] = [
    ['one with a nonce', 'nonce', (sub) => world.logoutToken({ sub, nonce: '' })],
    ['one for another client', 'audience', (sub) => world.logoutToken({ sub, aud: 'another' })],
    [
      'one for the API',
      'audience',
      (sub) => world.logoutToken({ sub, aud: world.identityProvider.audience }),
    ],
    ['one for nobody', 'audience', (sub) => world.logoutToken({ sub, aud: null })],
    ['one of another type', 'type', (sub) => world.logoutToken({ sub }, { typ: 'at+jwt' })],
    ['a security event’s type', 'type', (sub) => world.logoutToken({ sub }, { typ: 'secevent+jwt' })],
    ['an expired one', 'expired', (sub) => world.logoutToken({ sub, exp: world.now() - 6 })],
    ['one whose expiry is no time', 'time', (sub) => world.logoutToken({ sub, exp: 'never' })],
    [
      'an old one that never expires',
      'too_old',
      (sub) => world.logoutToken({ sub, exp: null, iat: world.now() - 1000 }),
    ],
    ['one of tomorrow', 'issued_in_the_future', (sub) => world.logoutToken({ sub, iat: world.now() + 10 })],
    ['one of no time', 'issue_time_missing', (sub) => world.logoutToken({ sub, iat: null })],
    ['a bearer token', 'no_events', (sub) => world.token(sub, { aud: client })],
    ['one about something else', 'no_events', (sub) => world.logoutToken({ sub, events: { other: {} } })],
    [
      'one whose event is no object',
      'no_events',
      (sub) => world.logoutToken({ sub, events: { [logoutUri]: true } }),
    ],
    ['one about nobody', 'subject', () => world.logoutToken({ sub: null })],
    ['one whose `sid` is a number', 'subject', (sub) => world.logoutToken({ sub, sid: 7 })],
    ['another issuer’s', 'unknown_issuer', (sub) => world.logoutToken({ sub, iss: 'https://other.example' })],
    ['an unsigned one', 'not_compact', (sub) => `${encoded({ alg: 'none' })}.${encoded({ sub })}.`],
    ['one that says `none`', 'algorithm', (sub) => compact({ alg: 'none' }, claimsOf(sub), signingKey())],
    ['one with a shared secret', 'algorithm', (sub) => world.logoutToken({ sub }).then(asHs256)],
    [
      'one under a key that nobody has',
      'unknown_key',
      (sub) => compact({}, claimsOf(sub), signingKey('RS256')),
    ],
    [
      'a changed one',
      'signature',
      (sub) => world.logoutToken({ sub: 'else' }).then((token) => changed(token, { sub })),
    ],
    ['two', 'not_compact', async (sub) => `${await world.logoutToken({ sub })}&logout_token=x`],
    ['none', 'not_compact', () => ''],
  ]
  const claimsOf = (sub: string) => ({
    iss: world.identityProvider.issuer,
    aud: client,
    iat: world.now(),
    events: { [logoutUri]: {} },
    sub,
  })
  const changed = (token: string, claims: object) => {
    const [header, payload = '', signature] = token.split('.')
    const read = JSON.parse(Buffer.from(payload, 'base64url').toString())
    return [header, encoded({ ...read, ...claims }), signature].join('.')
  }
  const asHs256 = (token: string) => [encoded({ alg: 'HS256' }), ...token.split('.').slice(1)].join('.')

  test.each(refusals)('%s (%s)', async (_, reason, made) => {
    const { sub, alive } = await person()
    const { status, body, headers } = await world.logout(await made(sub))
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
      400,
      'application/json',
      'no-store',
    ])
    expect(body).toEqual({
      error: 'invalid_request',
      error_description: `The token is not accepted: ${reason}.`,
    })
    expect(lastLog()).toMatchObject({ what: 'identity_event', code: 'invalid_request', reason, status: 400 })
    expect(await alive()).toEqual([true, true])
  })

  test('any where the issuer has no such events', async () => {
    const { sub, alive } = await person()
    const token = await world.logoutToken({ sub })
    const kinds = [
      { events: undefined },
      { events: { audiences: [client], kinds: ['security-events' as const] } },
    ]
    for (const changes of kinds)
      expect((await world.logout(token, world.machineWith(changes))).status).toBe(400)
    expect(await alive()).toEqual([true, true])
  })

  test('a bearer token’s place takes no logout token', async () => {
    const { sub } = await person()
    const audience = world.identityProvider.audience
    const token = await world.logoutToken({ sub, sid: 'phone', aud: [client, audience] }, { typ: 'JWT' })
    expect(await again(token)).toBe(401)
  })
})

test('two issuers’ people of the same name are two', async () => {
  const other = await startIdentityProvider({ clock: world.clock.now })
  const { sub, alive } = await person()
  const settings = (name: string, issuer: string) => ({
    name,
    issuer,
    audiences: ['api'],
    sessionClaim: '/sid',
    events: { audiences: [client], kinds: ['backchannel-logout' as const] },
  })
  const issuers = [settings('main', world.identityProvider.issuer), settings('other', other.issuer)]
  const machine = world.another({ configuration: { issuers } })
  const events = { [logoutUri]: {} }
  const token = await other.sign({ sub, aud: client, events })
  expect((await world.logout(token, machine)).status).toBe(200)
  expect([lastLog()?.reason, await alive()]).toEqual(['unmatched', [true, true]])
  // Signed by one, and naming the other.
  const forged = await other.sign({ sub, aud: client, events, iss: world.identityProvider.issuer })
  expect((await world.logout(forged, machine)).body.error).toBe('invalid_request')
  expect(await alive()).toEqual([true, true])
  await other.close()
})

test('at once with vends of the same login, no token outlives it', async () => {
  const { sub, phone } = await person()
  const token = await world.logoutToken({ sub, sid: 'phone', iat: world.now() })
  const vends = Array.from({ length: 6 }, () => ask(world.machineWith({}), { token: phone.bearer }))
  const [out, ...vended] = await Promise.all([world.logout(token), ...vends])
  expect(out.status).toBe(200)
  const handed = vended.flatMap(({ body }) => (body?.token === undefined ? [] : [body.token as string]))
  expect(await Promise.all([phone.token, ...handed].map(world.isAlive))).not.toContain(true)
})

test('hundreds at once, of many and of one, all count', async () => {
  const subs = Array.from({ length: 40 }, (_, i) => `crowd-${i}`)
  await Promise.all(subs.map((sub) => world.record(sub, [])))
  const one = await person()
  const tokens = await Promise.all([
    ...subs.map((sub) => world.logoutToken({ sub })),
    ...subs.flatMap((_, i) =>
      [300 - i, 300 - i, i].map((ago) => world.logoutToken({ sub: one.sub, iat: world.now() - ago })),
    ),
  ])
  const answers = await Promise.all(tokens.map((token) => world.logout(token)))
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  for (const sub of subs) expect((await world.user(sub))?.not_before).toBeTypeOf('number')
  expect(await one.alive()).toEqual([false, false])
  expect((await world.user(one.sub))?.retired.every(({ deleted_at }) => deleted_at !== undefined)).toBe(true)
})

test.each([
  ['/identity-events', 'GET', 405],
  ['/identity-events/', 'POST', 404],
])('%s by %s is a clear %i', async (path, method, status) => {
  expect((await ask(world.machine, { method, path })).status).toBe(status)
})

test('a huge body is refused before it is looked into', async () => {
  expect((await world.logout('x'.repeat(20_000))).status).toBe(413)
})
