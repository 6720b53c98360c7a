import { grantAccounts } from '../accounts/acts.ts'
import type { RecordChange } from '../accounts/change.ts'
import { setUserIdentity } from '../accounts/identity.ts'
import { moveUser } from '../accounts/move.ts'
import { ownerOf } from '../caller/owner.ts'
import { Problem } from '../http/problem.ts'
import { missing } from '../record/writes.ts'
import { gather } from '../seam/rate-limit.ts'
import { type Acting, change, forOneUser, whoIs } from './acting.ts'
import type { ChangeReport, Granting, Params, Result } from './client.ts'
import { changeReport } from './showing.ts'

/** The commands that change who may have what. */

const granting = (replace: boolean) => async (acting: Acting, params: Granting) => {
  const { subject, connected_account_ids, access_until } = params
  const who = whoIs(acting, subject)
  await refuseUnknown(acting, who.owner, params)
  const changes = { replace, access_until: untilMs(access_until) }
  return changeReport(await grantAccounts(acting, who, connected_account_ids, forOneUser(acting), changes))
}
export const grant = granting(false)
export const set = granting(true)

/** A typing error must not become a record, which would leave its user without the account. */
async function refuseUnknown(acting: Acting, owner: string, granting: Granting): Promise<void> {
  const { connected_account_ids, unverified = false } = granting
  if (unverified) return
  const held = (await acting.table.readUser(owner))?.connected_account_ids ?? []
  const unknown = await gather(missing([...new Set(connected_account_ids)], held), async (id) =>
    (await isKnownAccount(acting, id).catch(asKnown)) ? [] : [id],
  )
  if (unknown.flat().length > 0)
    throw new Problem('invalid_request', {
      reason: 'unknown_account',
      detail: `Unknown at Seam, so they open nothing: ${unknown.flat().join(', ')}. Mistyped, or of another workspace? Nothing was granted; \`--unverified\` grants them all the same.`,
    })
}

/** By Seam, or by its own tombstone, of which the report of the change tells. */
export async function isKnownAccount({ seam, table, deadline }: Acting, id: string): Promise<boolean> {
  return (await seam.knowsAccount(id, deadline)) || (await table.readTombstone(id)) !== undefined
}

/** With Seam down a grant is written down as ever: what opens nothing is left out when Seam is asked again (law 2). */
function asKnown(error: unknown): true {
  if (error instanceof Problem && error.status >= 500) return true
  throw error
}

export async function setIdentity(acting: Acting, params: Params<'set_identity'>): Promise<ChangeReport> {
  const { subject, user_identity_id } = params
  const who = whoIs(acting, subject)
  // Giving none needs no record.
  if (user_identity_id === null && (await acting.table.readUser(who.owner)) === undefined)
    throw new Problem('not_found', { detail: 'There is no record of this subject.' })
  return changeReport(await setUserIdentity(acting, who, user_identity_id ?? undefined, forOneUser(acting)))
}

/** No issuer is looked up: what was given can be taken away, whatever the configuration says by now. */
export const forSubject =
  <P extends { subject: string }>(how: (params: P) => RecordChange) =>
  async (acting: Acting, params: P): Promise<ChangeReport> =>
    changeReport(await change(acting, ownerOf(params.subject), how(params)))

/** Repeated after its end it finds `from` removed, or gone: then there is nothing left to do, and that is no error. */
export async function move(acting: Acting, { from, to }: Params<'move'>): Promise<Result<'move'>> {
  const who = whoIs(acting, to)
  try {
    const moved = await moveUser(acting, ownerOf(from), who, forOneUser(acting))
    return { from: changeReport(moved.from), to: moved.to && changeReport(moved.to) }
  } catch (error) {
    const gone = error instanceof Problem && error.code === 'not_found'
    if (gone && (await acting.table.readUser(who.owner)) !== undefined) return {}
    throw error
  }
}

/** Epoch milliseconds; null: no end date; undefined: as it was. */
export function untilMs(access_until: string | null | undefined): number | null | undefined {
  return typeof access_until === 'string' ? Date.parse(access_until) : access_until
}
