import { vi } from 'vitest'

const { setTimeout: realTimeout, fetch: realFetch } = globalThis

/** Of requests that the page has sent: those begun, and those that are still on their way. */
const traffic = { begun: 0, underWay: 0 }
/** Requests that an endpoint keeps waiting on purpose. */
export const waiting = { count: 0 }

/** The page's time stands still but for `pass`; the network's goes on. */
export function stopTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  waiting.count = traffic.underWay = 0
  globalThis.fetch = (...request) => {
    traffic.begun++
    traffic.underWay++
    return realFetch(...request).finally(() => {
      traffic.underWay--
    })
  }
}

export function resumeTime(): void {
  vi.useRealTimers()
  globalThis.fetch = realFetch
}

/**
 * Lets the page's time pass; at each step it stands still until all answers are there, so a step has to be shorter than
 * any time that the page gives an answer.
 */
export async function pass(ms: number, step = 5_000): Promise<void> {
  for (let left = ms; left > 0; left -= step) {
    const { begun } = traffic
    await vi.advanceTimersByTimeAsync(Math.min(step, left))
    if (traffic.begun > begun) await answers()
  }
}

/** Lets the page's time pass until the work is done. */
export async function passing<T>(work: Promise<T>): Promise<T> {
  let done = false
  const noted = work.finally(() => {
    done = true
  })
  noted.catch(() => {})
  await answers()
  while (!done) {
    await vi.advanceTimersByTimeAsync(100)
    await answers()
  }
  return noted
}

async function answers(): Promise<void> {
  do await breath()
  while (traffic.underWay > waiting.count)
  await breath()
}

/** Waits for the network alone. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await breath()
}

/** A device that slept: its clock went on, its timers and `performance` stood still. */
export function sleepDevice(ms: number): void {
  vi.setSystemTime(Date.now() + ms)
}

export function breath(): Promise<void> {
  return new Promise((resolve) => realTimeout(resolve, 1))
}
