import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { minutes } from '../minutes.ts'
import { ask, devicesOf, soon, startVendingWorld, type VendingWorld } from '../vending-world.ts'

/** One person with several logins: a client session for each. */

let world: VendingWorld
const configuration = (main: object = {}, more: object = {}) => ({
  issuers: [
    {
      name: 'main',
      issuer: world.identityProvider.issuer,
      audiences: [world.identityProvider.audience],
      sessionClaim: '/sid',
      ...main,
    },
  ],
  ...more,
})
let machine: VendingWorld['machine']
beforeAll(async () => {
  world = await startVendingWorld()
  machine = world.another({ configuration: configuration() })
})
afterAll(() => world.close())

let people = 0
async function person(accounts = world.seam.users[0]?.connected_account_ids ?? []) {
  const sub = `person-${people++}`
  await world.record(sub, accounts)
  const as = async (sid: string | null, request: Parameters<typeof ask>[1] = {}, on = machine) =>
    ask(on, { token: await world.token(sub, { sid }), ...request })
  return { sub, as, user: async () => world.user(sub) }
}
const opens = (token: string) =>
  devicesOf(world.seam, token).then(
    () => true,
    () => false,
  )

test('two logins have two tokens, each reused; signing one out leaves the other', async () => {
  const { as } = await person()
  const [laptop, phone] = [await as('a'), await as('b')]
  expect([laptop.status, phone.status]).toEqual([201, 201])
  expect(phone.body.token).not.toBe(laptop.body.token)
  expect((await as('a')).body.token).toBe(laptop.body.token)
  expect((await as('a', { method: 'DELETE' })).status).toBe(204)
  expect([await opens(laptop.body.token), await opens(phone.body.token)]).toEqual([false, true])
  expect((await as('b')).body.token).toBe(phone.body.token)
})

test('whoever loses a phone kills its token from a laptop, and its bearer tokens too', async () => {
  const { sub, as } = await person()
  const [laptop, phone] = [await as('a'), await as('b')]
  const lost = await world.token(sub, { sid: 'b' })
  const signOut = { method: 'DELETE', path: '/client-sessions', token: await world.token(sub, { sid: 'a' }) }
  expect((await ask(machine, signOut)).status).toBe(204)
  expect([await opens(laptop.body.token), await opens(phone.body.token)]).toEqual([false, false])
  expect(await ask(machine, { token: lost })).toMatchObject({
    status: 401,
    body: { action: 'reauthenticate' },
  })
  // Repeated after a lost answer it finds nothing to do, and ends nothing that came after.
  world.clock.advance(6000)
  const again = await as('a')
  expect((await ask(machine, signOut)).status).toBe(204)
  expect(await opens(again.body.token)).toBe(true)
})

test('a token issued right after a sign-out is told to wait, then a fresh one is accepted', async () => {
  const { as } = await person()
  await as('a')
  await as('a', { method: 'DELETE', path: '/client-sessions' })
  world.clock.advance(1100)
  const early = await as('a')
  expect([early.status, early.body.code, early.body.action]).toEqual([401, 'invalid_token', 'retry'])
  const seconds = Number(early.headers.get('retry-after'))
  expect(seconds).toBeGreaterThan(0)
  expect(seconds).toBeLessThanOrEqual(5)
  world.clock.advance((seconds + 1) * 1000)
  expect((await as('a')).status).toBe(201)
})

test('a report of a dead session is about the caller’s own, and about no other login’s', async () => {
  const { as } = await person()
  const [laptop, phone] = [await as('a'), await as('b')]
  const body = { stale_client_session_id: phone.body.client_session_id }
  expect((await as('a', { body })).body.token).toBe(laptop.body.token)
  expect((await as('b', { body })).status).toBe(201)
  expect((await as('a')).body.token).toBe(laptop.body.token)
})

test.each([null, '', 'x'.repeat(257)])('a token without a usable claim is refused: %j', async (sid) => {
  const { as, user } = await person()
  expect(await as(sid)).toMatchObject({ status: 403, body: { code: 'claim_denied', action: 'stop' } })
  expect(world.log.at(-1)?.reason).toBe('no_session_claim')
  expect((await user())?.sessions).toEqual({})
})

