import type { Configuration } from './config.ts'
import { refreshMarginOf, type Times } from './times.ts'
import { leaseHeld, type RecordedSession, recordedSession, type User, wantedAccountIds } from './user.ts'

/**
 * What should happen to a user's client session now, and why. One pure function: vending, cleaning up, webhooks
 * and operators all ask it. The law between them: whatever cleaning up would end now, vending would not hand out.
 */

export type Act = 'reuse' | 'extend' | 'widen' | 'replace' | 'create' | 'end' | 'leave'

export type Reason =
  /** Nothing recorded, and nobody may or does ask. */
  | 'nothing_recorded'
  | 'first_request'
  /** A key was recorded and no client session under it: its maker is at work, or gone. */
  | 'unfinished'
  | 'in_progress'
  | 'abandoned'
  | 'live'
  | 'nothing_to_gain'
  | 'expiring'
  | 'accounts_added'
  | 'accounts_narrowed'
  | 'account_unknown'
  | 'expired'
  | 'longest_age'
  | 'other_generation'
  | 'unreadable_token'
  | 'disabled'
  | 'removed'
  | 'access_ended'
  | 'rate_limited'

export interface Verdict {
  act: Act
  reason: Reason
  /** The recorded token may be handed out when the act cannot be had: it is good for a while, and nothing has to be taken away. */
  mayWait: boolean
}

export interface Terms {
  /** Of a client session, ms. */
  lifetime: number
  /** Before `expires_at`, ms: from then on a client session is extended. */
  refreshMargin: number
  /** After this, ms, a client session is replaced instead of extended. */
  longestAge: number
  generation: number
  /** New client sessions per user and budget window. */
  creations: number
  times: Times
}

/** The terms of client sessions that a configuration and its times lead to. */
export function termsOf({ clientSession, generation, limits }: Configuration, times: Times): Terms {
  const lifetime = clientSession.lifetimeSeconds * 1000
  return {
    lifetime,
    refreshMargin: refreshMarginOf(lifetime, times),
    longestAge: clientSession.longestAgeSeconds * 1000,
    generation,
    creations: limits.creationsPerHour,
    times,
  }
}

export interface Question {
  /** Somebody asks for a token. */
  asked: boolean
  /** The sealed token of the record could not be opened. */
  unreadable?: boolean
  /** No act can be had: hand out the recorded token if it may wait. */
  settle?: boolean
}

export function judge(user: User, terms: Terms, now: number, question: Question): Verdict {
  const verdict = whatShouldHappen(user, terms, now, question)
  const newKey = verdict.act === 'replace' || (verdict.act === 'create' && verdict.reason !== 'unfinished')
  if (newKey && !mayCreate(user, terms, now)) {
    if (verdict.mayWait) return { ...verdict, act: 'reuse' }
    return { act: verdict.act === 'replace' ? 'end' : 'leave', reason: 'rate_limited', mayWait: false }
  }
  if (question.settle && verdict.mayWait) return { ...verdict, act: 'reuse' }
  return verdict
}

function whatShouldHappen(user: User, terms: Terms, now: number, question: Question): Verdict {
  const { asked, unreadable } = question
  const barred = barredReason(user, now)
  if (user.user_identifier_key === undefined) {
    if (barred !== undefined) return outright('leave', barred)
    return asked ? outright('create', 'first_request') : outright('leave', 'nothing_recorded')
  }
  if (barred !== undefined) return outright('end', barred)
  if (user.generation !== terms.generation) return outright(asked ? 'replace' : 'end', 'other_generation')

  const session = recordedSession(user)
  if (session === undefined) {
    if (asked) return outright('create', 'unfinished')
    return leaseHeld(user, now) ? outright('leave', 'in_progress') : outright('end', 'abandoned')
  }
  const stale = staleReason(user, session, terms, now)
  if (stale !== undefined) return outright(asked ? 'replace' : 'end', stale)
  if (!asked) return outright('leave', 'live')
  if (now >= session.expires_at) return outright('replace', 'expired')
  if (unreadable) return outright('replace', 'unreadable_token')
  return whileLive(user, session, terms, now)
}

/** A live client session that nothing has to be taken from: could it be better? */
function whileLive(user: User, session: RecordedSession, terms: Terms, now: number): Verdict {
  const mayWait = session.expires_at - now >= terms.times.goodForMore
  const wanted = wantedAccountIds(user, terms.times, now)
  if (!within(session.account_ids, wanted)) return { act: 'replace', reason: 'account_unknown', mayWait }

  const extended = extendedExpiry(user, session, terms, now)
  const renewed = newExpiry(user, terms, now)
  if (extended - now <= terms.refreshMargin && renewed > extended)
    return { act: 'replace', reason: 'longest_age', mayWait }
  if (!within(wanted, session.account_ids)) return { act: 'widen', reason: 'accounts_added', mayWait }
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

/** Why a recorded client session must end, whoever looks. Sets are compared: a version cannot tell widened from narrowed. */
function staleReason(user: User, session: RecordedSession, terms: Terms, now: number): Reason | undefined {
  if (!within(session.account_ids, user.connected_account_ids)) return 'accounts_narrowed'
  if (session.expires_at > (user.access_until ?? Number.POSITIVE_INFINITY)) return 'access_ended'
  return now >= session.created_at + terms.longestAge ? 'longest_age' : undefined
}

/** Milliseconds since the epoch: what a new client session's `expires_at` is asked to be. */
export function newExpiry(user: User, terms: Terms, now: number): number {
  return Math.min(now + terms.lifetime, user.access_until ?? Number.POSITIVE_INFINITY)
}

/** Milliseconds since the epoch: what an extension of this client session asks for; never less than it has. */
export function extendedExpiry(user: User, session: RecordedSession, terms: Terms, now: number): number {
  return Math.max(
    session.expires_at,
    Math.min(newExpiry(user, terms, now), session.created_at + terms.longestAge),
  )
}

/**
 * Milliseconds until a client should ask again: the start of the window in which the server extends, or the
 * end of a client session that cannot be extended.
 */
export function refreshIn(user: User, terms: Terms, now: number, waited: boolean): number {
  const { expires_at = now } = recordedSession(user) ?? {}
  const left = Math.max(0, expires_at - now)
  if (waited) return Math.min(left, terms.times.goodForMore / 4)
  return left > terms.refreshMargin ? left - terms.refreshMargin : left
}

/** Milliseconds until the budget of creations is whole again. */
export function budgetReturnsIn(user: User, terms: Terms, now: number): number {
  return Math.max(0, user.creations_since + terms.times.budgetWindow - now)
}

function mayCreate(user: User, terms: Terms, now: number): boolean {
  return user.creations < terms.creations || budgetReturnsIn(user, terms, now) === 0
}

function within(some: string[], all: string[]): boolean {
  const set = new Set(all)
  return some.every((id) => set.has(id))
}

function outright(act: Act, reason: Reason): Verdict {
  return { act, reason, mayWait: false }
}
