import { endSession } from '../accounts/acts.ts'
import type { User } from '../record/user.ts'
import { type Seam, SeamFailure } from '../seam/client.ts'
import { gather } from '../seam/rate-limit.ts'
import { ownerAtSeam } from '../seam/workspace.ts'
import { type Acting, forOneUser } from './acting.ts'
import type { Orphan, Params, Result } from './client.ts'

/**
 * Client sessions under our prefix that no record names, as a restore of the table or a lost record leaves them.
 * No verdict leads to them, so this is the one place beside carrying a verdict out that changes anything at Seam,
 * and only at an operator's word.
 */

const waiting = 60 * 60_000

/**
 * Seam is asked first and the records after: a key is written down before Seam is called under it, so what is made
 * meanwhile is found in a record.
 */
export async function listOrphans(acting: Acting, params: Params<'orphans'>): Promise<Result<'orphans'>> {
  const { table, clock, deadline } = acting
  const settings = await acting.workspace.settings(deadline)
  const listed = await acting.seam.listWithoutTokens(deadline)
  const ours = listed.flatMap((session) => {
    const owner = ownerAtSeam(session, settings)
    return owner === undefined ? [] : [{ session, owner }]
  })
  const owners = [...new Set(ours.map(({ owner }) => owner))]
  const users = new Map(await gather(owners, async (owner) => [owner, await table.readUser(owner)] as const))
  const unnamed = ours.filter(({ session, owner }) => !names(users.get(owner), session.user_identifier_key))

  const orphans = await gather(unnamed, async ({ session, owner }): Promise<Orphan> => {
    const { client_session_id, created_at, expires_at } = session
    const first = await table.noteOrphan(client_session_id, clock())
    const waited = clock() - first >= waiting
    const state = !waited
      ? 'just_seen'
      : !params.delete
        ? 'may_be_deleted'
        : await deleteUnrecorded(acting, client_session_id)
    const first_seen_at = new Date(first).toISOString()
    return { client_session_id, owner, created_at, expires_at, first_seen_at, state }
  })
  return { looked_at: ours.length, orphans }
}

/** How many client sessions under our prefix Seam still shows. */
export async function countOurs({ seam, workspace, deadline }: Acting): Promise<number> {
  const settings = await workspace.settings(deadline)
  const listed = await seam.listWithoutTokens(deadline)
  return listed.filter((session) => ownerAtSeam(session, settings) !== undefined).length
}

/** Whoever found the token knows what it opens: it is ended at once, whether a record names it or not. */
export async function endFoundToken(
  acting: Acting,
  { token }: Params<'end_token'>,
): Promise<Result<'end_token'>> {
  const { seam, table, deadline, audit } = acting
  const session = await seam.whose(token, deadline)
  if (session === undefined) return { outcome: 'dead' }
  const { client_session_id } = session
  audit.client_session_id = client_session_id
  const owner = ownerAtSeam(session, await acting.workspace.settings(deadline))
  if (owner === undefined) return { outcome: 'not_ours', client_session_id }
  audit.owner = owner

  const user = await table.readUser(owner)
  const [binding] =
    Object.entries(user?.sessions ?? {}).find(
      ([, { user_identifier_key: key }]) => key === session.user_identifier_key,
    ) ?? []
  if (binding !== undefined) await endSession(acting, owner, binding, forOneUser(acting))
  // It may be in no record, or be another session than the record knew under that key. No record names it now.
  if (await opens(seam, token, acting)) await deleteUnrecorded(acting, client_session_id)
  const outcome = (await opens(seam, token, acting)) ? 'ending' : 'ended'
  return { outcome, client_session_id, ...(user && { subject: user.subject }) }
}

async function opens(seam: Pick<Seam, 'whose'>, token: string, { deadline }: Acting): Promise<boolean> {
  return seam.whose(token, deadline).then(
    (session) => session !== undefined,
    () => true,
  )
}

async function deleteUnrecorded(
  { seam, deadline }: Acting,
  client_session_id: string,
): Promise<'deleted' | 'not_deleted'> {
  try {
    await seam.delete({ client_session_id }, deadline)
    return 'deleted'
  } catch (error) {
    if (!(error instanceof SeamFailure)) throw error
    // Its workspace was seen with it, so 404 means gone.
    return error.httpStatus === 404 || error.httpStatus === 410 ? 'deleted' : 'not_deleted'
  }
}

function names(user: User | undefined, key: string | null): boolean {
  const entries = [...Object.values(user?.sessions ?? {}), ...(user?.retired ?? [])]
  return entries.some((entry) => entry.user_identifier_key === key)
}
