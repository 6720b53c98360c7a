import { describe, expect, test } from 'vitest'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import { Problem } from '../../../functions/http/problem.ts'
import { admit, isOpen, newBreaker, through } from '../../../functions/seam/breaker.ts'
import { SeamFailure } from '../../../functions/seam/failure.ts'
import { times } from '../../../functions/times.ts'

let now = 0
const clock = () => now
const deps = { clock, terms: { times } }
const never = { left: () => Number.POSITIVE_INFINITY }
const calls = (...ends: (number | 'secret')[]) => {
  const breaker = newBreaker()
  return ends
    .reduce(async (before, status) => {
      await before
      const end = through(breaker, deps, never, async () => {
        if (status === 200) return
        if (status === 'secret') throw new Problem('upstream_unavailable', { dependency: 'secrets' })
        throw new SeamFailure('upstream_unavailable', 'call', { status, reason: 'test' })
      })
      await end.catch(() => undefined)
    }, Promise.resolve())
    .then(() => breaker)
}
const silent = 0

describe('opens', () => {
  test.each([
    [[silent], false],
    [[silent, silent], true],
    [[silent, 200, silent], false],
    [[silent, 429, silent], false],
    [[silent, 'secret', silent], true],
    [[503, 503, 503, 503], false],
    [[503, 503, 503, 503, 500], true],
    [[503, 503, 404, 503, 503, 503], false],
    [[503, silent, 503, silent], false],
    [[503, silent, 503, silent, 503], true],
    [[silent, silent, 400], false],
    [[503, 503, 503, 503, 500, 200], false],
  ] as const)('%j: %s', async (ends, open) => {
    expect(isOpen(await calls(...ends))).toBe(open)
  })
})

test('while open it lets one call through every two seconds, from the start of the one before', async () => {
  now = 1_000_000
  const breaker = await calls(silent, silent)
  const passed: number[] = []
  for (const end = now + 60_000; now < end; now += 100)
    try {
      admit(breaker, now, times)
      passed.push(now)
    } catch (error) {
      expect(error).toMatchObject({ code: 'upstream_unavailable', status: 503 })
      expect((error as Problem).details.retryAfter).toBeLessThanOrEqual(2)
    }
  expect(passed).toHaveLength(29)
  expect(passed.map((at, i) => at - (passed[i - 1] ?? 1_000_000))).toEqual(passed.map(() => 2000))
})

test('a probe is short, and every eighth call has its full time', async () => {
  const breaker = newBreaker()
  const given: number[] = []
  for (let i = 0; i < 18; i++) {
    const late = new SeamFailure('upstream_timeout', 'call', { reason: 'test' })
    const call = (deadline: { left(): number }) => {
      given.push(deadline.left())
      return Promise.reject(late)
    }
    await expect(through(breaker, deps, never, call)).rejects.toBe(late)
  }
  const { seam, probeCall } = times
  const short = (calls: number) => Array.from({ length: calls }, () => probeCall)
  expect(given).toEqual([seam, seam, ...short(6), seam, ...short(7), seam, probeCall])
  await through(breaker, deps, never, async () => undefined)
  await through(breaker, deps, never, async (deadline) => expect(deadline.left()).toBe(seam))
  await through(breaker, deps, deadlineIn(7, clock), async (deadline) => expect(deadline.left()).toBe(7))
})

test('a failed probe does not put the next one off', async () => {
  now = 1_000_000
  const breaker = await calls(silent, silent)
  now += times.probe
  admit(breaker, now, times)
  now += times.probe
  const late = new SeamFailure('upstream_timeout', 'call', { reason: 'test' })
  await expect(through(breaker, deps, never, () => Promise.reject(late))).rejects.toBe(late)
  expect(() => admit(breaker, now, times)).not.toThrow()
})

test('a clock that is set back does not keep it shut for longer', async () => {
  now = 1_000_000
  const breaker = await calls(silent, silent)
  now -= 600_000
  expect(() => admit(breaker, now, times)).not.toThrow()
})
