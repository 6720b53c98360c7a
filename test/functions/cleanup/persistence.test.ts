import { randomUUID } from 'node:crypto'
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import { retireAll } from '../../../functions/record/writes.ts'
import { times } from '../../../functions/times.ts'
import { minutes } from '../minutes.ts'
import {
  aged,
  type CleaningWorld,
  entry,
  idOf,
  longestAge,
  many,
  nothingHappened,
  startCleaningWorld,
} from './world.ts'

let world: CleaningWorld
beforeEach(async () => {
  world = await startCleaningWorld()
})
afterEach(() => world.close())

test('a failure is tried again later and later, after six once a day and with an alarm; a success forgets them', async () => {
  const user = await world.signedIn()
  const client_session_id = idOf(user) ?? ''
  // A phone's, so that it does not expire first.
  const expires_at = world.clock() + 365 * 24 * 60 * minutes
  await world.alter(user.owner, (read, now) => {
    const [first] = retireAll(read, now).retired
    return {
      ...retireAll(read, now),
      retired: [entry(first?.user_identifier_key ?? '', now, { client_session_id, expires_at })],
    }
  })
  world.seam.faults.add({ kind: 'status', status: 500, path: '/client_sessions/delete' })
  const waits: number[] = []
  for (let attempt = 1; attempt <= 7; attempt++) {
    const report = await world.clean()
    expect(report).toMatchObject({ looked_at: 1, failed: 1, failures: { 'Seam answered 500': 1 } })
    expect(report.given_up).toEqual(attempt < 6 ? [] : [user.owner])
    expect(report.alarms).toEqual(attempt < 6 ? [] : ['given_up'])
    const due = (await world.read(user))?.due_at ?? 0
    waits.push((due - world.clock()) / minutes)
    expect(await world.clean()).toMatchObject({ looked_at: 0 })
    world.advance(due - world.clock())
  }
  for (const [n, wait] of waits.entries()) {
    const usual = n < 5 ? 2 ** n : 24 * 60
    expect(wait).toBeGreaterThan(usual * 0.7)
    expect(wait).toBeLessThan(usual * 1.3)
  }
  expect(waits[6]).not.toBe(waits[5])

  world.seam.faults.clear()
  const report = await world.clean()
  expect(report).toMatchObject({ ended: { let_go: 1 }, ...nothingHappened })
  expect(await world.read(user)).toMatchObject({ retired: [{ tries: 0, deleted_at: expect.any(Number) }] })
})

test('a client session that Seam shows and does not know has failed as well', async () => {
  const user = await world.signedIn()
  await world.alter(user.owner, retireAll)
  world.seam.faults.add({ kind: 'status', status: 404, path: '/client_sessions/delete' })
  for (let attempt = 1; attempt <= 6; attempt++) {
    const report = await world.clean()
    expect(report).toMatchObject({ looked_at: 1, failed: 1, failures: { still_shown: 1 } })
    expect(report.alarms).toEqual(attempt < 6 ? [] : ['given_up'])
    expect(await world.clean()).toMatchObject({ looked_at: 0 })
    if (attempt < 6) world.advance(((await world.read(user))?.due_at ?? 0) - world.clock())
  }
  world.seam.faults.clear()
  expect(await world.clean({ allUsers: true })).toMatchObject({ ended: { let_go: 1 }, ...nothingHappened })
})

test('so has one that a late call made under a retired key', async () => {
  const key = randomUUID()
  const user = await world.record({ ...world.person(), retired: [entry(key, world.clock() - times.grace)] })
  const stray = await world.atSeam(key)
  world.seam.faults.add({ kind: 'status', status: 410, path: '/client_sessions/delete' })
  expect(await world.clean()).toMatchObject({ failed: 1, failures: { still_shown: 1 }, strays_ended: 0 })
  expect(world.lives(stray)).toBe(true)

  world.seam.faults.clear()
  world.advance(2 * times.retry)
  expect(await world.clean()).toMatchObject({ strays_ended: 1, ...nothingHappened })
  expect(world.lives(stray)).toBe(false)
  expect(await world.clean()).toMatchObject({ settled: 1 })
  expect(await world.read(user)).toMatchObject({ retired: [] })
})

test('many of them do not end a run', async () => {
  const users = await many(12, () => world.signedIn())
  for (const { owner } of users) await world.alter(owner, retireAll)
  world.seam.faults.add({ kind: 'status', status: 404, path: '/client_sessions/delete' })
  expect(await world.clean()).toMatchObject({ failed: 12, failures: { still_shown: 12 }, alarms: [] })
})

