/** Milliseconds since some moment, never backwards, whatever time the device thinks it is. */
export function stopwatch(): () => number {
  let ticks = performance.now()
  let clock = Date.now()
  let passed = 0
  return () => {
    const more = performance.now() - ticks
    const shown = Date.now() - clock
    ticks += more
    clock += shown
    // Some devices stop `performance` while they sleep. A clock that was set forward looks the same, and only makes
    // for an early request; one that was set back counts for nothing.
    passed += shown > more + 1000 ? shown : more
    return passed
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('timeout')), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** So that pages which failed together do not come back together. */
export function between(least: number, most: number): number {
  return least + Math.random() * (most - least)
}
