import type { Wish } from '../accounts/accounts.ts'
import type { ChangeReport, Granting, Params, Result } from '../admin-client.ts'
import { ownerOf } from '../caller/owner.ts'
import { Problem } from '../problem.ts'
import type { User } from '../user.ts'
import { type Acting, forOneUser, gather } from './acting.ts'
import { changeReport, without } from './showing.ts'
import { whoIs } from './subjects.ts'

/** The commands that change who may have what. */

export async function grantAccounts(acting: Acting, granting: Granting): Promise<ChangeReport> {
  const who = whoIs(granting.subject, acting.configuration.issuers)
  const { connected_account_ids, access_until } = granting
  await refuseUnknown(acting, who.owner, granting)
  const wish = untilWish(access_until)
  return changeReport(await acting.keeper.grant(who, connected_account_ids, forOneUser(acting), wish))
}

export async function setAccounts(acting: Acting, granting: Granting): Promise<ChangeReport> {
  const who = whoIs(granting.subject, acting.configuration.issuers)
  const { connected_account_ids, access_until } = granting
  await refuseUnknown(acting, who.owner, granting)
  const wish = untilWish(access_until)
  return changeReport(await acting.keeper.set(who, connected_account_ids, forOneUser(acting), wish))
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
  return (await table.readHolders(id)).deleted_at !== undefined
}

/** With Seam down a grant is written down as ever: what opens nothing is left out when Seam is asked again (law 2). */
function asKnown(error: unknown): true {
  if (error instanceof Problem && error.status >= 500) return true
  throw error
}

/** No issuer is asked for: what was given once can be taken away, whatever the configuration says by now. */
export async function withdrawAccounts(acting: Acting, params: Params<'withdraw'>): Promise<ChangeReport> {
  const { subject, connected_account_ids } = params
  return changeReport(
    await acting.keeper.withdraw(ownerOf(subject), connected_account_ids, forOneUser(acting)),
  )
}

export function makeStatus(status: User['status']) {
  return async (acting: Acting, { subject }: { subject: string }): Promise<ChangeReport> =>
    changeReport(await acting.keeper.setStatus(ownerOf(subject), status, forOneUser(acting)))
}

export async function endSession(acting: Acting, { subject }: { subject: string }): Promise<ChangeReport> {
  return changeReport(await acting.keeper.endSession(ownerOf(subject), forOneUser(acting)))
}

export async function signOutEverywhere(
  acting: Acting,
  { subject }: { subject: string },
): Promise<ChangeReport> {
  return changeReport(await acting.keeper.signOutEverywhere(ownerOf(subject), forOneUser(acting)))
}

/** Repeated after its end it finds `from` removed, or gone: then there is nothing left to do, and that is no error. */
export async function moveUser(acting: Acting, { from, to }: Params<'move'>): Promise<Result<'move'>> {
  const who = whoIs(to, acting.configuration.issuers)
  try {
    const moved = await acting.keeper.move(ownerOf(from), who, forOneUser(acting))
    return { from: changeReport(moved.from), ...(moved.to && { to: changeReport(moved.to) }) }
  } catch (error) {
    const gone = error instanceof Problem && error.code === 'not_found'
    if (gone && (await acting.table.readUser(who.owner)) !== undefined) return {}
    throw error
  }
}

export function untilWish(access_until: string | null | undefined): Wish {
  if (access_until === undefined) return {}
  return { access_until: access_until === null ? null : Date.parse(access_until) }
}