test('a run over all users tries again at once what has failed, so that it never says that nothing is left', async () => {
  const user = await world.signedIn()
  await world.alter(user.owner, retireAll)
  world.seam.faults.add({ kind: 'status', status: 403, path: '/client_sessions/delete' })
  await world.clean()
  expect(await world.clean({ allUsers: true })).toMatchObject({ looked_at: 1, failed: 1 })
  expect(await world.clean()).toMatchObject({ looked_at: 0 })

  world.seam.faults.clear()
  expect(await world.clean({ allUsers: true })).toMatchObject({ ended: { let_go: 1 }, ...nothingHappened })
  expect(world.lives(idOf(user))).toBe(false)
})

test('what failed has been due since it was retired, however often it was put off', async () => {
  const user = await world.signedIn()
  await world.alter(user.owner, retireAll)
  world.seam.faults.add({ kind: 'status', status: 503, path: '/client_sessions/delete', times: 2 })
  await world.clean()
  world.advance(2 * minutes)
  const report = await world.clean()
  expect(report.oldest_backlog).toBeGreaterThanOrEqual(2 * minutes)
  expect(report.oldest_backlog).toBeLessThan(3 * minutes)
})

test('one user’s failure does not keep the others waiting', async () => {
  const users = await many(5, () => world.signedIn())
  for (const { owner } of users) await world.alter(owner, retireAll)
  world.seam.faults.add({ kind: 'status', status: 400, path: '/client_sessions/delete', times: 1 })
  expect(await world.clean()).toMatchObject({ ended: { let_go: 4 }, failed: 1 })
})

test('a client session that Seam fails to delete does not hold up the others of its user', async () => {
  const user = await world.signedIn()
  const retired = await many(3, async () => {
    const user_identifier_key = `${world.settings.key_prefix}_${user.owner}_${randomUUID()}`
    const client_session_id = await world.atSeam(user_identifier_key)
    return entry(user_identifier_key, world.clock(), { client_session_id })
  })
  await world.record({ ...user, retired })
  world.seam.faults.add({ kind: 'status', status: 500, path: '/client_sessions/delete', times: 1 })
  expect(await world.clean()).toMatchObject({ failed: 1 })
  const left = (await world.read(user))?.retired.filter(({ deleted_at }) => deleted_at === undefined)
  expect(left).toMatchObject([{ client_session_id: retired[0]?.client_session_id, tries: 1 }])
})

test('what has failed once in a run is not tried again in the same one, and holds up nothing else', async () => {
  const user = await world.signedIn()
  const key = `${world.settings.key_prefix}_${user.owner}_before`
  const before = entry(key, world.clock(), { client_session_id: await world.atSeam(key) })
  await world.record({ ...aged(user, world.clock() - longestAge), retired: [before] })
  world.seam.faults.add({ kind: 'status', status: 500, path: '/client_sessions/delete', times: 1 })
  expect(await world.clean()).toMatchObject({ failed: 1, ended: { longest_age: 1 } })
  expect(world.callsAtSeam('/client_sessions/delete')).toBe(2)
  expect(world.lives(before.client_session_id)).toBe(true)
  expect(world.lives(idOf(user))).toBe(false)
  expect((await world.read(user))?.retired.map(({ tries }) => tries)).toEqual([1, 0])
})

test('a record that cannot be understood is listed at once, and keeps nobody waiting', async () => {
  const strange = await world.record({
    ...world.person(),
    schema: 3 as 2,
    due_at: 0,
    retired: [entry('k', 0)],
  })
  const user = await world.signedIn()
  await world.alter(user.owner, retireAll)
  expect(await world.clean()).toMatchObject({
    ended: { let_go: 1 },
    failed: 1,
    given_up: [strange.owner],
    alarms: ['given_up'],
  })
})

test('told to wait by Seam it stops early, and no run starts before that; then it goes on', async () => {
  const users = await many(12, () => world.signedIn())
  for (const { owner } of users) await world.alter(owner, retireAll)
  world.seam.faults.add({
    kind: 'status',
    status: 429,
    retry_after: 20,
    path: '/client_sessions/delete',
    times: 1,
  })
  const rate = { callsPerSecond: 1000, concurrency: 1 }
  const first = await world.clean({}, { rate })
  expect(first).toMatchObject({ stopped: 'rate_limited', failed: 0, left_for_next_time: 12, alarms: [] })
  expect(world.callsAtSeam('/client_sessions/delete')).toBe(1)
  expect(await world.clean({}, { rate })).toMatchObject({ stopped: 'another_run', looked_at: 0 })
  world.advance(20_000)
  expect(await world.clean({}, { rate })).toMatchObject({ ended: { let_go: 12 }, ...nothingHappened })
})

