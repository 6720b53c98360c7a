import { describe, expect, test } from 'vitest'
import { type RetryDelay, retryDelay } from '../../../functions/session/retry-delay.ts'
import { times } from '../../../functions/times.ts'

/** When somebody who comes `since` ms after the claim looks, in ms after the claim, until the commit is there. */
function looks(
  waiting: RetryDelay,
  { commit, since = 0, chance = 0 }: Record<string, number> & { commit: number },
) {
  const at: number[] = []
  let now = since
  let waited: number | undefined
  while (now < commit) {
    now += waiting.untilNextLook({ since, waited, chance })
    waited = now - since
    at.push(now)
  }
  return at
}

const learned = (took: number) => {
  const waiting = retryDelay(times)
  for (let i = 0; i < 30; i++) waiting.learn(took)
  return waiting
}

describe('who waits for the winner', () => {
  test('looks once when Seam takes its usual 100 ms, whenever they came', () => {
    for (const since of [0, 10, 60, 90])
      expect(looks(retryDelay(times), { commit: 110, since })).toHaveLength(1)
  })

  test('is answered within 60 ms of the commit, wherever in the jitter they are', () => {
    for (const chance of [0, 0.5, 1])
      for (const since of [0, 50, 100])
        expect(looks(retryDelay(times), { commit: 110, since, chance }).at(-1)).toBeLessThan(170)
  })

  test('learns that Seam is slower or quicker', () => {
    expect(looks(learned(600), { commit: 590 })).toHaveLength(1)
    expect(looks(learned(20), { commit: 19 }).at(-1)).toBeLessThan(30)
    expect(looks(retryDelay(times), { commit: 590 }).length).toBeGreaterThan(3)
  })

  test('looks a few times, not many, while a call takes as long as it may', () => {
    expect(looks(retryDelay(times), { commit: times.waiting }).length).toBeLessThan(15)
  })

  test('does not believe a clock that is minutes off, nor learns from it', () => {
    const waiting = learned(-60_000)
    expect(waiting.untilNextLook({ since: 0, waited: 0, chance: 0 })).toBeGreaterThan(4)
    expect(retryDelay(times).untilNextLook({ since: -60_000, waited: undefined, chance: 1 })).toBeLessThan(
      200,
    )
    expect(retryDelay(times).untilNextLook({ since: 60_000, waited: undefined, chance: 1 })).toBeLessThan(200)
  })
})
