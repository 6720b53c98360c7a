import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { times } from '../../../functions/times.ts'
import { claim, letGo, setStatus, type User } from '../../../functions/user.ts'
import { minutes } from '../minutes.ts'
import { type CleaningWorld, many, nothingHappened, startCleaningWorld } from './world.ts'

let world: CleaningWorld
beforeEach(async () => {
  world = await startCleaningWorld()
})
afterEach(() => world.close())

const hours = 60 * minutes
/** Who claimed a key and was never heard of again. */
const abandoned = (user: User) => {
  const newKey = { key: `${world.settings.key_prefix}_${user.owner}_${randomUUID()}`, generation: 1 }
  return world.record(claim(user, { lease_owner: 'gone', now: world.clock(), times, newKey }))
}

test('what was let go of is deleted, confirmed, and after the grace forgotten', async () => {
  const user = await world.signedIn()
  await world.alter(user.owner, letGo)

  expect(await world.clean()).toMatchObject({ looked_at: 1, ended: { let_go: 1 }, ...nothingHappened })
  expect(world.lives(user.client_session_id)).toBe(false)
  expect((await world.read(user))?.ended).toEqual([
    expect.objectContaining({ client_session_id: user.client_session_id, deleted_at: expect.any(Number) }),
  ])

  expect(await world.clean()).toMatchObject({ looked_at: 0 })
  world.advance(times.grace)
  expect(await world.clean()).toMatchObject({ looked_at: 1, ended: {}, settled: 1, strays_ended: 0 })
  expect(await world.read(user)).toMatchObject({ ended: [], status: 'active' })
  expect((await world.read(user))?.due_at).toBeUndefined()
})

test('an abandoned key is let go of, and what a late call made under it is ended after the grace', async () => {
  const user = await abandoned(world.person())
  expect(await world.clean()).toMatchObject({ looked_at: 0 })

  world.advance(times.lease)
  expect(await world.clean()).toMatchObject({ ended: { abandoned: 1 }, ...nothingHappened })
  const stray = await world.atSeam(user.user_identifier_key ?? '')

  world.advance(times.grace)
  expect(await world.clean()).toMatchObject({ strays_ended: 1, settled: 0 })
  expect(world.lives(stray)).toBe(false)
  expect(await world.clean()).toMatchObject({ strays_ended: 0, settled: 1 })
  expect(await world.read(user)).toMatchObject({ ended: [] })
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
    const row = world.seam.sessions().find((one) => one.client_session_id === user.client_session_id)
    expect(row?.deleted_at).toBeDefined()
    expect((await world.read(user))?.user_identifier_key).toBeUndefined()
  }
})

test('what acts have let go of comes first, the oldest of it before the rest; then abandoned keys, then age', async () => {
  const inTurn = (count: number, make: () => Promise<User>) =>
    many(count, async () => {
      world.advance(1000)
      return make()
    })
  const aged = await inTurn(5, () => world.signedIn())
  world.advance(12 * hours)
  const gone = await abandoned(world.person())
  world.advance(times.lease)
  const out = await inTurn(5, async () => world.alter((await world.signedIn()).owner, letGo))
  const settled = await world.record({
    ...world.person(),
    ended: [{ user_identifier_key: 'long ago', at: world.clock() - times.grace }],
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
    ...out.map(({ ended }) => ended[0]?.client_session_id),
    'long ago',
    ...aged.map(({ client_session_id }) => client_session_id),
  ])
  expect((await world.read(settled))?.ended).toEqual([])
  const at = async (user: User) => (await world.read(user))?.ended[0]?.at
  expect(await at(gone)).toBeLessThanOrEqual((await at(aged[0] as User)) ?? 0)
})

test('everything that is due is come to in one run, also where one shard of the index has pages of it', async () => {
  const inOneShard = (n: number) => Buffer.from([3, n, ...Array(14).fill(7)]).toString('base64url')
  for (let n = 0; n < 120; n++)
    await world.record({
      ...world.person(),
      owner: inOneShard(n),
      ended: [{ user_identifier_key: `k${n}`, at: world.clock() - times.grace }],
    })
  expect(await world.clean()).toMatchObject({ looked_at: 120, settled: 120, ...nothingHappened })
})

test('a live client session, and a stranger’s, are left alone', async () => {
  const live = await many(3, () => world.signedIn())
  const stranger = await world.atSeam('a stranger’s key')
  const let_go = await world.signedIn()
  await world.alter(let_go.owner, letGo)
  await world.clean({ allUsers: true })
  world.advance(times.grace)
  await world.clean({ allUsers: true })
  for (const id of [stranger, ...live.map(({ client_session_id }) => client_session_id)])
    expect(world.lives(id)).toBe(true)
  expect(world.lives(let_go.client_session_id)).toBe(false)
})

test('a client session that Seam no longer knows counts as ended', async () => {
  const user = await world.signedIn()
  await world.alter(user.owner, letGo)
  world.seam.faults.add({ kind: 'reset', applied: true, path: '/client_sessions/delete', times: 1 })
  expect(await world.clean()).toMatchObject({ failed: 1, failures: { 'no connection': 1 }, ended: {} })
  world.advance(times.retry * 2)
  expect(await world.clean()).toMatchObject({ ended: { let_go: 1 }, already_gone: 1, ...nothingHappened })
  expect(await world.read(user)).toMatchObject({ attempts: 0, ended: [{ deleted_at: expect.any(Number) }] })
})

test('the record of a removed user goes when nothing leads from it to Seam', async () => {
  const user = await world.signedIn()
  await world.alter(user.owner, (read, now) => setStatus(read, 'removed', now))
  await world.clean()
  expect(await world.read(user)).toMatchObject({ status: 'removed' })
  world.advance(times.grace)
  expect(await world.clean()).toMatchObject({ settled: 1, records_removed: 1 })
  expect(await world.read(user)).toBeUndefined()
})

test('a removed record that a killed run has left empty goes too', async () => {
  const user = await world.record({ ...world.person(), status: 'removed' })
  expect(await world.clean()).toMatchObject({ looked_at: 1, records_removed: 1, oldest_backlog: 0 })
  expect(await world.read(user)).toBeUndefined()
})