test('with Seam down it stops after ten failures, and puts no more users off', async () => {
  const users = await many(30, () => world.signedIn())
  for (const { owner } of users) await world.alter(owner, retireAll)
  world.seam.faults.add({ kind: 'status', status: 503, path: '/client_sessions/delete' })
  const report = await world.clean({}, { rate: { callsPerSecond: 1000, concurrency: 1 } })
  expect(report).toMatchObject({
    stopped: 'failing',
    failed: 10,
    left_for_next_time: 20,
    alarms: ['failed'],
  })

  world.seam.faults.plan({ faults: [{ kind: 'reset' }] })
  expect(await world.clean()).toMatchObject({ stopped: 'outage', looked_at: 0, alarms: ['failed'] })
  world.seam.faults.clear()
  world.advance(3 * minutes)
  expect(await world.clean()).toMatchObject({ ended: { let_go: 30 }, ...nothingHappened })
})

test('when time is up it leaves the rest, and the next run goes on with it', async () => {
  const users = await many(10, () => world.signedIn())
  for (const { owner } of users) await world.alter(owner, retireAll)
  let late = 0
  const slow: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init)
    if (String(input).endsWith('/delete')) late += 30_000
    return answer
  }
  const clock = () => world.clock() + late
  const first = await world.another({ fetch: slow, clock, rate: { callsPerSecond: 1000, concurrency: 1 } })({
    deadline: deadlineIn(2 * minutes, clock),
  })
  expect(first).toMatchObject({ stopped: 'out_of_time', ended: { let_go: 4 }, left_for_next_time: 6 })
  world.advance(2 * minutes)
  expect(await world.clean()).toMatchObject({ ended: { let_go: 6 }, ...nothingHappened })
})

test('one run at a time, and its report is kept', async () => {
  const user = await world.signedIn()
  await world.alter(user.owner, retireAll)
  const reports = await Promise.all([world.clean(), world.clean()])
  const [skipped] = reports.filter(({ stopped }) => stopped === 'another_run')
  const [done] = reports.filter(({ stopped }) => stopped === undefined)
  expect(skipped).toMatchObject({ looked_at: 0, alarms: [] })
  expect(done).toMatchObject({ ended: { let_go: 1 }, ...nothingHappened })
  expect(JSON.parse((await world.table.readRun()).last_report ?? '')).toEqual(done)
})

test('two runs at once do no harm', async () => {
  const users = await many(20, () => world.signedIn())
  const live = await many(5, () => world.signedIn())
  for (const { owner } of users) await world.alter(owner, retireAll)
  const Key = { item: { S: 'run#cleanup' } }
  const leaseForgotten: typeof fetch = async (input, init) => {
    if (String(input).endsWith('/workspaces/get'))
      await world.client.send(new DeleteItemCommand({ TableName: world.tableName, Key }))
    return fetch(input, init)
  }
  const first = world.clean({}, { fetch: leaseForgotten, rate: { callsPerSecond: 200, concurrency: 2 } })
  while ((world.seam.counts['/client_sessions/delete']?.received ?? 0) === 0)
    await new Promise((resolve) => setImmediate(resolve))
  const reports = [await world.clean(), await first]
  for (const report of reports) expect(report).toMatchObject({ failed: 0, alarms: [] })
  for (const user of users) expect(world.lives(idOf(user))).toBe(false)
  for (const user of live) expect(world.lives(idOf(user))).toBe(true)
  world.advance(times.grace)
  await world.clean()
  for (const user of users) expect((await world.read(user))?.retired).toEqual([])
})

test('before anything was ever made there is nothing to do, and nothing to ask Seam', async () => {
  await world.client.send(
    new DeleteItemCommand({ TableName: world.tableName, Key: { item: { S: 'settings' } } }),
  )
  const calls = world.callsAtSeam()
  expect(await world.clean()).toMatchObject({ stopped: 'nothing_made_yet', alarms: [] })
  expect(world.callsAtSeam()).toBe(calls)
})
