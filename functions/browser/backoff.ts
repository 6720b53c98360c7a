import { between } from './time.ts'
import type { ClientSessionError } from './wire.ts'

const longestDelay = 300_000 // Milliseconds.

/** When to retry after failures: later each time, never sooner than the endpoint asked for. */
export function backoffTimer(now: () => number) {
  const timer = {
    /** The last failure. */
    error: undefined as ClientSessionError | undefined,
    failures: 0,
    until: 0,
    failed(error: ClientSessionError): void {
      // Callers who fail together count as one.
      if (now() < timer.until) return
      const delay = Math.min(1000 * 2 ** timer.failures, longestDelay) * between(0.5, 1)
      timer.until = now() + Math.max(delay, error.retryAfter * 1000 * between(1, 1.25))
      timer.failures++
      timer.error = error
    },
    recovered(): void {
      timer.error = undefined
      timer.failures = timer.until = 0
    },
    /** Something has changed, so a retry makes sense, unless the endpoint asked to wait. */
    cutShort(): void {
      if (!timer.error?.retryAfter) timer.until = 0
    },
  }
  return timer
}
