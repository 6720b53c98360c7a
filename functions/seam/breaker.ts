import { type Deadline, earlier } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import type { Times } from '../times.ts'
import { SeamFailure } from './failure.ts'

/**
 * While Seam fails, its callers must not pay for it (DESIGN §3). A breaker opens after failures in a row; from then on
 * one call goes through every `times.probe` ms, until Seam answers below 500. `failures` (without an answer below 500)
 * and `silences` (without any answer) are in a row; `probeAt`: epoch ms, when the next call goes through.
 */
export const newBreaker = () => ({ failures: 0, silences: 0, probeAt: 0 })
export type Breaker = ReturnType<typeof newBreaker>

const opensAfter = { failures: 5, silences: 2 }

/** One probe in so many has the time of any call: Seam may only be slow. */
const patientProbe = 8

/** Of one process; trouble with deletes must not keep anybody from a new client session. */
export const newBreakers = () => ({
  create: newBreaker(),
  /** For deletes, and the lists that look after them. */
  end: newBreaker(),
  /** By `client_session_id`: what is being ended now, so that no session is ended twice at a time. */
  ending: new Map<string, Promise<void>>(),
})
export type Breakers = ReturnType<typeof newBreakers>

export function isOpen({ failures, silences }: Breaker): boolean {
  return failures >= opensAfter.failures || silences >= opensAfter.silences
}

/** Lets a call go on to Seam: throws while the breaker is open, unless the call is the next probe. */
export function admit(breaker: Breaker, now: number, times: Times): void {
  expectAdmission(breaker, now, times)
  if (isOpen(breaker)) breaker.probeAt = now + times.probe
}

/** Throws where `admit` would, and takes no turn. */
export function expectAdmission(breaker: Breaker, now: number, { probe }: Times): void {
  const wait = breaker.probeAt - now
  // Longer only when the clock was set back.
  if (isOpen(breaker) && wait > 0 && wait <= probe) throw unanswered(wait)
}

const reason = 'breaker_open'

/** Nobody has asked Seam. */
export const isBreakerOpen = (error: unknown) => error instanceof Problem && error.details.reason === reason

export function unanswered(wait: number): Problem {
  return new Problem('upstream_unavailable', {
    dependency: 'seam',
    reason,
    detail: 'Seam has failed several times in a row. The next request may find it well again.',
    retryAfter: wait / 1000,
  })
}

/** A probe is short: what Lambda is paid for a silent Seam is then what it is paid for the refusals in between. */
function callTime(breaker: Breaker, { seam, probeCall }: Times): number {
  return isOpen(breaker) && breaker.failures % patientProbe !== 0 ? probeCall : seam
}

/** Makes a call that was admitted, within `deadline` and `callTime`, and learns from its end. */
export async function through<T>(
  breaker: Breaker,
  { clock, terms }: { clock: () => number; terms: { times: Times } },
  deadline: Deadline,
  call: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  let status = 200
  try {
    return await call(earlier(deadline, callTime(breaker, terms.times), clock))
  } catch (error) {
    status = error instanceof SeamFailure ? error.httpStatus : Number.NaN
    throw error
  } finally {
    note(breaker, status, clock() + terms.times.probe)
  }
}

/** `status`: 0 without an answer, NaN where Seam was not asked. */
function note(breaker: Breaker, status: number, probeAt: number): void {
  if (Number.isNaN(status)) return
  if (!isOpen(breaker)) breaker.probeAt = probeAt
  breaker.failures = status === 0 || status >= 500 ? breaker.failures + 1 : 0
  breaker.silences = status === 0 ? breaker.silences + 1 : 0
}
