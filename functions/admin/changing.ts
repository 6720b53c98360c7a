import type { Wish } from '../accounts/accounts.ts'
import type { ChangeReport, Granting, Params, Result } from '../admin-client.ts'
import { ownerOf } from '../caller/owner.ts'
import { Problem } from '../problem.ts'
import type { User } from '../user.ts'
import { type Acting, forOneUser } from './acting.ts'
import { changeReport } from './showing.ts'
import { whoIs } from './subjects.ts'

/** The commands that change who may have what. */

export async function grantAccounts(acting: Acting, granting: Granting): Promise<ChangeReport> {
  const who = whoIs(granting.subject, acting.configuration.issuers)
  const { connected_account_ids, access_until } = granting
  const wish = untilWish(access_until)
  return changeReport(await acting.keeper.grant(who, connected_account_ids, forOneUser(acting), wish))
}

export async function setAccounts(acting: Acting, granting: Granting): Promise<ChangeReport> {
  const who = whoIs(granting.subject, acting.configuration.issuers)
  const { connected_account_ids, access_until } = granting
  const wish = untilWish(access_until)
  return changeReport(await acting.keeper.set(who, connected_account_ids, forOneUser(acting), wish))
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
