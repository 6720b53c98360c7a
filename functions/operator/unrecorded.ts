import * as changeOf from '../accounts/changes.ts'
import type { User } from '../record/user.ts'
import type { Seam } from '../seam/client.ts'
import { SeamFailure } from '../seam/failure.ts'
import { gather, sideBySide } from '../seam/rate-limit.ts'
import { ownerAtSeam } from '../seam/workspace.ts'
import { type Acting, change } from './acting.ts'
import type { Orphan, Params, Result } from './client.ts'
import { pageOfUsers } from './looking.ts'
import { iso } from './showing.ts'

/**
 * Client sessions under our prefix that no record names, as a restore of the table or a lost record leaves them.
 * No verdict leads to them, so this is the one place beside carrying a verdict out that changes anything at Seam,
 * and only at an operator's word.
 */

/** Milliseconds between the first look at an orphan and its deletion. */
const waiting = 60 * 60_000

/**
 * Seam is asked first and the records after: a key is written down before Seam is called under it, so what is made
 * meanwhile is found in a record.
 */
export async function listOrphans(acting: Acting, params: Params<'orphans'>): Promise<Result<'orphans'>> {
  const { table, clock } = acting
  const ours = await listOurs(acting)
  const owners = [...new Set(ours.map(({ owner }) => owner))]
  const users = new Map(await gather(owners, async (owner) => [owner, await table.readUser(owner)] as const))
  const unnamed = ours.filter((session) => !names(users.get(session.owner), session.user_identifier_key))

  const orphans = await gather(unnamed, async (session): Promise<Orphan> => {
    const { client_session_id, owner, created_at, expires_at } = session
    const first = await table.noteOrphan(client_session_id, clock())
    const mayBeDeleted = clock() - first >= waiting
    const state = !mayBeDeleted
      ? 'just_seen'
      : params.delete
        ? await deleteUnrecorded(acting, client_session_id)
        : 'may_be_deleted'
    return { client_session_id, owner, created_at, expires_at, first_seen_at: iso(first), state }
  })
  return { looked_at: ours.length, orphans }
}

/** The client sessions under our prefix that Seam still shows, each with whose it is. */
async function listOurs({ seam, workspace, deadline }: Acting) {
  const settings = await workspace.settings(deadline)
  const listed = await seam.listWithoutTokens(deadline)
  return listed.flatMap((session) => {
    const owner = ownerAtSeam(session, settings)
    return owner === undefined ? [] : [{ ...session, owner }]
  })
}

/** Ends every client session of a page of users. Who is vended to meanwhile has one again: close vending first. */
export async function drainPage(acting: Acting, { after: from }: Params<'drain'>): Promise<Result<'drain'>> {
  const { users, after } = await pageOfUsers(acting, { after: from, limit: 50 })
  const holding = users.filter(
    ({ sessions, retired }) => Object.keys(sessions).length > 0 || retired.length > 0,
  )
  const counts = { ended: 0, will_be_retried: 0 }
  await sideBySide(holding, acting.configuration.cleanup.concurrency, async ({ owner }) => {
    const ended = await change(acting, owner, changeOf.endSessions()).catch(() => undefined)
    if (ended === undefined || ended.failure !== undefined) counts.will_be_retried++
    else if (ended.trace.seam_calls.includes('delete')) counts.ended++
  })
  const remaining = after === undefined ? (await listOurs(acting)).length : undefined
  return { looked_at: users.length, ...counts, after, remaining }
}

/** A found token may be anybody's by now: it is ended at once, whether a record names it or not. */
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
  const { sessions = {} } = user ?? {}
  const { user_identifier_key: key } = session
  const binding = Object.keys(sessions).find((name) => sessions[name]?.user_identifier_key === key)
  if (binding !== undefined) await change(acting, owner, changeOf.endSession(binding))
  // It may be in no record, or be another session than the record knew under that key. No record names it now.
  if (await opens(seam, token, acting)) await deleteUnrecorded(acting, client_session_id)
  const outcome = (await opens(seam, token, acting)) ? 'ending' : 'ended'
  return { outcome, client_session_id, subject: user?.subject }
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
