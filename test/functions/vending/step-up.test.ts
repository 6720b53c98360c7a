import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ConfigurationInput } from '../../../functions/config.ts'
import { ask, startVendingWorld, type VendingWorld } from '../vending-world.ts'

/** Step-up (RFC 9470): a token whose sign-in is too long ago or too weak is told what to ask for. */

let world: VendingWorld
beforeAll(async () => {
  world = await startVendingWorld()
  await world.record('ada', [])
})
afterAll(() => world.close())

type Settings = Partial<ConfigurationInput['issuers'][number]>
const asking = (settings: Settings, more: Partial<ConfigurationInput> = {}) => {
  const { issuer, audience } = world.identityProvider
  return world.another({
    configuration: { issuers: [{ name: 'main', issuer, audiences: [audience], ...settings }], ...more },
  })
}
const seconds = () => Math.floor(world.clock.now() / 1000)
const both = { maxAuthAgeSeconds: 300, acrValues: ['gold', 'phr'] }
const created = () => world.seam.counts['/client_sessions/get_or_create']?.received ?? 0

describe.each(['/client-session', '/connect-webview'])('POST %s', (path) => {
  test('is refused with the same demand in header and body', async () => {
    const before = created()
    const { status, headers, body } = await ask(asking(both), { path, token: await world.token('ada') })
    expect(status).toBe(401)
    expect(headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_user_authentication", acr_values="gold phr", max_age="300"',
    )
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body).toEqual({
      type: 'about:blank',
      title: expect.any(String),
      status: 401,
      code: 'insufficient_user_authentication',
      action: 'step_up',
      request_id: headers.get('x-request-id'),
      acr_values: ['gold', 'phr'],
      max_age: 300,
    })
    expect(created()).toBe(before)
  })

  test.each<[Settings, string, object]>([
    [{ maxAuthAgeSeconds: 60 }, 'max_age="60"', { max_age: 60 }],
    [{ acrValues: ['urn:okta:loa:2fa:any'] }, 'acr_values="urn:okta:loa:2fa:any"', {}],
  ])('tells only what is asked for: %j', async (settings, parameter, members) => {
    const { headers, body } = await ask(asking(settings), { path, token: await world.token('ada') })
    expect(headers.get('www-authenticate')).toBe(
      `Bearer error="insufficient_user_authentication", ${parameter}`,
    )
    expect(body).toMatchObject(members)
    expect(Object.hasOwn(body, 'max_age')).toBe(settings.maxAuthAgeSeconds !== undefined)
    expect(Object.hasOwn(body, 'acr_values')).toBe(settings.acrValues !== undefined)
  })

  test('is answered after a sign-in that satisfies it', async () => {
    const token = await world.token('ada', { auth_time: seconds() - 200, acr: 'phr' })
    expect((await ask(asking(both), { path, token })).status).toBeLessThan(300)
  })

  test.each<[string, string, object, Settings]>([
    ['a stranger', 'nobody-knows', {}, {}],
    ['whom a claim rule keeps out', 'ada', {}, { claimRules: [{ claim: '/vip', equals: true }] }],
    ['whose login has no name', 'ada', { sid: null }, { sessionClaim: '/sid' }],
  ])('%s is not asked to sign in once more', async (_, sub, claims, settings) => {
    const token = await world.token(sub, { ...claims })
    const { status, headers } = await ask(asking({ ...both, ...settings }), { path, token })
    expect([status, headers.get('www-authenticate')]).toEqual([403, null])
  })

  test('who was signed out everywhere, or is disabled, hears that', async () => {
    const sub = `gone-${path.slice(1)}`
    const user = await world.record(sub, [])
    const token = await world.token(sub)
    const write = async (changes: object) => {
      const seen = await world.user(sub)
      await world.table.compareAndSet(user.owner, seen?.revision, { ...user, ...changes })
    }
    await write({ not_before: world.clock.now() + 60_000 })
    expect((await ask(asking(both), { path, token })).body.code).toBe('invalid_token')
    await write({ status: 'disabled' })
    expect((await ask(asking(both), { path, token })).body.code).toBe('subject_disabled')
  })
})

test('a newcomer signs in well before anything is written or counted for them', async () => {
  const machine = asking(both, { unknownSubjects: 'provision', limits: { newUsersPerHour: 1 } })
  for (const sub of ['new-1', 'new-2', 'new-3'])
    expect((await ask(machine, { token: await world.token(sub) })).body.code).toBe(
      'insufficient_user_authentication',
    )
  const token = await world.token('new-1', { auth_time: seconds(), acr: 'gold' })
  expect((await ask(machine, { token })).status).toBe(201)
  expect(await world.user('new-2')).toBeUndefined()
})

test('everything else is answered without it', async () => {
  const machine = asking(both)
  const strong = await world.token('ada', { auth_time: seconds(), acr: 'gold' })
  const made = await ask(machine, { path: '/connect-webview', token: strong })
  const token = await world.token('ada')
  const path = `/connect-webview/${made.body.connect_webview_id}`
  expect((await ask(machine, { method: 'GET', path, token })).body.status).toBe('pending')
  expect((await ask(machine, { method: 'DELETE', token })).status).toBe(204)
  expect((await ask(machine, { method: 'DELETE', path: '/client-sessions', token })).status).toBe(204)
})
