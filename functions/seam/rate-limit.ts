import type { Deadline } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'

/**
 * Spreads calls evenly, at most `callsPerSecond`: a background run must not use up the rate that requests need.
 * Throws `busy` when a call's turn comes too late for it to end before the deadline.
 */
export function rateLimit(
  { clock, sleep }: { clock: () => number; sleep: (ms: number) => Promise<void> },
  { callsPerSecond, callTakes }: { callsPerSecond: number; callTakes: number },
) {
  const apart = 1000 / callsPerSecond
  let nextTurn = 0

  return async function paced<T>(call: () => Promise<T>, deadline: Deadline): Promise<T> {
    const now = clock()
    const wait = Math.max(0, nextTurn - now)
    if (wait + callTakes > deadline.left()) throw new Problem('busy', { reason: 'no_time_to_call' })
    nextTurn = now + wait + apart
    if (wait > 0) await sleep(wait)
    return call()
  }
}

/** At most `width` at a time, in their order. `work` must not throw: one failure is no reason to leave the rest. */
export async function sideBySide<T>(
  items: Iterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]()
  const worker = async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: width }, worker))
}

const width = 16

/** Some at a time; their results in the order of the items. The first failure is thrown when all have ended (law 11). */
export async function gather<T, R>(items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const failures: unknown[] = []
  await sideBySide(items.entries(), width, async ([index, item]) => {
    if (failures.length > 0) return
    try {
      results[index] = await work(item)
    } catch (error) {
      failures.push(error)
    }
  })
  if (failures.length > 0) throw failures[0]
  return results
}
