import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { User } from '../../../functions/record/user.ts'
import { remove, retireAll } from '../../../functions/record/writes.ts'
import { times } from '../../../functions/times.ts'
import { minutes } from '../minutes.ts'
import { type CleaningWorld, entry, idOf, keyOf, many, nothingHappened, startCleaningWorld } from './world.ts'

let world: CleaningWorld
beforeEach(async () => {
  world = await startCleaningWorld()
})
afterEach(() => world.close())

const hours = 60 * minutes
/** Who claimed a key and was never heard of again. */
const abandoned = (user: User) =>
  world.abandoned(user, `${world.settings.key_prefix}_${user.owner}_${randomUUID()}`)

test('what was retired is deleted, confirmed, and after the grace forgotten', async () => {
  const user = await world.signedIn()
  await world.alter(user.owner, retireAll)

  expect(await world.clean()).toMatchObject({ looked_at: 1, ended: { let_go: 1 }, ...nothingHappened })
  expect(world.lives(idOf(user))).toBe(false)
  expect((await world.read(user))?.retired).toEqual([
    expect.objectContaining({ client_session_id: idOf(user), deleted_at: expect.any(Number) }),
  ])

  expect(await world.clean()).toMatchObject({ looked_at: 0 })
  world.advance(times.grace)
  expect(await world.clean()).toMatchObject({ looked_at: 1, ended: {}, settled: 1, strays_ended: 0 })
  expect(await world.read(user)).toMatchObject({ retired: [], status: 'active' })
  expect((await world.read(user))?.due_at).toBeUndefined()
})

test('an abandoned key is retired a grace after its claim, and what a late call made under it is ended after the grace', async () => {
  const user = await abandoned(world.person())
  expect(await world.clean()).toMatchObject({ looked_at: 0 })

  world.advance(times.lease)
  expect(await world.clean()).toMatchObject({ looked_at: 0 })
  world.advance(times.grace - times.lease)
  expect(await world.clean()).toMatchObject({ ended: { abandoned: 1 }, ...nothingHappened })
  const stray = await world.atSeam(keyOf(user) ?? '')

  world.advance(times.grace)
  expect(await world.clean()).toMatchObject({ strays_ended: 1, settled: 0 })
  expect(world.lives(stray)).toBe(false)
  expect(await world.clean()).toMatchObject({ strays_ended: 0, settled: 1 })
  expect(await world.read(user)).toMatchObject({ retired: [] })
})

test('a client session ends with its longest age and with the end date of access', async () => {
  const aged = await world.signedIn()
  const ending = await world.signedIn({ ...world.person(), access_until: world.clock() + 30 * minutes })
  world.advance(30 * minutes)
  expect(await world.clean()).toMatchObject({
    looked_at: 1,
    ended: { access_ended: 1 },
    ...nothingHappened,
  })
  world.advance(12 * hours)
  const report = await world.clean()
  expect(report).toMatchObject({ looked_at: 2, ended: { longest_age: 1 }, settled: 1, ...nothingHappened })
  for (const user of [aged, ending]) {
    const row = world.seam.sessions().find((one) => one.client_session_id === idOf(user))
    expect(row?.deleted_at).toBeDefined()
    expect((await world.read(user))?.sessions).toEqual({})
  }
})

test('what acts have retired comes first, the oldest of it before the rest; then abandoned keys, then age', async () => {
  const inTurn = (count: number, make: () => Promise<User>) =>
    many(count, async () => {
      world.advance(1000)
      return make()
    })
  const aged = await inTurn(5, () => world.signedIn())
  world.advance(12 * hours)
  const gone = await abandoned(world.person())
  world.advance(times.grace)
  const out = await inTurn(5, async () => world.alter((await world.signedIn()).owner, retireAll))
  const settled = await world.record({
    ...world.person(),
    retired: [entry('long ago', world.clock() - times.grace)],
  })

  const seen: string[] = []
  const listening: typeof fetch = async (input, init) => {
    const { client_session_id, user_identifier_key } = JSON.parse(String(init?.body))
    seen.push(...[client_session_id, user_identifier_key].filter((one) => one !== undefined))
    return fetch(input, init)
  }
  const rate = { callsPerSecond: 1000, concurrency: 1 }
  const report = await world.clean({}, { fetch: listening, rate })
  expect(report.ended).toEqual({ let_go: 5, abandoned: 1, longest_age: 5 })
  expect(seen).toEqual([
    ...out.map(({ retired }) => retired[0]?.client_session_id),
    'long ago',
    ...aged.map(idOf),
  ])
  expect((await world.read(settled))?.retired).toEqual([])
  const at = async (user: User) => (await world.read(user))?.retired[0]?.at
  expect(await at(gone)).toBeLessThanOrEqual((await at(aged[0] as User)) ?? 0)
})

