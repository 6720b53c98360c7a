import { between } from './time.ts'
import type { ClientSessionError } from './wire.ts'

const longestPause = 300_000 // Milliseconds.

/** When to try again after failures: later each time, never sooner than the endpoint asked for, and not for ever. */
export function pauser(now: () => number) {
  const pause = {
    /** The last failure. */
    error: undefined as ClientSessionError | undefined,
    failures: 0,
    until: 0,
    failed(error: ClientSessionError): void {
      // Callers who fail together count as one.
      if (now() < pause.until) return
      const backoff = Math.min(1000 * 2 ** pause.failures, longestPause) * between(0.5, 1)
      pause.until = now() + Math.max(backoff, error.retryAfter * 1000 * between(1, 1.25))
      pause.failures++
      pause.error = error
    },
    recovered(): void {
      pause.error = undefined
      pause.failures = pause.until = 0
    },
    /** Things have changed, so trying makes sense, unless the endpoint asked to wait. */
    cutShort(): void {
      if (!pause.error?.retryAfter) pause.until = 0
    },
  }
  return pause
}
