import {
  heldAccountIds,
  isRecorded,
  leaseHeld,
  type RecordedSession,
  type Session,
  sessionOf,
  type User,
  wantedAccountIds,
} from '../record/user.ts'
import { missing } from '../record/writes.ts'
import type { Reason } from './reasons.ts'
import { creationsOf, longestAgeOf, type Terms } from './terms.ts'

/**
 * What should happen to one of a user's client sessions now, and why. One pure function: vending, cleanup, webhooks
 * and operators all ask it. The law between them: whatever cleanup would end now, vending would not hand out.
 */

export type Act = 'reuse' | 'extend' | 'widen' | 'replace' | 'create' | 'retire' | 'leave'

export interface Verdict {
  act: Act
  reason: Reason
  /** The recorded token may be handed out when the act fails: it is good for a while, and nothing has to be taken away. */
  mayWait: boolean
}

export interface Question {
  /** Somebody asks for a token. */
  asked: boolean
  /** The sealed token of the record could not be opened. */
  unreadable?: boolean
  /** The client session that this request has reported dead: never handed out again. */
  dead?: string
  /** No act is possible: hand out the recorded token if it may wait. */
  settle?: boolean
}

interface Situation {
  user: User
  binding: string
  terms: Terms
  now: number
}

export function judge(user: User, binding: string, terms: Terms, now: number, question: Question): Verdict {
  const verdict = whatShouldHappen({ user, binding, terms, now }, question)
  const newKey = verdict.act === 'replace' || (verdict.act === 'create' && verdict.reason !== 'unfinished')
  if (newKey && budgetReturnsIn(user, binding, terms, now) > 0) {
    if (verdict.mayWait) return { ...verdict, act: 'reuse' }
    return { act: verdict.act === 'replace' ? 'retire' : 'leave', reason: 'rate_limited', mayWait: false }
  }
  if (question.settle && verdict.mayWait) return { ...verdict, act: 'reuse' }
  return verdict
}

function whatShouldHappen(situation: Situation, { asked, unreadable, dead }: Question): Verdict {
  const { user, binding, terms, now } = situation
  const barred = barredReason(user, now)
  const session = sessionOf(user, binding)
  if (session === undefined) {
    if (barred !== undefined) return outright('leave', barred)
    return asked ? outright('create', 'first_request') : outright('leave', 'nothing_recorded')
  }
  if (barred !== undefined) return outright('retire', barred)
  const stale = staleReason(situation, session)
  if (stale !== undefined) return outright(asked ? 'replace' : 'retire', stale)
  if (!isRecorded(session)) {
    if (asked) return outright('create', 'unfinished')
    const abandoned = !leaseHeld(session, now) && now >= session.claimed_at + terms.times.grace
    return abandoned ? outright('retire', 'abandoned') : outright('leave', 'in_progress')
  }
  if (!asked) return outright('leave', 'live')
  if (session.client_session_id === dead) return outright('replace', 'reported_dead')
  if (now >= session.expires_at) return outright('replace', 'expired')
  if (unreadable) return outright('replace', 'unreadable_token')
  return whileLive(situation, session)
}

/** A live client session that nothing has to be taken from: could it be better? */
function whileLive(situation: Situation, session: RecordedSession): Verdict {
  const { user, terms, now } = situation
  const mayWait = session.expires_at - now >= terms.times.goodForMore
  const wanted = wantedAccountIds(user, terms.times, now)
  const held = heldAccountIds(user, session)
  // Under one key access only grows, so a session that was asked for this account cannot be asked for less.
  if (missing(held, wanted).length > 0) return { act: 'replace', reason: 'account_unknown', mayWait }

  const extended = extendedExpiry(situation, session)
  if (extended - now <= terms.refreshMargin && newExpiry(user, terms, now) > extended)
    return { act: 'replace', reason: 'longest_age', mayWait }
  if (missing(wanted, held).length > 0) return { act: 'widen', reason: 'accounts_added', mayWait }
  // What the dead holder's call did is unknown; what was granted meanwhile is not in `lacks`.
  if (session.lease_until !== undefined && !leaseHeld(session, now))
    return { act: 'extend', reason: 'interrupted', mayWait }
  if (session.expires_at - now > terms.refreshMargin) return outright('reuse', 'live')
  // Ends with the access itself: another call would gain no time.
  if (extended <= session.expires_at) return outright('reuse', 'nothing_to_gain')
  return { act: 'extend', reason: 'expiring', mayWait }
}

