import { recordedSession, type User } from '../record/user.ts'
import { isInferredReason, type Reason, reasons } from '../session/reasons.ts'

/**
 * Law 5: cleanup ends nothing that is merely inferred while clocks disagree, nor too much of it at once. PURE. What acts
 * have retired is never held back, so it is not asked about here.
 */

export type Fuse = 'clocks_apart' | 'too_many'

/** Inferred deletions that a run may make, as a number and as a share of the records it has looked at. */
const most = { number: 20, share: 1 / 10 }

/** A client session that the verdict would end. */
export interface Stale {
  owner: string
  binding: string
  /** Epoch ms: due since then. */
  since: number
  reason: Reason
  inferred: boolean
}

/**
 * Whether ending it would take something from somebody, on no more than what we infer. A client session that has
 * expired opens no doors: ending it harms nobody, and a busy deployment ends many in every run, so these do not
 * count. Nor does what somebody decided.
 */
export function isInferred(user: User, binding: string, reason: Reason, now: number): boolean {
  return isInferredReason(reason) && (recordedSession(user, binding)?.expires_at ?? 0) > now
}

export function tooMany(inferred: number, lookedAt: number): boolean {
  return inferred > Math.max(most.number, lookedAt * most.share)
}

/**
 * While clocks disagree nothing is believed that a clock says, not even that a client session has expired; Seam
 * ends those at their `expires_at` by itself. Decisions stand in the record, and need no clock.
 */
export function holdsBack(fuse: Fuse | undefined, { reason, inferred }: Stale): boolean {
  if (fuse === 'clocks_apart') return !isDecided(reason)
  return fuse === 'too_many' && inferred
}

/** An end date of access is a decision too, but only a clock says that it has come. */
function isDecided(reason: Reason): boolean {
  return 'bars' in reasons[reason] && reason !== 'access_ended'
}

/**
 * Milliseconds by which Seam's clock is certainly off ours, which read `before` and `after` the call. HTTP's `Date`
 * has no fractions of a second; without one nothing is certain, and they count as far apart.
 */
export function timeBetween(answeredAt: number | undefined, before: number, after: number): number {
  if (answeredAt === undefined) return Number.POSITIVE_INFINITY
  return Math.max(0, before - (answeredAt + 999), answeredAt - after)
}
