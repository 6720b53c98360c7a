import { describe, expect, test } from 'vitest'
import { playHistories } from './histories.ts'
import { mistakes } from './mistakes.ts'
import { pinned } from './pinned.ts'
import { play } from './play.ts'
import { checkProgress, type Progress, progress } from './progress.ts'
import { protocol } from './protocol.ts'
import { type Invariant, invariants } from './watch.ts'

/**
 * Mistakes planted in the protocol: each breaks what it names, in a history that the right protocol passes. With
 * LONG=1 random histories must find them too, but for rare ones.
 */

const minutes = 60_000
const unsafe = Object.entries(mistakes).flatMap(([name, { breaks, plant, rare }]) =>
  breaks in invariants ? [{ name, breaks: breaks as Invariant, plant, rare }] : [],
)
const slow = Object.entries(mistakes).flatMap(([name, { breaks, plant }]) =>
  breaks in progress ? [{ name, breaks: breaks as Progress, plant }] : [],
)

describe('a history that breaks an invariant with the mistake, and none without it', () => {
  test.each(pinned())('$mistake', async ({ mistake, scenario }) => {
    const planted = unsafe.find(({ name }) => name === mistake)
    expect(planted).toBeDefined()
    const { failure } = await play(scenario, { by: planted?.plant(protocol) ?? protocol })
    expect(failure?.invariant).toBe(planted?.breaks)
    expect((await play(scenario)).failure).toBeUndefined()
  })

  test('every mistake has one', () => {
    const named = new Set(pinned().map(({ mistake }) => mistake))
    expect([...named].sort()).toEqual(unsafe.map(({ name }) => name).sort())
    expect(Object.keys(mistakes).length).toBeGreaterThanOrEqual(53)
  })
})

describe('a mistake that costs nobody their safety, only their time', () => {
  test.each(Object.entries(progress))('%s: %s', async (which) => {
    expect(await checkProgress(which as Progress)).toBeUndefined()
  })

  test.each(slow)('$name', async ({ breaks, plant }) => {
    expect(await checkProgress(breaks, plant(protocol))).toBeDefined()
  })
})

if (process.env.LONG === '1')
  describe('random histories find it too', () => {
    test.each(unsafe.filter(({ rare }) => !rare))(
      '$name',
      { timeout: 20 * minutes },
      async ({ breaks, plant }) => {
        const { broken } = await playHistories({ seed: 1, runs: 200_000 }, { by: plant(protocol), breaks })
        expect(broken?.failure.invariant).toBe(breaks)
      },
    )
  })