test('the ninth login evicts the one that would expire first, and deletes it', async () => {
  const { as, user } = await person()
  const first = await as('login-0')
  for (let n = 1; n < 8; n++) {
    world.clock.advance(1000)
    await as(`login-${n}`)
  }
  expect((await as('login-8')).status).toBe(201)
  expect(Object.keys((await user())?.sessions ?? {})).toHaveLength(8)
  expect(await opens(first.body.token)).toBe(false)
})

test('eight devices at once: eight calls, all served', async () => {
  const { as } = await person()
  const calls = () => world.seam.counts['/client_sessions/get_or_create']?.received ?? 0
  const before = calls()
  const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => as(`device-${n}`)))
  expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201))
  expect(calls() - before).toBe(8)
})

test('a grant widens every live session at once', async () => {
  const { sub, as } = await person([])
  const tokens = [await as('a'), await as('b')].map(({ body }) => body.token as string)
  const { grantAccounts } = await import('../../../functions/accounts/acts.ts')
  const user = await world.user(sub)
  if (user === undefined) throw new Error('no record')
  const account = world.seam.addAccount()
  const deadline = soon()
  const { failure } = await grantAccounts(machine.deps, user, [account], deadline)
  expect(failure).toBeUndefined()
  for (const token of tokens) expect(await devicesOf(world.seam, token)).toHaveLength(1)
})

describe('a configuration that changes', () => {
  test('sessions of a claim that it no longer names are retired', async () => {
    const { as, user } = await person()
    const { body } = await as('a')
    const other = world.another({ configuration: configuration({ sessionClaim: '/session' }) })
    const answer = await as(
      'a',
      { token: await world.token((await user())?.sub ?? '', { session: 's' }) },
      other,
    )
    expect(answer.status).toBe(201)
    expect(Object.keys((await user())?.sessions ?? {})).toHaveLength(1)
    expect((await user())?.retired.map((entry) => entry.client_session_id)).toContain(body.client_session_id)
  })

  test('a phone’s issuer keeps a client session for longer', async () => {
    const { as } = await person()
    const patient = world.another({ configuration: configuration({ longestAgeSeconds: 2_592_000 }) })
    const { body } = await as('phone', {}, patient)
    for (let age = 0; age < 14 * 60; age += 50) {
      world.clock.advance(50 * minutes)
      expect((await as('phone', {}, patient)).body.token).toBe(body.token)
    }
    // The same login under the usual terms is too old by then.
    expect((await as('phone')).body.token).not.toBe(body.token)
  })
})

describe('a user identity', () => {
  const atSeam = async (path: string, params: object) => {
    const response = await fetch(world.seam.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.seam.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(params),
    })
    // biome-ignore lint/suspicious/noExplicitAny: what comes over the wire is looked into member by member
    return (await response.json()) as any
  }

  test('opens what it was granted, without any account', async () => {
    const { setUserIdentity } = await import('../../../functions/accounts/identity.ts')
    const { sub, as } = await person([])
    const { user_identity } = await atSeam('/user_identities/create', { full_name: 'Ada' })
    const { devices } = await atSeam('/devices/list', {})
    const device_id = devices[0].device_id
    const { user_identity_id } = user_identity
    await atSeam('/user_identities/grant_access_to_device', { user_identity_id, device_id })
    const user = await world.user(sub)
    if (user === undefined) throw new Error('no record')
    const before = await as('a')
    await setUserIdentity({ ...machine.deps, table: world.table }, user, user_identity_id, soon())
    expect(await opens(before.body.token)).toBe(false)
    const { body } = await as('a')
    expect(await devicesOf(world.seam, body.token)).toEqual([device_id])
  })

  test('that Seam does not know is a reason of its own', async () => {
    const { setUserIdentity } = await import('../../../functions/accounts/identity.ts')
    const { sub, as } = await person([])
    const user = await world.user(sub)
    if (user === undefined) throw new Error('no record')
    await setUserIdentity({ ...machine.deps, table: world.table }, user, 'nobody', soon())
    expect(await as('a')).toMatchObject({ status: 502, body: { code: 'upstream_rejected', action: 'stop' } })
    expect(world.log.at(-1)?.reason).toBe('unknown_identity')
  })
})
