import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { cleanUp } from '../../../functions/cleanup/run.ts'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import type { User } from '../../../functions/record/user.ts'
import { grant, withdraw } from '../../../functions/record/writes.ts'
import { seamClient } from '../../../functions/seam/client.ts'
import { shared } from '../../../functions/session/binding.ts'
import { times } from '../../../functions/times.ts'
import type { WrongAnswer } from '../../../infra/local/seam/faults.ts'
import { keeperOf, sharedSession, withShared } from '../keeper.ts'
import { minutes } from '../minutes.ts'
import { patient } from '../patient.ts'
import { ask, devicesOf, soon, startVendingWorld, type VendingWorld } from '../vending-world.ts'

let world: VendingWorld
let accounts: string[]
beforeAll(async () => {
  // Some wait here until a time is over.
  world = await startVendingWorld({ times })
  accounts = [world.seam.addAccount(), world.seam.addAccount(), world.seam.addAccount()].sort()
})
afterAll(() => world.close())
afterEach(() => {
  world.seam.faults.clear()
  world.dynamoDb.faults.clear()
  world.seam.readings.get_or_create = 'replaces'
  world.seam.readings.dead_sessions = 'stay_dead'
  world.seam.readings.unknown_account = 400
})

const getOrCreate = '/client_sessions/get_or_create'
let subjects = 0
/** A subject with the first two accounts and, unless `fresh`, a live client session. */
async function somebody({ fresh = false } = {}) {
  const sub = `somebody-${subjects++}`
  await world.record(sub, accounts.slice(0, 2))
  const post = async (options: { body?: unknown } = {}) =>
    ask(world.machine, { token: await world.token(sub), ...options })
  const first = fresh ? undefined : await post()
  const user = async () => (await world.user(sub)) as User
  /** Writes to the record as somebody else would. */
  const write = async (change: (user: User) => User) => {
    const read = await user()
    const next = { ...change(read), revision: `${read.revision}+` }
    expect(await world.table.compareAndSet(read.owner, read.revision, next)).toEqual({ written: true })
  }
  const live = async () => {
    const { owner } = await user()
    return world.seam.sessions().filter((one) => one.live && one.user_identifier_key?.includes(owner))
  }
  return { sub, post, first, user, write, live }
}

describe('early refresh is never worse than none', () => {
  const expectTheOldOne = async (who: Awaited<ReturnType<typeof somebody>>) => {
    const { status, body } = await who.post()
    expect(status).toBe(200)
    expect(body.token).toBe(who.first?.body.token)
    expect(body.expires_in).toBeLessThan(10 * 60)
    expect(body.refresh_in).toBeLessThanOrEqual(15)
  }

  test('Seam down: the recorded token until it has less than a minute left, and only then 503', async () => {
    const who = await somebody()
    world.seam.faults.plan({ faults: [{ kind: 'status', status: 503, body: 'html' }] })
    world.clock.advance(51 * minutes)
    await expectTheOldOne(who)
    await expectTheOldOne(who)
    world.clock.advance(7.9 * minutes)
    await expectTheOldOne(who)
    world.clock.advance(0.2 * minutes)
    const { status, body } = await who.post()
    expect([status, body.action]).toEqual([503, 'retry'])
  })

  test('DynamoDB refuses writes: the recorded token', async () => {
    const who = await somebody()
    world.clock.advance(51 * minutes)
    world.dynamoDb.faults.add({ kind: 'throttled', operations: ['PutItem'] })
    await expectTheOldOne(who)
  })

  test('another process holds the lease: the recorded token at once, with one read', async () => {
    const who = await somebody()
    world.clock.advance(51 * minutes)
    await who.write((user) =>
      withShared(user, { lease_owner: 'another', lease_until: world.clock.now() + 12_000 }),
    )
    await expectTheOldOne(who)
    const before = world.dynamoDb.counts.PutItem?.received
    await expectTheOldOne(who)
    expect(world.dynamoDb.counts.PutItem?.received).toBe(before)
  })

  test('an account was taken away: no waiting, whatever Seam says', async () => {
    const who = await somebody()
    await who.write((user) => withdraw(user, accounts.slice(1), world.clock.now()))
    world.seam.faults.plan({ faults: [{ kind: 'status', status: 500 }] })
    expect((await who.post()).status).toBe(503)
    expect(sharedSession(await who.user()).client_session_id).toBeUndefined()
  })
})

