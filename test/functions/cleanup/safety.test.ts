import { afterEach, beforeEach, expect, test } from 'vitest'
import { retireAll } from '../../../functions/record/writes.ts'
import { times } from '../../../functions/times.ts'
import { startSeam } from '../../../infra/local/seam/workspace.ts'
import { withShared } from '../keeper.ts'
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

const hours = 60 * minutes

test('under the API key of another workspace nothing is deleted or forgotten', async () => {
  const confirmed = await world.signedIn()
  const unconfirmed = await world.signedIn()
  await world.alter(confirmed.owner, retireAll)
  await world.clean()
  world.advance(times.grace)
  await world.alter(unconfirmed.owner, retireAll)
  const before = await Promise.all([confirmed, unconfirmed].map(world.read))

  const other = await startSeam({ clock: world.clock })
  try {
    const report = await world.clean({ overrideFuse: true }, { seam: other })
    expect(report).toMatchObject({ stopped: 'other_workspace', alarms: ['other_workspace'], ended: {} })
    expect(Object.keys(other.counts)).toEqual(['/workspaces/get'])
  } finally {
    await other.close()
  }
  expect(await Promise.all([confirmed, unconfirmed].map(world.read))).toEqual(before)
  expect(world.lives(idOf(unconfirmed))).toBe(true)
})

test('a clock that jumps ends no client session that lives, and forgets nothing', async () => {
  const live = await many(3, () => world.signedIn())
  const gone = await world.signedIn()
  await world.alter(gone.owner, retireAll)
  const jumped = () => world.clock() + 13 * hours

  const report = await world.clean({}, { clock: jumped })
  expect(report).toMatchObject({
    fuse: 'clocks_apart',
    alarms: ['fuse'],
    ended: { let_go: 1 },
    settled: 0,
    held_back: 3,
  })
  expect(report.oldest_backlog).toBeGreaterThan(0)
  expect(world.lives(idOf(gone))).toBe(false)
  expect((await world.read(gone))?.retired).toHaveLength(1)
  for (const user of live) expect(world.lives(idOf(user))).toBe(true)
})

test('the fuse holds back a live client session, and not what its record has retired beside it', async () => {
  const live = await world.signedIn()
  const key = `${world.settings.key_prefix}_${live.owner}_before`
  const client_session_id = await world.atSeam(key)
  const before = entry(key, world.clock(), { client_session_id })
  await world.record({ ...aged(live, world.clock() - longestAge), retired: [before] })
  const report = await world.clean({}, { clock: () => world.clock() + 40_000 })
  expect(report).toMatchObject({ fuse: 'clocks_apart', ended: { let_go: 1 }, held_back: 1 })
  expect(world.lives(client_session_id)).toBe(false)
  expect(world.lives(idOf(live))).toBe(true)
  expect(idOf(await world.read(live))).toBe(idOf(live))
})

test('a clock that jumps while a run is at work is noticed before anything is inferred', async () => {
  const live = await world.signedIn()
  const gone = await world.signedIn()
  await world.alter(gone.owner, retireAll)
  let jump = 0
  const jumping: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init)
    if (String(input).endsWith('/delete')) jump = 40_000
    return answer
  }
  const clock = () => world.clock() + jump
  // Due by our clock alone: its record was written by somebody whose clock was right.
  await world.record(aged(live, world.clock() - longestAge))
  const report = await world.clean({}, { clock, fetch: jumping })
  expect(report).toMatchObject({ fuse: 'clocks_apart', ended: { let_go: 1 }, held_back: 1 })
  expect(world.lives(idOf(live))).toBe(true)
})

test('clocks that disagree by less, and a fuse overridden on purpose, let it work', async () => {
  const live = await world.signedIn()
  await world.record(aged(live, world.clock() - longestAge))
  const ahead = (ms: number) => ({ clock: () => world.clock() + ms })
  expect(await world.clean({ dryRun: true }, ahead(32_000))).toMatchObject({ held_back: 1 })
  expect(await world.clean({ dryRun: true, overrideFuse: true }, ahead(32_000))).toMatchObject({
    ended: { longest_age: 1 },
    held_back: 0,
    alarms: [],
  })
  expect(await world.clean({}, ahead(28_000))).toMatchObject({ ended: { longest_age: 1 }, alarms: [] })
  expect(world.lives(idOf(live))).toBe(false)
})

test('of live client sessions no more than twenty, or a tenth, are ended on inference alone', async () => {
  const live = await many(21, () => world.signedIn())
  const gone = await world.signedIn()
  await world.alter(gone.owner, retireAll)
  const expired = await world.signedIn()
  await world.record(withShared(expired, { expires_at: world.clock() - 1 }))
  const next = { terms: { generation: 2 } }

  const held = await world.clean({ allUsers: true }, next)
  expect(held).toMatchObject({
    looked_at: 23,
    fuse: 'too_many',
    alarms: ['fuse'],
    held_back: 21,
    ended: { let_go: 1, other_generation: 1 },
  })
  for (const user of live) expect(world.lives(idOf(user))).toBe(true)
  expect(world.lives(idOf(expired))).toBe(false)

  const overridden = await world.clean({ allUsers: true, overrideFuse: true }, next)
  expect(overridden).toMatchObject({ ended: { other_generation: 21 }, ...nothingHappened })
  for (const user of live) expect(world.lives(idOf(user))).toBe(false)
})

test('twenty are ended without asking', async () => {
  const live = await many(20, () => world.signedIn())
  const report = await world.clean({ allUsers: true }, { terms: { generation: 2 } })
  expect(report).toMatchObject({ ended: { other_generation: live.length }, ...nothingHappened })
  expect(report.fuse).toBeUndefined()
})

test('a dry run tells what a run would do, and changes nothing', async () => {
  const aged = await world.signedIn()
  world.advance(12 * hours)
  const gone = await world.signedIn()
  await world.alter(gone.owner, retireAll)
  const writes = () => world.dynamoDb.counts.PutItem?.received
  const before = { writes: writes(), calls: world.callsAtSeam() }

  expect(await world.clean({ dryRun: true })).toMatchObject({
    dry_run: true,
    looked_at: 2,
    ended: { let_go: 1, longest_age: 1 },
    ...nothingHappened,
  })
  expect(writes()).toBe(before.writes)
  expect(world.dynamoDb.counts.UpdateItem).toBeUndefined()
  expect(world.callsAtSeam()).toBe(before.calls + world.callsAtSeam('/workspaces/get') - 1)
  expect(world.lives(idOf(gone))).toBe(true)
  expect((await world.table.readRun()).last_report).toBeUndefined()
  expect(await world.read(aged)).toEqual(aged)
})

test('over all users it finds what the index does not lead to', async () => {
  const live = await world.signedIn()
  expect(await world.clean({}, { terms: { generation: 2 } })).toMatchObject({ looked_at: 0 })
  const report = await world.clean({ allUsers: true }, { terms: { generation: 2 } })
  expect(report).toMatchObject({ all_users: true, looked_at: 1, ended: { other_generation: 1 } })
  expect(world.lives(idOf(live))).toBe(false)
})
