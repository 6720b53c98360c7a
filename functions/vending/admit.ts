import type { Caller } from '../caller/caller.ts'
import { subjectNamespace } from '../caller/owner.ts'
import type { Configuration } from '../config.ts'
import type { Audit } from '../http/audit.ts'
import type { Deadline } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import { newUser, type User } from '../record/user.ts'
import { barredReason } from '../session/verdict.ts'
import type { Table } from '../table/table.ts'
import { budgetWindowAt, type Times } from '../times.ts'

/** Whether a verified caller is let in, by their record or, without one, by the configuration. */

export interface AdmitDeps {
  table: Pick<Table, 'readUser' | 'takeFromBudget'>
  clock: () => number
  configuration: Configuration
  terms: { times: Times }
}

/** What a verified caller asks for. */
export interface CallerRequest {
  caller: Caller
  deadline: Deadline
  audit: Audit
}

/** In a minute (a sixtieth of the window), of one newcomer: at once from several tabs, or again after an outage. */
const mostTries = 3

/**
 * The record of a caller who wants something. Without a `revision` it is new and has yet to be written. Throws the refusal
 * otherwise; that the sign-in is too old or too weak comes last, so that nobody signs in once more for nothing.
 * `beforeBudget` may throw, too: what would fail anyway must not use up what newcomers may have.
 */
export async function admitCaller(deps: AdmitDeps, caller: Caller, beforeBudget?: () => void): Promise<User> {
  const user = (await deps.table.readUser(caller.owner)) ?? (await provision(deps, caller, beforeBudget))
  checkCaller(deps, user, caller)
  checkSignIn(caller)
  return user
}

/** A record for a subject that has none, where the configuration says so. */
async function provision(deps: AdmitDeps, caller: Caller, beforeBudget?: () => void): Promise<User> {
  const { table, clock, configuration } = deps
  const { issuer, owner, subject } = caller
  const unknownSubjects = issuer.unknownSubjects ?? configuration.unknownSubjects
  if (unknownSubjects === 'reject') throw new Problem('not_provisioned', { subject })
  checkSignIn(caller)
  beforeBudget?.()
  const { times } = deps.terms
  const now = clock()
  const { number, retryAfter, expires } = budgetWindowAt(now, times)
  // Their own first: nobody uses up everybody's by asking many times before their record is written.
  const minute = Math.floor((now * 60) / times.budgetWindow)
  if (!(await table.takeFromBudget(`${minute}#${owner}`, mostTries, expires))) {
    const user = await table.readUser(owner)
    if (user === undefined) throw new Problem('busy', { reason: 'newcomer', retryAfter: 1 })
    return user
  }
  if (!(await table.takeFromBudget(String(number), configuration.limits.newUsersPerHour, expires)))
    throw new Problem('rate_limited', { reason: 'new_users', retryAfter })
  return newUser(caller, clock())
}

function checkSignIn({ step_up }: Caller): void {
  if (step_up !== undefined) throw new Problem('insufficient_user_authentication', { stepUp: step_up })
}

/** Throws what the record holds against this caller. Status is answered before the age of the token. */
export function checkCaller(
  { configuration, clock }: Pick<AdmitDeps, 'configuration' | 'clock'>,
  user: User,
  caller: Caller,
): void {
  checkRecord(configuration, user, caller)
  if (barredReason(user, clock()) !== undefined)
    throw new Problem('subject_disabled', { subject: caller.subject })
  checkToken(user, caller, clock())
}

/** Whether this is the caller's record at all. */
export function checkRecord(configuration: Configuration, user: User, caller: Caller): void {
  // A hash that two subjects share, or a record that was moved: neither may open the other's doors.
  if (user.subject !== caller.subject) throw new Problem('internal', { reason: 'record_of_another_subject' })
  // A renamed or reused issuer name must not hand over users: who made the record must share the namespace.
  if (!isMadeByNamespace(configuration, user, caller))
    throw new Problem('not_provisioned', { subject: caller.subject, reason: 'record_of_another_issuer' })
}

export function isMadeByNamespace({ issuers }: Configuration, user: User, caller: Caller): boolean {
  const namespace = subjectNamespace(caller.issuer)
  return issuers.some((one) => one.issuer === user.iss && subjectNamespace(one) === namespace)
}

export function checkToken(user: User, caller: Caller, now: number): void {
  const fault = tokenFault(user, caller)
  if (fault === undefined) return
  if (fault !== 'just_signed_out') throw new Problem('invalid_token', { reason: fault })
  // A sign-in right now would give another token of this margin.
  const waits = (user.not_before ?? 0) + toleranceOf(caller) - now
  throw new Problem('invalid_token', { reason: fault, action: 'retry', retryAfter: waits / 1000 })
}

/** What the record holds against this bearer token. */
export function tokenFault(user: User, caller: Caller) {
  if (Object.hasOwn(user.ended, caller.binding)) return 'login_ended'
  const { not_before } = user
  if (not_before === undefined) return undefined
  const { issued_at } = caller
  if (issued_at === undefined || issued_at < not_before) return 'before_not_before'
  // By the provider's clock, which may be ahead: it may have been issued before the sign-out.
  return issued_at < not_before + toleranceOf(caller) ? 'just_signed_out' : undefined
}

function toleranceOf({ issuer }: Caller): number {
  return issuer.clockToleranceSeconds * 1000
}