describe('a dependency in failure', () => {
  test('Seam silent: 504 within the time it is given', async () => {
    const who = await somebody({ fresh: true })
    const { seam } = world
    seam.faults.plan({ faults: [{ kind: 'silence', path: getOrCreate }] })
    const { status, body, headers } = await who.post()
    expect([status, body.code]).toEqual([504, 'upstream_timeout'])
    expect(headers.get('retry-after')).toBe('1')
  })

  test('Seam says 429: 503 with a capped Retry-After', async () => {
    const who = await somebody({ fresh: true })
    world.seam.faults.plan({ faults: [{ kind: 'status', status: 429, retry_after: 7200 }] })
    const { status, headers } = await who.post()
    expect([status, headers.get('retry-after')]).toEqual([503, '60'])
  })

  test('a caller without a token waits for the winner and gets its token', async () => {
    const who = await somebody({ fresh: true })
    world.seam.faults.plan({ faults: [{ kind: 'delay', delay_ms: 500, path: getOrCreate }] })
    const [one, two] = await Promise.all([who.post(), who.post()])
    expect([one.status, two.status].sort()).toEqual([200, 201])
    expect(one.body.token).toBe(two.body.token)
  })

  test('a winner that never comes back: 503 busy with Retry-After 1, and its lease ends', async () => {
    const who = await somebody({ fresh: true })
    const now = world.clock.now()
    const session = {
      user_identifier_key: 'test-00000000_key_of_the_dead',
      generation: 1,
      asked_until: now + 60 * minutes,
      lease_owner: 'dead',
      lease_until: now + 12_000,
      claimed_at: now,
    }
    await who.write((user) => ({ ...user, sessions: { [shared]: session } }))
    const { status, body, headers } = await who.post()
    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'busy', '1'])
    world.clock.advance(13_000)
    expect((await who.post()).status).toBe(201)
    expect(sharedSession(await who.user()).user_identifier_key).toBe('test-00000000_key_of_the_dead')
  })
})

describe('Seam’s answer is never trusted blindly', () => {
  const wrongs: WrongAnswer[] = [
    'other_key',
    'other_workspace',
    'extra_account',
    'missing_account',
    'past_expiry',
    'late_expiry',
  ]
  test.each(wrongs)('%s once: that key is retired and a new one called', async (wrong) => {
    const who = await somebody({ fresh: true })
    world.seam.faults.plan({ faults: [{ kind: 'wrong', wrong, path: getOrCreate, times: 1 }] })
    const { status, body } = await who.post()
    expect(status).toBe(201)
    const live = (await who.live()).find(({ token }) => token === body.token)
    expect(live?.connected_account_ids.toSorted()).toEqual(accounts.slice(0, 2))
    const user = await who.user()
    expect(user.retired).toHaveLength(1)
    expect(user.retired[0]?.user_identifier_key).not.toBe(sharedSession(user).user_identifier_key)
    expect(world.log.at(-1)?.wrong_answers).toHaveLength(1)
  })

  test.each(wrongs)('%s twice: 502, stop, and nothing is handed out', async (wrong) => {
    const who = await somebody({ fresh: true })
    world.seam.faults.plan({ faults: [{ kind: 'wrong', wrong, path: getOrCreate }] })
    const { status, body } = await who.post()
    expect([status, body.code, body.action]).toEqual([502, 'upstream_rejected', 'stop'])
    expect(sharedSession(await who.user()).client_session_id).toBeUndefined()
  })

  test('another id in answer to an extension: the client session is replaced, the stranger’s is left alone', async () => {
    const who = await somebody()
    world.clock.advance(51 * minutes)
    world.seam.faults.plan({ faults: [{ kind: 'wrong', wrong: 'other_key', path: getOrCreate, times: 1 }] })
    const { status, body } = await who.post()
    expect(status).toBe(201)
    expect((await who.live()).map(({ token }) => token)).toEqual([body.token])
    expect((await who.user()).retired.map((entry) => entry.client_session_id)).toEqual([
      who.first?.body.client_session_id,
    ])
  })
})