test('everything that is due is come to in one run, also where one shard of the index has pages of it', async () => {
  const inOneShard = (n: number) => Buffer.from([3, n, ...Array(14).fill(7)]).toString('base64url')
  for (let n = 0; n < 120; n++)
    await world.record({
      ...world.person(),
      owner: inOneShard(n),
      retired: [entry(`k${n}`, world.clock() - times.grace)],
    })
  expect(await world.clean()).toMatchObject({ looked_at: 120, settled: 120, ...nothingHappened })
})

test('a live client session, and a stranger’s, are left alone', async () => {
  const live = await many(3, () => world.signedIn())
  const stranger = await world.atSeam('a stranger’s key')
  const let_go = await world.signedIn()
  await world.alter(let_go.owner, retireAll)
  await world.clean({ allUsers: true })
  world.advance(times.grace)
  await world.clean({ allUsers: true })
  for (const id of [stranger, ...live.map(idOf)]) expect(world.lives(id)).toBe(true)
  expect(world.lives(idOf(let_go))).toBe(false)
})

test('a client session that Seam no longer knows counts as ended', async () => {
  const user = await world.signedIn()
  await world.alter(user.owner, retireAll)
  world.seam.faults.add({ kind: 'reset', applied: true, path: '/client_sessions/delete', times: 1 })
  expect(await world.clean()).toMatchObject({ failed: 1, failures: { 'no connection': 1 }, ended: {} })
  world.advance(times.retry * 2)
  expect(await world.clean()).toMatchObject({ ended: { let_go: 1 }, already_gone: 1, ...nothingHappened })
  expect(await world.read(user)).toMatchObject({ retired: [{ tries: 0, deleted_at: expect.any(Number) }] })
})

test('a removed user’s record expires long after nothing leads from it to Seam', async () => {
  const user = await world.signedIn()
  await world.alter(user.owner, remove)
  await world.clean()
  const before = await world.read(user)
  expect([before?.status, before?.retired.length, before?.expires]).toEqual(['removed', 1, undefined])
  world.advance(times.grace)
  expect(await world.clean()).toMatchObject({ settled: 1 })
  const days = ((await world.read(user))?.expires ?? 0) / 86_400 - world.clock() / 86_400_000
  expect(days).toBeGreaterThan(29.9)
})

test('a client session that Seam never deletes is forgotten when nothing under its key can be alive', async () => {
  const user = await world.signedIn()
  await world.alter(user.owner, retireAll)
  world.seam.faults.add({ kind: 'status', status: 403, path: '/client_sessions/delete' })
  for (let run = 0; run < 12; run++) {
    await world.clean()
    world.advance(6 * minutes)
  }
  expect(await world.read(user)).toMatchObject({ retired: [] })
  expect((await world.read(user))?.due_at).toBeUndefined()
})

test('sixteen of one user that Seam does not delete ring an alarm', async () => {
  const user = await world.signedIn()
  const retired = Array.from({ length: 16 }, (_, n) =>
    entry(`k${n}`, world.clock(), { client_session_id: `s${n}` }),
  )
  await world.record({ ...user, retired })
  world.seam.faults.add({ kind: 'status', status: 403, path: '/client_sessions/delete' })
  expect(await world.clean()).toMatchObject({ unconfirmed: [user.owner], alarms: ['unconfirmed'] })
})

test('a deletion of an account that ran out of time is finished', async () => {
  const user = await world.signedIn()
  const account = user.connected_account_ids[0] ?? ''
  await world.table.addHolder(account, user.owner)
  await world.table.putTombstone(account, world.clock(), 'a tombstone')
  expect(await world.clean()).toMatchObject({ accounts_settled: 1, ...nothingHappened })
  const left = await world.read(user)
  expect(left?.connected_account_ids).not.toContain(account)
  expect(left?.withdrawn).toHaveProperty([account])
  expect(await world.table.readTombstone(account)).toEqual({ tombstone: 'a tombstone', settled: true })
  await world.clean()
  expect(world.lives(idOf(user))).toBe(false)
  expect(await world.clean()).toMatchObject({ accounts_settled: 0 })
})

test('whoever had an account refused, and no time to find out which, gets it marked', async () => {
  const person = world.person()
  const user = await world.record({
    ...person,
    connected_account_ids: [...person.connected_account_ids, 'lost'].sort(),
    unchecked_since: world.clock(),
  })
  expect(await world.clean()).toMatchObject({ looked_at: 1, accounts_checked: 1, ...nothingHappened })
  const found = await world.read(user)
  expect(Object.keys(found?.unknown_account_ids ?? {})).toEqual(['lost'])
  expect([found?.unchecked_since, found?.due_at]).toEqual([undefined, undefined])
})
