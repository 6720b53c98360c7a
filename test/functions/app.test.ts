import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, startVendingWorld, type VendingWorld } from './vending-world.ts'

let world: VendingWorld
beforeAll(async () => {
  world = await startVendingWorld()
  const [user] = world.seam.users
  await world.record('ada', user?.connected_account_ids ?? [])
})
afterAll(() => world.close())

const origin = 'https://app.example'

describe('problems', () => {
  test('no credentials: a challenge without an error code', async () => {
    for (const headers of [{}, { authorization: 'Basic YTpi' }] as Record<string, string>[]) {
      const { status, headers: answered, body } = await ask(world.machine, { headers })
      expect(status).toBe(401)
      expect(answered.get('www-authenticate')).toBe('Bearer')
      expect(answered.get('content-type')).toBe('application/problem+json')
      expect(body).toEqual({
        type: 'about:blank',
        title: expect.any(String),
        status: 401,
        code: 'missing_token',
        action: 'reauthenticate',
        request_id: answered.get('x-request-id'),
      })
    }
  })

  test('every bad token gets the same body but for its id, and the same challenge', async () => {
    const { issuer, audience } = world.identityProvider
    const good = await world.token('ada')
    const [header = '', payload = '', signature = ''] = good.split('.')
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url')
    const bad = [
      'nonsense',
      `${none}.${payload}.`,
      `${header}.${payload}.${signature.slice(0, -8)}AAAAAAAA`,
      await world.token('ada', { aud: 'somebody-else' }),
      await world.token('ada', { iss: `${issuer}/` }),
      await world.token('ada', { exp: Math.floor(world.clock.now() / 1000) - 100 }),
      await world.token('ada', { exp: null }),
      await world.token('ada', { aud: [audience, 7] }).then((token) => `${token}x`),
    ]
    const answers = await Promise.all(bad.map((token) => ask(world.machine, { token })))
    for (const { status, headers, body } of answers) {
      expect(status).toBe(401)
      expect(headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
      expect({ ...body, request_id: '' }).toEqual({ ...answers[0]?.body, request_id: '' })
    }
    expect(answers[0]?.body).toMatchObject({ code: 'invalid_token', action: 'reauthenticate' })
  })

  test('a subject that cannot be used is not asked to sign in once more', async () => {
    const { status, body, headers } = await ask(world.machine, { token: await world.token('ada ') })
    expect([status, body.code, body.action, body.subject]).toEqual([403, 'claim_denied', 'stop', undefined])
    expect(headers.get('www-authenticate')).toBeNull()
  })

  test.each([
    ['an unknown address', { path: '/elsewhere' }, 404, 'not_found'],
    ['an unknown method', { method: 'PUT' }, 405, 'method_not_allowed'],
    ['a query', { path: '/client-session?access_token=x' }, 400, 'invalid_request'],
    ['a body that names an account', { body: { connected_account_ids: ['x'] } }, 400, 'invalid_request'],
    ['a body that names an identity', { body: { sub: 'grace' } }, 400, 'invalid_request'],
    ['a body that names a lifetime', { body: { expires_in: 1e9 } }, 400, 'invalid_request'],
    [
      'a body with two equal members',
      { body: '{"stale_client_session_id":"a","stale_client_session_id":"b"}' },
      400,
      'invalid_request',
    ],
    ['a body that is no JSON', { body: '{' }, 400, 'invalid_request'],
    [
      'a body of another type',
      { body: 'a=b', headers: { 'content-type': 'text/plain' } },
      415,
      'unsupported_media_type',
    ],
    ['a large body', { body: { stale_client_session_id: 'x'.repeat(2000) } }, 413, 'too_large'],
  ])('%s is a clear problem', async (_, request, status, code) => {
    const answer = await ask(world.machine, { token: await world.token('ada'), ...request })
    expect([answer.status, answer.body.code]).toEqual([status, code])
    expect(answer.headers.get('cache-control')).toBe('no-store')
    if (status === 405) expect(answer.headers.get('allow')).toBe('POST, DELETE')
  })

  test('a dependency in trouble is never the caller’s fault', async () => {
    const token = await world.token('ada')
    const fresh = world.another()
    world.identityProvider.outage = 'error'
    const keys = await ask(world.another({ configuration: { deployment: 'keyless' } }), { token }).finally(
      () => {
        world.identityProvider.outage = undefined
      },
    )
    // The key set is in the table: the provider's outage is not noticed at all.
    expect(keys.status).toBeLessThan(300)
    world.dynamoDb.faults.add({ kind: 'throttled' })
    const table = await ask(fresh, { token }).finally(() => world.dynamoDb.faults.clear())
    expect(table.status).toBe(503)
    expect(table.body.action).toBe('retry')
    expect(Number(table.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  })
})

describe('cross-origin', () => {
  const preflight = (from: string) =>
    world.machine.app.request('/client-session', {
      method: 'OPTIONS',
      headers: {
        origin: from,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    })

  test('an allowed origin is answered exactly, without credentials', async () => {
    const { status, headers } = await preflight(origin)
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-origin')).toBe(origin)
    expect(headers.get('access-control-allow-methods')).toBe('POST,GET,DELETE')
    expect(headers.get('access-control-allow-headers')).toBe('authorization,content-type')
    expect(headers.get('access-control-max-age')).toBe('3600')
    expect(headers.get('access-control-allow-credentials')).toBeNull()
  })

  test.each([
    'null',
    'https://app.example.evil.example',
    'https://evil-app.example',
    'http://app.example',
    'https://app.example:8443',
    'https://APP.example',
    'https://sub.app.example',
  ])('%s gets no permission', async (from) => {
    expect((await preflight(from)).headers.get('access-control-allow-origin')).toBeNull()
    const { headers } = await ask(world.machine, {
      token: await world.token('ada'),
      headers: { origin: from },
    })
    expect(headers.get('access-control-allow-origin')).toBeNull()
    expect(headers.get('vary')).toContain('Origin')
  })

  test('answers and errors alike can be read by the page', async () => {
    for (const token of [await world.token('ada'), 'nonsense']) {
      const { headers } = await ask(world.machine, { token, headers: { origin } })
      expect(headers.get('access-control-allow-origin')).toBe(origin)
      expect(headers.get('access-control-expose-headers')).toBe(
        'retry-after,x-request-id,www-authenticate,x-amzn-remapped-www-authenticate',
      )
      expect(headers.get('vary')).toContain('Origin')
    }
  })
})

test('says that it is there, and with which configuration', async () => {
  const { status, body } = await ask(world.machine, { method: 'GET', path: '/healthz' })
  expect([status, body]).toEqual([
    200,
    { status: 'ok', version: 'unknown', configuration: expect.stringMatching(/^[0-9a-f]{64}$/) },
  ])
})
