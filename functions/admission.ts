import type { Caller } from './caller/caller.ts'
import { subjectNamespace } from './caller/claims.ts'
import type { Configuration } from './config.ts'
import { Problem } from './problem.ts'
import type { Table } from './table/table.ts'
import { budgetWindowAt, type Times } from './times.ts'
import { newUser, type User } from './user.ts'

/** Whether a verified caller is let in, by their record or, without one, by the configuration. */

/** The caller's record. Without a `revision` it is new and has yet to be written. Throws the refusal otherwise. */
export type Admit = (caller: Caller) => Promise<User>

/** In a minute (a sixtieth of the window), of one newcomer: at once from several tabs, or again after an outage. */
const mostTries = 3

export function callerAdmitter(
  edges: { table: Pick<Table, 'readUser' | 'takeFromBudget'>; clock: () => number },
  times: Times,
  configuration: Configuration,
): Admit {
  const { table, clock } = edges

  return async function admit(caller) {
    const user = (await table.readUser(caller.owner)) ?? (await provision(caller))
    checkCaller(user, caller, configuration)
    return user
  }

  /** A record for a subject that has none, where the configuration says so. */
  async function provision({ issuer, owner, subject, iss, sub }: Caller): Promise<User> {
    const unknownSubjects = issuer.unknownSubjects ?? configuration.unknownSubjects
    if (unknownSubjects === 'reject') throw new Problem('not_provisioned', { subject })
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
    return newUser({ owner, subject, iss, sub }, clock())
  }
}

export function checkCaller(user: User, caller: Caller, configuration: Configuration): void {
  const fault = recordFault(user, caller, configuration)
  if (fault === 'record_of_another_issuer')
    throw new Problem('not_provisioned', { subject: caller.subject, reason: fault })
  // A hash that two subjects share, or a record that was moved: neither may open the other's doors.
  if (fault === 'record_of_another_subject') throw new Problem('internal', { reason: fault })
  if (fault !== undefined) throw new Problem('invalid_token', { reason: fault })
}

/** What the record itself holds against this caller, whatever their token says. */
export function recordFault(
  user: User,
  caller: Caller,
  configuration: Configuration,
): 'record_of_another_subject' | 'record_of_another_issuer' | 'before_not_before' | undefined {
  if (user.subject !== caller.subject) return 'record_of_another_subject'
  // A renamed or reused issuer name must not hand over users: who made the record must share the namespace.
  const maker = configuration.issuers.find(({ issuer }) => issuer === user.iss)
  if (maker === undefined || subjectNamespace(maker) !== subjectNamespace(caller.issuer))
    return 'record_of_another_issuer'
  const { issued_at } = caller
  if (user.not_before !== undefined && !(issued_at !== undefined && issued_at >= user.not_before))
    return 'before_not_before'
  return undefined
}
