import { Problem } from '../http/problem.ts'
import { leaseHeld, type RecordedSession, recordedSession, sessionOf, type User } from '../record/user.ts'
import { type Attempt, newAttempt, writeRetired } from './attempt.ts'
import { type Act, busy, type SessionDeps } from './deps.ts'
import { callSeam, sealedFor } from './obtain.ts'
import { deleteReplaced } from './retire.ts'
import { budgetReturnsIn, foreignBindings, judge, refreshIn } from './verdict.ts'

/** Carries verdicts out. */

export type HandedOut = NonNullable<Awaited<ReturnType<typeof handOut>>>

export interface TokenRequest extends Act {
  binding: string
  /** The client session that the caller has reported dead. */
  dead?: string
  /** Throws what a record holds against the caller. Every record is shown to it: one may change while they wait. */
  admit?: (user: User) => void
}

/**
 * The token of one binding, as the verdict says: reused, extended, or new. Throws a `Problem`: an outage when it is
 * unavailable, or `rate_limited`. What was retired on the way is deleted once; cleanup does the rest.
 */
export async function obtainToken(deps: SessionDeps, read: User, request: TokenRequest): Promise<HandedOut> {
  const attempt = newAttempt(deps, read, request)
  const { binding, dead, trace } = attempt
  /** A sealed token that could not be opened. */
  let unreadable: string | undefined
  /** Why no further act is possible; from then on the record may only be handed out as it is. */
  let failure: Problem | undefined

  for (;;) {
    request.admit?.(attempt.user)
    const now = deps.clock()
    const foreign = foreignBindings(attempt.user, deps.terms)
    if (foreign.length > 0 && failure === undefined) {
      await writeRetired(deps, attempt, foreign)
      continue
    }
    const session = recordedSession(attempt.user, binding)
    const verdict = judge(attempt.user, binding, deps.terms, now, {
      asked: true,
      unreadable: unreadable !== undefined && unreadable === session?.sealed_token,
      dead,
      settle: attempt.recorded || failure !== undefined,
    })
    trace.verdicts.push(verdict)
    if (verdict.act === 'leave') {
      const retryAfter = budgetReturnsIn(attempt.user, binding, deps.terms, now) / 1000
      throw new Problem('rate_limited', { reason: verdict.reason, retryAfter })
    }
    if (verdict.act === 'reuse' && session !== undefined) {
      const replaced = attempt.replaced.splice(0)
      if (replaced.length > 0) {
        // What others have written meanwhile is seen before the token leaves.
        attempt.user = await deleteReplaced(deps, attempt.user, replaced, attempt)
        continue
      }
      const soon = refreshIn(session, deps.terms, now, verdict.mayWait)
      const outcome = await handOut(deps, attempt, session, soon)
      if (outcome !== undefined) return outcome
      unreadable = session.sealed_token
      continue
    }
    if (failure !== undefined) throw failure
    try {
      if (verdict.act === 'retire') await writeRetired(deps, attempt, [binding])
      else await callSeam(deps, attempt, verdict)
    } catch (error) {
      if (!(error instanceof Problem) || !verdict.mayWait) throw error
      failure = error
    }
  }
}

/** Undefined: the sealed token cannot be opened. */
async function handOut(deps: SessionDeps, attempt: Attempt, session: RecordedSession, refreshIn: number) {
  const { user, deadline, isNew } = attempt
  const token = await deps.seal.open(session.sealed_token, sealedFor(user, session), deadline)
  if (token === undefined) return undefined
  const settings = await deps.workspace.settings(deadline)
  return { session, token, refreshIn, settings, isNew }
}

/** Live client sessions of the user that lack an account; those of an act in flight get it from its commit. */
function lacking(deps: SessionDeps, user: User): string[] {
  const now = deps.clock()
  return Object.keys(user.sessions).filter(
    (binding) =>
      !leaseHeld(sessionOf(user, binding), now) &&
      judge(user, binding, deps.terms, now, { asked: true }).act === 'widen',
  )
}

/**
 * Widens every live client session of the user, as far as the deadline allows; the rest at their next vend. No token
 * is opened. `failure`: why some are left.
 */
export async function widenSessions(deps: SessionDeps, read: User, act: Act) {
  let user = read
  for (const binding of lacking(deps, user)) {
    const attempt = newAttempt(deps, user, { ...act, binding })
    try {
      await widen(deps, attempt)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      return { user: attempt.user, failure: error }
    }
    user = attempt.user
  }
  return { user, failure: lacking(deps, user).length > 0 ? busy('not_widened') : undefined }
}

async function widen(deps: SessionDeps, attempt: Attempt): Promise<void> {
  for (;;) {
    const now = deps.clock()
    const { user, binding } = attempt
    const verdict = judge(user, binding, deps.terms, now, { asked: true, settle: attempt.recorded })
    if (verdict.act !== 'widen') return
    attempt.trace.verdicts.push(verdict)
    if (leaseHeld(sessionOf(user, binding), now)) return
    await callSeam(deps, attempt, verdict)
  }
}
