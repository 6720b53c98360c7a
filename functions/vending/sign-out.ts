import { type AccountDeps, changeUser, type RecordChange } from '../accounts/change.ts'
import * as changeOf from '../accounts/changes.ts'
import { type AdmitDeps, type CallerRequest, checkRecord, checkToken, tokenFault } from './admit.ts'
import { fillAudit } from './vend.ts'

/** A caller ends their own sessions. Repeatable; throws an outage while Seam has not confirmed the delete. */

export type SignOutDeps = AccountDeps & AdmitDeps

/** Ends the client session of the caller's own login. */
export async function signOut(deps: SignOutDeps, request: CallerRequest): Promise<void> {
  const { caller } = request
  const user = await deps.table.readUser(caller.owner)
  if (user === undefined) return
  checkRecord(deps.configuration, user, caller)
  checkToken(user, caller, deps.clock())
  await carryOut(deps, request, changeOf.endSession(caller.binding))
}

/** Ends all client sessions of the caller, and refuses the bearer tokens issued so far. */
export async function signOutEverywhere(deps: SignOutDeps, request: CallerRequest): Promise<void> {
  const { caller } = request
  const user = await deps.table.readUser(caller.owner)
  if (user === undefined) return
  checkRecord(deps.configuration, user, caller)
  // This token may have signed out before: it may see that to its end, and end nothing that came after.
  if (tokenFault(user, caller) === 'before_not_before')
    return carryOut(deps, request, { write: (read) => read })
  checkToken(user, caller, deps.clock())
  await carryOut(deps, request, changeOf.signOutEverywhere())
}

async function carryOut(
  deps: SignOutDeps,
  { caller, deadline, audit }: CallerRequest,
  change: RecordChange,
): Promise<void> {
  const { trace, failure } = await changeUser(deps, caller.owner, change, deadline)
  fillAudit(audit, trace)
  if (failure !== undefined) throw failure
}
