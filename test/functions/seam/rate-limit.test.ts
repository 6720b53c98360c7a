import { expect, test } from 'vitest'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import { rateLimit, sideBySide } from '../../../functions/seam/rate-limit.ts'

/** A clock that only sleepers move. */
function sleepers() {
  let now = 1000
  const asleep: { at: number; wake: () => void }[] = []
  return {
    clock: () => now,
    sleep: (ms: number) => new Promise<void>((wake) => asleep.push({ at: now + ms, wake })),
    async passAll() {
      while (asleep.length > 0) {
        asleep.sort((one, other) => one.at - other.at)
        const next = asleep.shift()
        now = next?.at ?? now
        next?.wake()
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}

test('calls are spread evenly, however many ask at once', async () => {
  const time = sleepers()
  const paced = rateLimit(time, { callsPerSecond: 20, callTakes: 100 })
  const deadline = deadlineIn(10_000, time.clock)
  const calls = Promise.all(Array.from({ length: 5 }, () => paced(async () => time.clock(), deadline)))
  await time.passAll()
  expect(await calls).toEqual([1000, 1050, 1100, 1150, 1200])
})

test('a call whose turn comes too late is not made, and takes nobody’s turn', async () => {
  const time = sleepers()
  const paced = rateLimit(time, { callsPerSecond: 2, callTakes: 100 })
  const short = deadlineIn(550, time.clock)
  const made: number[] = []
  const call = async () => void made.push(time.clock())
  const asked = [
    paced(call, short),
    paced(call, short),
    paced(call, short),
    paced(call, deadlineIn(1000, time.clock)),
  ]
  const settled = Promise.allSettled(asked)
  await time.passAll()
  expect((await settled).map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'rejected',
    'fulfilled',
  ])
  await expect(asked[1]).rejects.toMatchObject({ code: 'busy' })
  expect(made).toEqual([1000, 1500])
})

test('work is done in order, no more than so many at a time', async () => {
  let atWork = 0
  let most = 0
  const begun: number[] = []
  await sideBySide([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    begun.push(item)
    most = Math.max(most, ++atWork)
    await new Promise((resolve) => setImmediate(resolve))
    atWork--
  })
  expect(begun).toEqual([1, 2, 3, 4, 5, 6, 7])
  expect(most).toBe(3)
})