/** Why nobody may have a token for this user. */
export function barredReason(user: User, now: number): 'disabled' | 'removed' | 'access_ended' | undefined {
  if (user.status !== 'active') return user.status
  return user.access_until !== undefined && now >= user.access_until ? 'access_ended' : undefined
}

/** Why a session must end, whoever looks. */
function staleReason({ user, binding, terms, now }: Situation, session: Session): Reason | undefined {
  const longestAge = longestAgeOf(terms, binding)
  if (longestAge === undefined) return 'other_binding'
  if (session.generation !== terms.generation) return 'other_generation'
  if (session.user_identity_id !== user.user_identity_id) return 'other_identity'
  const until = Math.max(session.asked_until, session.expires_at ?? 0)
  if (until > (user.access_until ?? Number.POSITIVE_INFINITY)) return 'access_ended'
  return isRecorded(session) && now >= session.created_at + longestAge ? 'longest_age' : undefined
}

/** Bindings whose issuer the configuration no longer has: any verdict retires their sessions. */
export function foreignBindings(user: User, terms: Terms): string[] {
  return Object.keys(user.sessions).filter((binding) => longestAgeOf(terms, binding) === undefined)
}

/** Milliseconds since the epoch: what a new client session's `expires_at` is asked to be. */
export function newExpiry(user: User, terms: Terms, now: number): number {
  return Math.min(now + terms.lifetime, user.access_until ?? Number.POSITIVE_INFINITY)
}

/** Milliseconds since the epoch: what an extension of this client session asks for; never less than it has. */
function extendedExpiry({ user, binding, terms, now }: Situation, session: RecordedSession): number {
  const oldest = session.created_at + (longestAgeOf(terms, binding) ?? 0)
  return Math.max(session.expires_at, Math.min(newExpiry(user, terms, now), oldest))
}

/** What a call for this binding asks for; under one key never less than a call before it may have asked for. */
export function expiryToAsk(user: User, binding: string, terms: Terms, now: number): number {
  const session = sessionOf(user, binding)
  if (!isRecorded(session)) return Math.max(newExpiry(user, terms, now), session?.asked_until ?? 0)
  return Math.max(extendedExpiry({ user, binding, terms, now }, session), session.asked_until)
}

/**
 * Milliseconds until a client should ask again: the start of the window in which the server extends, or the
 * end of a client session that cannot be extended.
 */
export function refreshIn(session: RecordedSession, terms: Terms, now: number, waited: boolean): number {
  const left = Math.max(0, session.expires_at - now)
  if (waited) return Math.min(left, terms.times.goodForMore / 4)
  return left > terms.refreshMargin ? left - terms.refreshMargin : left
}

/** Milliseconds until this binding may make a client session again; 0: it may now. */
export function budgetReturnsIn(user: User, binding: string, terms: Terms, now: number): number {
  const { budgetWindow } = terms.times
  const waits = (creations: number, since: number, most: number) =>
    creations < most ? 0 : Math.max(0, since + budgetWindow - now)
  const used = user.recent[binding]
  return Math.max(
    waits(user.creations, user.creations_since, terms.creations),
    used === undefined ? 0 : waits(used.creations, used.since, creationsOf(terms, binding)),
  )
}

/**
 * Which session makes room for one of another binding. Undefined: there is room, `busy`: all are in flight. One with
 * a token goes last, and the one that would expire first before the others.
 */
export function evicted(user: User, binding: string, terms: Terms, now: number): string | 'busy' | undefined {
  const others = Object.entries(user.sessions).filter(([other]) => other !== binding)
  if (others.length < terms.sessions) return undefined
  const ends = (session: Session) => session.expires_at ?? session.asked_until
  const rank = (session: Session) => (ends(session) <= now ? 0 : isRecorded(session) ? 2 : 1)
  const [first] = others
    .filter(([, session]) => !leaseHeld(session, now))
    .sort(([, one], [, other]) => rank(one) - rank(other) || ends(one) - ends(other))
  return first === undefined ? 'busy' : first[0]
}

function outright(act: Act, reason: Reason): Verdict {
  return { act, reason, mayWait: false }
}
