import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { type Reason, reasons as reasonRows } from '../../../functions/session/reasons.ts'
import type { Act } from '../../../functions/session/verdict.ts'
import { type Broken, type Histories, playHistories } from './histories.ts'
import { pinned } from './pinned.ts'
import { play } from './play.ts'
import { invariants } from './watch.ts'

/**
 * The real acts in random histories, step by step: every call to an outside world is a step, whose order and fate are
 * drawn from a seed: it may fail, happen without an answer, or happen long after everybody gave up.
 */

const minutes = 60_000

test('whatever happens in 20,000 histories, every invariant holds after every step, and everything heals', {
  timeout: 10 * minutes,
}, async () => {
  const { broken, reached, apart } = await playHistories({ seed: 1, runs: 20_000 })
  print(apart)
  expect(told(broken)).toBeUndefined()

  const times = (part: 0 | 1, name: string) =>
    Object.entries(reached).reduce(
      (sum, [verdict, n]) => sum + (verdict.split(':')[part] === name ? n : 0),
      0,
    )
  const rare = [
    ...acts.map((name) => [name, times(0, name)] as const),
    ...reasons.map((name) => [name, times(1, name)] as const),
  ].filter(([, n]) => n < 20)
  expect(rare).toEqual([])
})

if (process.env.LONG === '1')
  test('nor in a million', { timeout: 24 * 60 * minutes }, async () => {
    // Other seeds than that of every day.
    const seeds = Array.from({ length: 40 }, (_, i) => 2 + i)
    const failures: (string | undefined)[] = []
    const apart: Histories['apart'] = []
    const work = async () => {
      for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift())
        note(await inProcess(seed, 25_000))
    }
    const note = (came: Histories) => {
      failures.push(told(came.broken))
      apart.push(...came.apart)
    }
    await Promise.all([work(), work()])
    print(apart)
    expect(failures).toEqual(Array(40).fill(undefined))
  })

test('a history is the same each time it is told', async () => {
  for (const { scenario } of pinned()) {
    const { story } = await play(scenario, { told: true })
    expect((await play(scenario, { told: true })).story).toEqual(story)
  }
})

/** How to see it again. */
function told(broken: Histories['broken']): string | undefined {
  return broken && `${howToSee(broken)}\n${JSON.stringify(broken.scenario)}`
}

function howToSee({ seed, path, failure }: Broken): string {
  return `${invariants[failure.invariant]}: ${failure.detail}
To see it: node test/functions/model/tell.ts ${seed} ${path}`
}

function print(apart: Histories['apart']): void {
  if (apart.length > 0) console.log(`${apart.length} counted apart, in which a process froze for too long:`)
  for (const one of apart) console.log(`${one.why}\n${howToSee(one)}`)
}

async function inProcess(seed: number, runs: number): Promise<Histories> {
  const script = new URL('play-histories.ts', import.meta.url).pathname
  const { stdout } = await promisify(execFile)(process.execPath, [script, String(seed), String(runs)], {
    maxBuffer: 1e8,
  })
  return JSON.parse(stdout)
}

const acts: Act[] = ['reuse', 'extend', 'widen', 'replace', 'create', 'retire', 'leave']

/**
 * `other_binding` needs another configuration, which no history has. Another identity retires every session in the same
 * write, so only a record that was written by something else can show `other_identity`. Both stand in verdict.test.ts.
 */
const unseen: Reason[] = ['other_binding', 'other_identity']
const reasons = (Object.keys(reasonRows) as Reason[]).filter((name) => !unseen.includes(name))
