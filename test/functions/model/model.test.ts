import { expect, test } from 'vitest'
import type { Act, Reason } from '../../../functions/verdict.ts'
import { play } from './play.ts'
import { recorded, recordRuns, sampleSize } from './record.ts'
import { runSeeds } from './runs.ts'
import { drawScenario } from './scenario.ts'
import { invariants } from './watch.ts'

/**
 * The real acts in random histories, step by step: every call to an outside world is a step, in an order drawn from a
 * seed, and may fail, happen without an answer, or happen long after everybody gave up. To see one again:
 * `node test/functions/model/tell.ts SEED`.
 */

const minutes = 60_000

test('whatever happens in 20,000 histories, every invariant holds after every step, and everything heals', {
  timeout: 10 * minutes,
}, async () => {
  const { failures, reached } = await runSeeds(1, 20_000)
  expect(
    failures.slice(0, 5).map((one) => `seed ${one.seed}: ${invariants[one.invariant]}: ${one.detail}`),
  ).toEqual([])

  const times = (part: 0 | 1, name: string) =>
    Object.entries(reached).reduce(
      (sum, [verdict, n]) => sum + (verdict.split(':')[part] === name ? n : 0),
      0,
    )
  const rare = [
    ...acts.map((name) => [name, times(0, name)] as const),
    ...reasons.map((name) => [name, times(1, name)] as const),
  ].filter(([, n]) => n < 100)
  expect(rare).toEqual([])
})

test('what was recorded last is what happens now: 200 of its seeds give the same digest', {
  timeout: 2 * minutes,
}, async () => {
  const last = recorded().at(-1)
  if (last === undefined) throw new Error(recordAgain)
  const { failures, digest } = await runSeeds(
    last.from,
    sampleSize,
    Math.max(1, Math.floor(last.runs / sampleSize)),
  )
  expect(failures).toEqual([])
  expect(digest, recordAgain).toBe(last.sample)
})

test('a million histories of one state of the code are recorded without a failure, and none of the last has failed', () => {
  const unbroken = new Map<string, number>()
  for (const { code, runs, failures } of recorded())
    unbroken.set(code, failures.length > 0 ? Number.NaN : (unbroken.get(code) ?? 0) + runs)
  expect([...unbroken.values()].some((runs) => runs >= 1_000_000)).toBe(true)
  expect(recorded().at(-1)?.failures).toEqual([])
})

const recordAgain =
  'test/model-runs.ndjson is of other code. Run it again: MODEL_RUNS=1000000 npm test -- test/functions/model/model.test.ts (25000 will do while you work).'

// Half an hour on two cores; it goes on where it was interrupted.
const longRun = Number(process.env.MODEL_RUNS ?? 0)
if (longRun > 0)
  test(`no history of ${longRun} breaks an invariant`, { timeout: 24 * 60 * minutes }, async () => {
    expect(await recordRuns(longRun)).toEqual([])
  })

test('a history is the same each time it is told', async () => {
  const first = await play(drawScenario(7))
  const second = await play(drawScenario(7))
  const retold = await play(first.retold())
  expect(second.digest).toBe(first.digest)
  expect((await play(drawScenario(8))).digest).not.toBe(first.digest)
  expect(retold.failure).toBeUndefined()
})

const acts: Act[] = ['reuse', 'extend', 'widen', 'replace', 'create', 'end', 'leave']

/**
 * All but `accounts_narrowed`: whatever narrows the accounts of a record lets go of its client session in the same
 * write, so no record that this code has written has one; the verdict looks all the same.
 */
const reasons: Exclude<Reason, 'accounts_narrowed'>[] = [
  'nothing_recorded',
  'first_request',
  'unfinished',
  'in_progress',
  'abandoned',
  'live',
  'nothing_to_gain',
  'expiring',
  'accounts_added',
  'account_unknown',
  'expired',
  'longest_age',
  'other_generation',
  'unreadable_token',
  'disabled',
  'removed',
  'access_ended',
  'rate_limited',
]
