import { type Changes, grantAccounts } from '../../functions/accounts/acts.ts'
import { changeUser, type RecordChange } from '../../functions/accounts/change.ts'
import * as changeOf from '../../functions/accounts/changes.ts'
import { accountDeleted } from '../../functions/accounts/deleted.ts'
import { setUserIdentity } from '../../functions/accounts/identity.ts'
import { moveUser } from '../../functions/accounts/move.ts'
import type { Deadline } from '../../functions/http/deadline.ts'
import {
  type RecordedSession,
  recordedSession,
  type Session,
  type Subject,
  type User,
} from '../../functions/record/user.ts'
import { shared } from '../../functions/session/binding.ts'

/** What changes accounts, with its deps. */
export type Keeper = ReturnType<typeof keeperOf>

export function keeperOf(deps: Parameters<typeof setUserIdentity>[0]) {
  const forOwner = (change: () => RecordChange) => (owner: string, deadline: Deadline) =>
    changeUser(deps, owner, change(), deadline)
  return {
    grant: bound(deps, grantAccounts),
    set: (who: Subject, accountIds: string[], deadline: Deadline, changes: Changes = {}) =>
      grantAccounts(deps, who, accountIds, deadline, { ...changes, replace: true }),
    withdraw: (owner: string, accountIds: string[], deadline: Deadline) =>
      changeUser(deps, owner, changeOf.withdraw(accountIds), deadline),
    move: bound(deps, moveUser),
    setIdentity: bound(deps, setUserIdentity),
    disable: forOwner(changeOf.disable),
    enable: forOwner(changeOf.enable),
    remove: forOwner(changeOf.remove),
    endSession: forOwner(changeOf.endSessions),
    signOutEverywhere: forOwner(changeOf.signOutEverywhere),
    accountDeleted: (accountId: string, deadline: Deadline) =>
      accountDeleted(deps, accountId, deps.clock(), deadline),
  }
}

function bound<Deps, Given extends unknown[], Result>(
  deps: Deps,
  act: (deps: Deps, ...given: Given) => Result,
): (...given: Given) => Result {
  return (...given) => act(deps, ...given)
}

/** The session of a user whose issuer names no session claim. */
export function sharedSession(user: User | undefined): Partial<RecordedSession> {
  return user?.sessions[shared] ?? {}
}

/** The record with another shared session. */
export function withShared(user: User, change: Partial<Session>): User {
  const session = user.sessions[shared]
  if (session === undefined) throw new Error('the user has no shared session')
  return { ...user, sessions: { ...user.sessions, [shared]: { ...session, ...change } } }
}

export const recordedShared = (user: User) => recordedSession(user, shared)
