import { endSession, signOutUser } from '../accounts/acts.ts'
import { type AccountDeps, type ChangeResult, changeUser } from '../accounts/change.ts'
import type { Caller } from '../caller/caller.ts'
import type { Audit } from '../http/audit.ts'
import type { Deadline } from '../http/deadline.ts'
import { type AdmitDeps, checkRecord, checkToken, tokenFault } from './admit.ts'
import { fillAudit } from './vend.ts'

/** A caller ends their own sessions. Repeatable; throws an outage while Seam has not confirmed the delete. */

export type SignOutDeps = AccountDeps & AdmitDeps

export interface SignOutRequest {
  caller: Caller
  deadline: Deadline
  audit: Audit
}

/** Ends the client session of the caller's own login. */
export async function signOut(deps: SignOutDeps, request: SignOutRequest): Promise<void> {
  const { caller, deadline, audit } = request
  const user = await deps.table.readUser(caller.owner)
  if (user === undefined) return
  checkRecord(deps.configuration, user, caller)
  checkToken(user, caller, deps.clock())
  finish(await endSession(deps, caller.owner, caller.binding, deadline), audit)
}

/** Ends all client sessions of the caller, and refuses the bearer tokens issued so far. */
export async function signOutEverywhere(deps: SignOutDeps, request: SignOutRequest): Promise<void> {
  const { caller, deadline, audit } = request
  const user = await deps.table.readUser(caller.owner)
  if (user === undefined) return
  checkRecord(deps.configuration, user, caller)
  const { not_before } = user
  const fault = tokenFault(user, caller)
  if (fault === 'before_not_before' && not_before !== undefined) {
    // This token may have signed out before: it may see that to its end, and end nothing that came after.
    const finished = await changeUser(deps, caller.owner, { write: (read) => read }, deadline)
    return finish(finished, audit)
  }
  checkToken(user, caller, deps.clock())
  finish(await signOutUser(deps, caller.owner, deadline), audit)
}

function finish({ trace, failure }: ChangeResult, audit: Audit): void {
  fillAudit(audit, trace)
  if (failure !== undefined) throw failure
}
