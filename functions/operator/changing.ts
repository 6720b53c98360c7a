import {
  type Changes,
  disableUser,
  enableUser,
  endSessions,
  grantAccounts,
  removeUser,
  setAccounts,
  signOutUser,
  withdrawAccounts,
} from '../accounts/acts.ts'
import type { AccountDeps, ChangeResult } from '../accounts/change.ts'
import { liftDeletion } from '../accounts/deleted.ts'
import { setUserIdentity } from '../accounts/identity.ts'
import { moveUser } from '../accounts/move.ts'
import { ownerOf } from '../caller/owner.ts'
import type { Deadline } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import { gather } from '../seam/rate-limit.ts'
import { type Acting, forOneUser } from './acting.ts'
import type { ChangeReport, Granting, Params, Result } from './client.ts'
import { changeReport, without } from './showing.ts'
import { whoIs } from './subjects.ts'

/** The commands that change who may have what. */

export async function grant(acting: Acting, granting: Granting): Promise<ChangeReport> {
  const who = whoIs(granting.subject, acting.configuration.issuers)
  const { connected_account_ids, access_until } = granting
  await refuseUnknown(acting, who.owner, granting)
  const changes = untilChange(access_until)
  return changeReport(await grantAccounts(acting, who, connected_account_ids, forOneUser(acting), changes))
}

export async function set(acting: Acting, granting: Granting): Promise<ChangeReport> {
  const who = whoIs(granting.subject, acting.configuration.issuers)
  const { connected_account_ids, access_until } = granting
  await refuseUnknown(acting, who.owner, granting)
  const changes = untilChange(access_until)
  return changeReport(await setAccounts(acting, who, connected_account_ids, forOneUser(acting), changes))
}

/** A slip of the hand must not become a record, which would leave its user without the account. */
async function refuseUnknown(acting: Acting, owner: string, granting: Granting): Promise<void> {
  const { connected_account_ids, unverified = false } = granting
  if (unverified) return
  const held = (await acting.table.readUser(owner))?.connected_account_ids ?? []
  const known = await gather(without([...new Set(connected_account_ids)], held), async (id) => ({
    id,
    isKnown: await isKnownAccount(acting, id).catch(asKnown),
  }))
  const unknown = known.filter(({ isKnown }) => !isKnown).map(({ id }) => id)
  if (unknown.length > 0)
    throw new Problem('invalid_request', {
      reason: 'unknown_account',
      detail: `Unknown at Seam, so they open nothing: ${unknown.join(', ')}. Mistyped, or of another workspace? Nothing was granted; \`--unverified\` grants them all the same.`,
    })
}

/** By Seam, or by its own tombstone, of which the report of the change tells. */
export async function isKnownAccount({ seam, table, deadline }: Acting, id: string): Promise<boolean> {
  if (await seam.knowsAccount(id, deadline)) return true
  return (await table.readTombstone(id)) !== undefined
}

/** With Seam down a grant is written down as ever: what opens nothing is left out when Seam is asked again (law 2). */
function asKnown(error: unknown): true {
  if (error instanceof Problem && error.status >= 500) return true
  throw error
}

/** No issuer is asked for: what was given once can be taken away, whatever the configuration says by now. */
export async function withdraw(acting: Acting, params: Params<'withdraw'>): Promise<ChangeReport> {
  const { subject, connected_account_ids } = params
  return changeReport(
    await withdrawAccounts(acting, ownerOf(subject), connected_account_ids, forOneUser(acting)),
  )
}

export async function setIdentity(acting: Acting, params: Params<'set_identity'>): Promise<ChangeReport> {
  const { subject, user_identity_id } = params
  const who = whoIs(subject, acting.configuration.issuers)
  // Giving none needs no record.
  if (user_identity_id === null && (await acting.table.readUser(who.owner)) === undefined)
    throw new Problem('not_found', { detail: 'There is no record of this subject.' })
  return changeReport(await setUserIdentity(acting, who, user_identity_id ?? undefined, forOneUser(acting)))
}

type OneUser = (deps: AccountDeps, owner: string, deadline: Deadline) => Promise<ChangeResult>

const forSubject =
  (act: OneUser) =>
  async (acting: Acting, { subject }: { subject: string }): Promise<ChangeReport> =>
    changeReport(await act(acting, ownerOf(subject), forOneUser(acting)))

export const disable = forSubject(disableUser)
export const enable = forSubject(enableUser)
export const remove = forSubject(removeUser)
export const endAllSessions = forSubject(endSessions)
export const signOutEverywhere = forSubject(signOutUser)

/** Repeated after its end it finds `from` removed, or gone: then there is nothing left to do, and that is no error. */
export async function move(acting: Acting, { from, to }: Params<'move'>): Promise<Result<'move'>> {
  const who = whoIs(to, acting.configuration.issuers)
  try {
    const moved = await moveUser(acting, ownerOf(from), who, forOneUser(acting))
    return { from: changeReport(moved.from), ...(moved.to && { to: changeReport(moved.to) }) }
  } catch (error) {
    const gone = error instanceof Problem && error.code === 'not_found'
    if (gone && (await acting.table.readUser(who.owner)) !== undefined) return {}
    throw error
  }
}

export async function liftAccountDeletion(
  acting: Acting,
  { connected_account_id }: Params<'lift_deletion'>,
): Promise<Result<'lift_deletion'>> {
  const outcome = await liftDeletion(acting, connected_account_id, acting.deadline)
  return { connected_account_id, outcome }
}

export function untilChange(access_until: string | null | undefined): Changes {
  if (access_until === undefined) return {}
  return { access_until: access_until === null ? null : Date.parse(access_until) }
}
