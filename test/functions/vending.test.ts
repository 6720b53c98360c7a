import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { User } from '../../functions/record/user.ts'
import { lifeInSeconds } from '../../functions/vending/vend.ts'
import { sharedSession, withShared } from './keeper.ts'
import { minutes } from './minutes.ts'
import { patient } from './patient.ts'
import { ask, devicesOf, ownerOfSub, startVendingWorld, type VendingWorld } from './vending-world.ts'

let world: VendingWorld
beforeAll(async () => {
  world = await startVendingWorld()
  for (const { sub, connected_account_ids } of world.seam.users)
    await world.record(sub, connected_account_ids)
})
afterAll(() => world.close())

const callsAtSeam = () => Object.values(world.seam.counts).reduce((sum, { received }) => sum + received, 0)
const requestsToTable = () =>
  Object.fromEntries(Object.entries(world.dynamoDb.counts).map(([name, { received }]) => [name, received]))
const difference = (before: Record<string, number>) =>
  Object.fromEntries(
    Object.entries(requestsToTable())
      .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  )

describe('POST /client-session', () => {
  test('creates a client session, 201, and reuses it, 200, with one read, no write and no call at Seam', async () => {
    const token = await world.token('ada')
    const first = await ask(world.machine, { token })
    expect(first.status).toBe(201)
    expect(first.headers.get('cache-control')).toBe('no-store')
    expect(first.headers.get('x-request-id')).toBe(world.log.at(-1)?.request_id)
    expect(first.body).toEqual({
      token: expect.stringMatching(/^seam_cst/),
      token_type: 'seam_client_session',
      client_session_id: expect.any(String),
      workspace_id: world.seam.workspaceId,
      endpoint: world.seam.url,
      expires_at: expect.stringMatching(/Z$/),
      expires_in: expect.any(Number),
      refresh_in: expect.any(Number),
    })
    expect(first.body.expires_in).toBeGreaterThan(3590)
    expect(first.body.refresh_in).toBeGreaterThan(2990)
    expect(first.body.refresh_in).toBeLessThanOrEqual(3000)

    const before = { calls: callsAtSeam(), table: requestsToTable() }
    const second = await ask(world.machine, { token })
    expect(second.status).toBe(200)
    expect(second.body.token).toBe(first.body.token)
    expect(callsAtSeam()).toBe(before.calls)
    expect(difference(before.table)).toEqual({ GetItem: 1 })
    expect(world.log.at(-1)).toMatchObject({
      what: 'vend',
      verdict: 'reuse',
      verdict_reason: 'live',
      status: 200,
    })
  })

  test('says in the log how long it waited for what', async () => {
    await world.record('timed', [])
    const token = await world.token('timed')
    const stepsOf = async (asking: Promise<unknown>) => {
      await asking
      return Object.keys(world.log.at(-1)?.steps ?? {}).sort()
    }
    expect(await stepsOf(ask(world.machine, { token }))).toEqual(['seal', 'seam', 'table', 'verify'])
    expect(await stepsOf(ask(world.machine, { token }))).toEqual(['seal', 'table', 'verify'])
    expect(await stepsOf(ask(world.machine, { token: 'no token' }))).toEqual(['verify'])
    expect(await stepsOf(ask(world.machine))).toEqual(['verify'])
  })

  test('creates with one read, two writes and one call at Seam', async () => {
    const before = { calls: callsAtSeam(), table: requestsToTable() }
    expect((await ask(world.machine, { token: await world.token('grace') })).status).toBe(201)
    expect(callsAtSeam() - before.calls).toBe(1)
    expect(difference(before.table)).toEqual({ GetItem: 1, PutItem: 2 })
  })

  test('hands out a token that lists the devices of its user alone', async () => {
    const seen: string[][] = []
    for (const { sub } of world.seam.users) {
      const { body } = await ask(world.machine, { token: await world.token(sub) })
      seen.push(await devicesOf(world.seam, body.token))
    }
    expect(seen.length).toBeGreaterThanOrEqual(3)
    expect(seen.every((devices) => devices.length > 0)).toBe(true)
    expect(new Set(seen.flat()).size).toBe(seen.flat().length)
  })

  test('another process reuses the same client session', async () => {
    const token = await world.token('ada')
    const first = await ask(world.machine, { token })
    const second = await ask(world.another(), { token })
    expect(second.status).toBe(200)
    expect(second.body.token).toBe(first.body.token)
  })

  test('refuses a subject without a record, and tells them who they are', async () => {
    const { status, body } = await ask(world.machine, { token: await world.token('nobody') })
    expect(status).toBe(403)
    expect(body).toMatchObject({ code: 'not_provisioned', action: 'stop', subject: 'main|nobody' })
    expect(await world.user('nobody')).toBeUndefined()
  })

  test('provisions a subject without a record where the configuration says so: no accounts, no devices', async () => {
    const open = world.another({ configuration: { unknownSubjects: 'provision' } })
    const { status, body } = await ask(open, { token: await world.token('newcomer') })
    expect(status).toBe(201)
    expect(await devicesOf(world.seam, body.token)).toEqual([])
    expect(await world.user('newcomer')).toMatchObject({
      subject: 'main|newcomer',
      connected_account_ids: [],
    })
  })

  test('limits how many records an hour of open sign-up makes', async () => {
    const open = world.another({
      configuration: { unknownSubjects: 'provision', limits: { newUsersPerHour: 1 } },
    })
    const statuses: number[] = []
    for (const sub of ['one-of-many', 'two-of-many', 'three-of-many'])
      statuses.push((await ask(open, { token: await world.token(sub) })).status)
    expect(statuses.at(-1)).toBe(429)
  })

  test('one newcomer cannot use up the hour of all the others, and gets one client session however often they ask', async () => {
    const elsewhere = await startVendingWorld({
      configuration: { unknownSubjects: 'provision', limits: { newUsersPerHour: 5 } },
    })
    try {
      const token = await elsewhere.token('eager')
      const answers = await Promise.all(Array.from({ length: 10 }, () => ask(elsewhere.machine, { token })))
      const tokens = new Set(answers.filter(({ status }) => status < 300).map(({ body }) => body.token))
      expect(tokens.size).toBe(1)
      expect(answers.filter(({ status, body }) => status >= 300 && body.code !== 'busy')).toEqual([])
      expect((await ask(elsewhere.machine, { token: await elsewhere.token('the-next') })).status).toBe(201)
    } finally {
      await elsewhere.close()
    }
  })

  test('while Seam fails, newcomers use up nothing of what they may have', async () => {
    const open = world.another({ configuration: { unknownSubjects: 'provision' }, times: patient })
    await world.record('unlucky', [])
    const token = await world.token('unlucky')
    world.seam.faults.plan({ faults: [{ kind: 'reset', path: '/client_sessions/get_or_create' }] })
    try {
      for (let calls = 0; calls < 2; calls++) await ask(open, { token })
      const spent = () => world.dynamoDb.counts.UpdateItem?.received
      const before = spent()
      const { status, body } = await ask(open, { token: await world.token('newcomer-in-bad-times') })
      expect([status, body.code, spent()]).toEqual([503, 'upstream_unavailable', before])
    } finally {
      world.seam.faults.clear()
    }
  })

  test('the same sub at two issuers is two users', async () => {
    const { startIdentityProvider } = await import('../../infra/local/identity-provider.ts')
    const other = await startIdentityProvider({ clock: world.clock.now })
    try {
      const both = world.another({
        configuration: {
          issuers: [
            {
              name: 'main',
              issuer: world.identityProvider.issuer,
              audiences: [world.identityProvider.audience],
            },
            { name: 'other', issuer: other.issuer, audiences: [other.audience] },
          ],
        },
      })
      expect((await ask(both, { token: await world.token('ada') })).status).toBe(200)
      const { status, body } = await ask(both, { token: await other.sign({ sub: 'ada' }) })
      expect(status).toBe(403)
      expect(body.subject).toBe('other|ada')
    } finally {
      await other.close()
    }
  })

  test('a reused issuer name does not hand over the users of the issuer that had it', async () => {
    const { startIdentityProvider } = await import('../../infra/local/identity-provider.ts')
    const usurper = await startIdentityProvider({ clock: world.clock.now })
    try {
      const machine = world.another({
        configuration: { issuers: [{ name: 'main', issuer: usurper.issuer, audiences: [usurper.audience] }] },
      })
      const { status, body } = await ask(machine, { token: await usurper.sign({ sub: 'ada' }) })
      expect([status, body.code]).toEqual([403, 'not_provisioned'])
      expect(world.log.at(-1)?.reason).toBe('record_of_another_issuer')
    } finally {
      await usurper.close()
    }
  })

  test('extends in the last part of the lifetime: the same token, a later end, one call', async () => {
    const machine = world.another()
    const token = () => world.token('ada')
    const first = await ask(machine, { token: await token() })
    world.clock.advance(51 * minutes)
    const before = callsAtSeam()
    const { status, body } = await ask(machine, { token: await token() })
    expect(status).toBe(200)
    expect(body.token).toBe(first.body.token)
    expect(Date.parse(body.expires_at)).toBeGreaterThan(Date.parse(first.body.expires_at))
    expect(callsAtSeam() - before).toBe(1)
  })

  test('replaces an expired client session under a new key and deletes the old one after its commit', async () => {
    const first = await ask(world.machine, { token: await world.token('ada') })
    const oldKey = sharedSession(await world.user('ada')).user_identifier_key
    world.clock.advance(61 * minutes)
    const { status, body } = await ask(world.machine, { token: await world.token('ada') })
    expect(status).toBe(201)
    expect(body.token).not.toBe(first.body.token)
    const user = await world.user('ada')
    expect(sharedSession(user).user_identifier_key).not.toBe(oldKey)
    expect(user?.retired.find((entry) => entry.user_identifier_key === oldKey)).toMatchObject({
      client_session_id: first.body.client_session_id,
    })
  })

  test('a session reported dead is replaced once; soon after, the report is refused', async () => {
    const token = await world.token('grace')
    const first = await ask(world.machine, { token })
    const stale = { stale_client_session_id: first.body.client_session_id }
    const second = await ask(world.machine, { token, body: stale })
    expect(second.status).toBe(201)
    expect(second.body.client_session_id).not.toBe(first.body.client_session_id)
    // Another tab reports the same one: it gets the new one.
    const third = await ask(world.machine, { token, body: stale })
    expect([third.status, third.body.token]).toEqual([200, second.body.token])
    const again = { stale_client_session_id: second.body.client_session_id }
    const fourth = await ask(world.machine, { token, body: again })
    expect([fourth.status, fourth.body.code]).toEqual([429, 'rate_limited'])
    expect(Number(fourth.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  test('a key that was recorded and never used is called again, not replaced', async () => {
    const open = world.another({ configuration: { unknownSubjects: 'provision' } })
    world.seam.faults.plan({
      faults: [{ kind: 'status', status: 503, path: '/client_sessions/get_or_create', times: 1 }],
    })
    const failed = await ask(open, { token: await world.token('unlucky') })
    expect([failed.status, failed.body.code]).toEqual([503, 'upstream_unavailable'])
    const key = sharedSession(await world.user('unlucky')).user_identifier_key
    expect(key).toMatch(new RegExp(`^test-[0-9a-f]{8}_${ownerOfSub('unlucky')}_[0-9a-f-]{36}$`))
    // At once: whoever got an answer has given the lease back.
    const { status } = await ask(open, { token: await world.token('unlucky') })
    expect(status).toBe(201)
    const user = await world.user('unlucky')
    expect(user).toMatchObject({ creations: 1, retired: [] })
    expect(sharedSession(user).user_identifier_key).toBe(key)
  })

  test('a token at rest is sealed, and one that cannot be opened leads to a new client session', async () => {
    const token = await world.token('alan')
    const first = await ask(world.machine, { token })
    const user = await world.user('alan')
    expect(sharedSession(user).sealed_token).not.toContain(first.body.token)
    if (user?.revision === undefined) throw new Error('alan has no record')
    await world.table.compareAndSet(user.owner, user.revision, withShared(user, { sealed_token: 'tampered' }))
    const second = await ask(world.machine, { token })
    expect(second.status).toBe(201)
    expect(second.body.token).not.toBe(first.body.token)
    expect(world.log.at(-1)?.verdicts).toContain('replace:unreadable_token')
  })
})

describe('a record that was changed behind our back', () => {
  const rewrite = async (sub: string, change: (user: User) => User) => {
    const user = await world.user(sub)
    if (user?.revision === undefined) throw new Error(`${sub} has no record`)
    await world.table.compareAndSet(user.owner, user.revision, { ...change(user), revision: randomUUID() })
  }

  test.each(['POST', 'DELETE'])(
    'of another subject under this hash: %s is an error of our own',
    async (method) => {
      await world.record('hashed', world.seam.users[0]?.connected_account_ids ?? [])
      const token = await world.token('hashed')
      expect((await ask(world.machine, { token })).status).toBe(201)
      await rewrite('hashed', (user) => ({ ...user, subject: 'main|somebody-else' }))
      const { status, body } = await ask(world.machine, { token, method })
      expect([status, body.code, body.token]).toEqual([500, 'internal', undefined])
      expect(world.log.at(-1)?.reason).toBe('record_of_another_subject')
      await rewrite('hashed', (user) => ({ ...user, subject: 'main|hashed' }))
      expect((await ask(world.machine, { token })).status).toBe(200)
      await ask(world.machine, { token, method: 'DELETE' })
    },
  )

  test("a sealed token that was moved together with its client session's id is not handed out", async () => {
    await world.record('victim', world.seam.users[0]?.connected_account_ids ?? [])
    await world.record('thief', [])
    const theirs = await ask(world.machine, { token: await world.token('victim') })
    await ask(world.machine, { token: await world.token('thief') })
    const victim = await world.user('victim')
    const { sealed_token = '', client_session_id = '' } = sharedSession(victim)
    await rewrite('thief', (user) => withShared(user, { sealed_token, client_session_id }))
    const { body } = await ask(world.machine, { token: await world.token('thief') })
    expect(body.token).not.toBe(theirs.body.token)
    expect(world.log.at(-1)?.verdicts).toContain('replace:unreadable_token')
  })
})

test('nobody is told to refresh after the end', () => {
  const milliseconds = fc.integer({ min: -5_000, max: 90_000_000 })
  fc.assert(
    fc.property(milliseconds, milliseconds, (left, refreshIn) => {
      const { expires_in, refresh_in } = lifeInSeconds(left, Math.max(0, refreshIn))
      expect(refresh_in).toBeLessThanOrEqual(expires_in)
      expect(expires_in * 1000).toBeLessThanOrEqual(Math.max(0, left))
      expect(refresh_in).toBeGreaterThanOrEqual(0)
    }),
  )
  // As it was seen: 47.4 s are left, all of them to be waited for.
  expect(lifeInSeconds(47_400, 47_400)).toEqual({ expires_in: 47, refresh_in: 47 })
  expect(lifeInSeconds(3_599_990, 3_000_000)).toEqual({ expires_in: 3599, refresh_in: 3000 })
  expect(lifeInSeconds(-1, 0)).toEqual({ expires_in: 0, refresh_in: 0 })
})

describe('DELETE /client-session', () => {
  test('ends the client session at Seam, is repeatable, and the next request makes a new one', async () => {
    const token = await world.token('ada')
    const first = await ask(world.machine, { token })
    for (let time = 0; time < 2; time++) {
      const { status, text } = await ask(world.machine, { token, method: 'DELETE' })
      expect([status, text]).toEqual([204, ''])
    }
    await expect(devicesOf(world.seam, first.body.token)).rejects.toThrow('401')
    expect((await ask(world.machine, { token })).status).toBe(201)
  })

  test('says 503 while Seam cannot confirm, has retired it all the same, and finishes when asked again', async () => {
    const token = await world.token('grace')
    const first = await ask(world.machine, { token })
    world.seam.faults.plan({
      faults: [{ kind: 'status', status: 500, body: 'html', path: '/client_sessions/delete' }],
    })
    const { status, body } = await ask(world.machine, { token, method: 'DELETE' })
    expect([status, body.action]).toEqual([503, 'retry'])
    expect(sharedSession(await world.user('grace')).client_session_id).toBeUndefined()
    world.seam.faults.clear()
    expect((await ask(world.machine, { token, method: 'DELETE' })).status).toBe(204)
    await expect(devicesOf(world.seam, first.body.token)).rejects.toThrow('401')
  })
})

test('nothing that is logged shows a secret', async () => {
  const token = await world.token('ada')
  const { body } = await ask(world.machine, { token })
  const key = sharedSession(await world.user('ada')).user_identifier_key ?? ''
  const logged = world.lines.join('\n')
  expect(logged.length).toBeGreaterThan(100)
  for (const secret of [token, body.token, key, world.seam.apiKey])
    for (const form of [secret, Buffer.from(secret).toString('base64'), encodeURIComponent(secret)])
      expect(logged).not.toContain(form)
})