describe('in every reading of Seam', () => {
  test.each(['replaces', 'merges'] as const)(
    'get_or_create %s: widened in place, narrowed by a new key',
    async (reading) => {
      world.seam.readings.get_or_create = reading
      const who = await somebody()
      await who.write((user) => grant(user, accounts, world.clock.now()))
      const widened = await who.post()
      expect(widened.body.token).toBe(who.first?.body.token)
      expect(await devicesOf(world.seam, widened.body.token)).toHaveLength(3)
      await who.write((user) => withdraw(user, accounts.slice(1), world.clock.now()))
      const narrowed = await who.post()
      expect(narrowed.body.token).not.toBe(widened.body.token)
      expect(await devicesOf(world.seam, narrowed.body.token)).toHaveLength(1)
      // Whoever withdraws deletes; a vend alone deletes what it has replaced itself.
      await keeperOf(world.machine.deps).withdraw((await who.user()).owner, [], soon())
      await expect(devicesOf(world.seam, widened.body.token)).rejects.toThrow('401')
    },
  )

  test.each([400, 404] as const)(
    'an account that Seam does not know (%i) does not lock its user out',
    async (reading) => {
      world.seam.readings.unknown_account = reading
      const who = await somebody({ fresh: true })
      const unknown = 'deadbeef-0000-4000-8000-000000000000'
      await who.write((user) => ({ ...user, connected_account_ids: [accounts[0] as string, unknown].sort() }))
      const { status, body } = await who.post()
      expect(status).toBe(201)
      expect(await devicesOf(world.seam, body.token)).toHaveLength(1)
      const user = await who.user()
      expect(Object.keys(user.unknown_account_ids ?? {})).toEqual([unknown])
      expect(user.connected_account_ids).toContain(unknown)
      const again = await who.post()
      expect([again.status, again.body.token]).toEqual([200, body.token])
    },
  )

  test('a dead session that a late call revives is ended by the list after the grace', async () => {
    world.seam.readings.dead_sessions = 'are_revived'
    const who = await somebody()
    const key = sharedSession(await who.user()).user_identifier_key as string
    expect((await ask(world.machine, { token: await world.token(who.sub), method: 'DELETE' })).status).toBe(
      204,
    )
    expect(await who.live()).toEqual([])
    await fetch(`${world.seam.url}${getOrCreate}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.seam.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ user_identifier_key: key, connected_account_ids: accounts }),
    })
    expect(await who.live()).toHaveLength(1)
    world.clock.advance(4 * minutes)
    for (let look = 0; look < 2; look++)
      await cleanUp(
        {
          ...world.machine.deps,
          table: world.table,
          seam: seamClient({
            endpoint: world.seam.url,
            apiKey: async () => world.seam.apiKey,
            times: patient,
          }),
          rate: { callsPerSecond: 1000, concurrency: 4 },
        },
        { deadline: deadlineIn(60_000, world.clock.now), allUsers: true },
      )
    expect(await who.live()).toEqual([])
    expect((await who.user()).retired).toEqual([])
  })
})

test('new client sessions are limited per subject; what must go is retired all the same', async () => {
  const machine = world.another({ configuration: { limits: { creationsPerHour: 2 } } })
  const who = await somebody({ fresh: true })
  const token = await world.token(who.sub)
  for (let time = 0; time < 2; time++) {
    expect((await ask(machine, { token })).status).toBe(201)
    expect((await ask(machine, { token, method: 'DELETE' })).status).toBe(204)
  }
  const { status, body, headers } = await ask(machine, { token })
  expect([status, body.code]).toEqual([429, 'rate_limited'])
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(3500)
  expect(await who.live()).toEqual([])
})

test('a withdrawn account is out of reach of the old token once that is reported, within one act', async () => {
  const who = await somebody()
  const old = who.first?.body.token as string
  expect(await devicesOf(world.seam, old)).toHaveLength(2)
  const keeper = keeperOf(world.machine.deps)
  const owner = (await who.user()).owner
  world.seam.faults.plan({
    faults: [{ kind: 'status', status: 500, path: '/client_sessions/delete', times: 1 }],
  })
  const failed = await keeper.withdraw(owner, accounts.slice(1, 2), soon())
  expect(failed.failure?.code).toBe('upstream_unavailable')
  expect(failed.user.connected_account_ids).toEqual(accounts.slice(0, 1))
  // Repeated, with nothing left to withdraw: it reports success only now that the delete is confirmed.
  const repeated = await keeper.withdraw(owner, accounts.slice(1, 2), soon())
  expect([repeated.changed, repeated.failure]).toEqual([false, undefined])
  await expect(devicesOf(world.seam, old)).rejects.toThrow('401')
  const granted = await keeper.grant({ ...(await who.user()) }, accounts.slice(2), soon())
  expect(granted.user.connected_account_ids).toHaveLength(2)
})
