import { earlier } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import { updateUser } from '../record/update.ts'
import { pending, type Retired, type User, unconfirmed, type WithId } from '../record/user.ts'
import { confirm } from '../record/writes.ts'
import { isOpen, through } from '../seam/breaker.ts'
import { SeamFailure } from '../seam/failure.ts'
import { sideBySide } from '../seam/rate-limit.ts'
import type { WorkspaceKnower } from '../seam/workspace.ts'
import { type Act, busy, type SessionDeps, startCall } from './deps.ts'

/**
 * Ends at Seam what a record has retired. Nothing here needs a lease: what was retired is never taken back, so a delete
 * may run twice, late, or at once (DESIGN §3, rule 4).
 */

export type RetireDeps = Omit<SessionDeps, 'seal' | 'sleep' | 'random' | 'workspace'> & {
  workspace: Pick<WorkspaceKnower, 'confirm'>
}

const most = { atOnce: 4, refusals: 12 }

/**
 * Deletes what stands in the way of success, of one binding or of all, and writes down what Seam confirmed. `failure`:
 * the first; one that cannot be deleted does not hold up the others.
 */
export async function deleteRetired(deps: RetireDeps, user: User, act: Act, binding?: string) {
  const gone: WithId[] = []
  let failure: unknown
  await sideBySide(pending(user, deps.terms.times, deps.clock(), binding), most.atOnce, async (entry) => {
    try {
      await once(deps.breakers.ending, entry.client_session_id, () =>
        endAtSeam(deps, entry, act, { doubt: true }),
      )
      gone.push(entry)
    } catch (error) {
      failure ??= error
    }
  })
  return { user: await writeConfirmed(deps, user, gone, act), failure }
}

/** Who ends the same client session at the same time waits for the one who began. */
function once(running: Map<string, Promise<void>>, id: string, work: () => Promise<void>): Promise<void> {
  const begun = running.get(id) ?? work().finally(() => running.delete(id))
  running.set(id, begun)
  return begun
}

/** What one vend replaced or evicted, deleted once after its commit, if there is time; cleanup does the rest. */
export async function deleteReplaced(deps: RetireDeps, user: User, keys: string[], act: Act): Promise<User> {
  const { times } = deps.terms
  const entries = pending(user, times, deps.clock()).filter(({ user_identifier_key: key }) =>
    keys.includes(key),
  )
  const soon = earlier(act.deadline, times.deleteInVend, deps.clock)
  const gone: Retired[] = []
  await sideBySide(entries, most.atOnce, async (entry) => {
    try {
      if (act.deadline.left() < times.deleteInVend + 2 * times.dynamodb || isOpen(deps.breakers.end)) return
      act.trace.seam_calls.push('delete')
      const { client_session_id } = entry
      await through(deps.breakers.end, deps, soon, (until) => deps.seam.delete({ client_session_id }, until))
      gone.push(entry)
    } catch {
      // The caller has a new token either way; 404 is left to cleanup, which looks.
    }
  })
  if (gone.length === 0) return user
  try {
    // Once: refused, it is left to cleanup too.
    return (await updateUser(deps, user, confirm(user, gone, deps.clock()))).user ?? user
  } catch {
    return user
  }
}

/** A delete is a fact whatever the record says by now; another act may have written it down meanwhile. */
async function writeConfirmed(deps: RetireDeps, read: User, gone: WithId[], act: Act): Promise<User> {
  const ids = gone.map(({ client_session_id }) => client_session_id)
  const isWritten = (user: User) => !unconfirmed(user).some((entry) => ids.includes(entry.client_session_id))
  let user = read
  for (let refusals = 0; !isWritten(user); refusals++) {
    if (refusals > most.refusals) throw busy('refused_writes')
    if (act.deadline.left() <= 0) throw busy('no_time_to_write')
    const result = await updateUser(deps, user, confirm(user, gone, deps.clock()))
    if (result.user === undefined) throw busy('record_gone')
    user = result.user
    if (result.written) return user
  }
  return user
}

/**
 * Resolves when Seam has confirmed that this client session is gone, and nothing else lives under its key. Rule 5: a
 * 404 confirms nothing, an empty list by the key does. With `doubt` a 200 is looked at too.
 */
export async function endAtSeam(deps: RetireDeps, entry: WithId, act: Act, { doubt }: { doubt: boolean }) {
  const { user_identifier_key, client_session_id } = entry
  const look = () => shownUnder(deps, user_identifier_key, act)
  if ((await deleteSession(deps, client_session_id, act)) === 'deleted') {
    const shown = doubt ? await look().catch(() => []) : []
    if (shown.length === 0) return
    await deleteShown(deps, shown, act)
  } else {
    // In another workspace everything is unknown, and nothing ever shows.
    await deps.workspace.confirm(act.calls ?? act.deadline)
    if (await nothingShows(deps, user_identifier_key, act)) {
      act.trace.already_gone++
      return
    }
  }
  if ((await look()).length > 0) throw stillShown()
}

/** After the grace: whether nothing shows under a retired key. What shows was made by a late call, and is deleted. */
export async function nothingShows(deps: RetireDeps, key: string, act: Act): Promise<boolean> {
  const shown = await shownUnder(deps, key, act)
  const areDeleted = await deleteShown(deps, shown, act)
  if (!areDeleted && (await shownUnder(deps, key, act)).length > 0) throw stillShown()
  return shown.length === 0
}

/** Seam lists a client session that it says is gone. Like a refusal, this concerns that session only. */
const stillShown = () => busy('still_shown')

export function isStillShown(error: unknown): boolean {
  return error instanceof Problem && error.details.reason === 'still_shown'
}

/** Client sessions at Seam under this very key; a list that ignored its filter would show strangers. */
async function shownUnder(deps: RetireDeps, user_identifier_key: string, act: Act): Promise<string[]> {
  const { end } = deps.breakers
  const deadline = startCall(deps, act, 'list', end)
  const shown = await through(end, deps, deadline, (until) => deps.seam.list({ user_identifier_key }, until))
  const theirs = shown.filter((session) => session.user_identifier_key === user_identifier_key)
  // Some lists show the dead too.
  const diedBefore = deps.clock() - deps.terms.times.clockSkew
  const live = theirs.filter(({ expires_at }) => diedBefore < Date.parse(expires_at))
  return live.map(({ client_session_id }) => client_session_id)
}

/** Whether Seam has deleted them all. */
async function deleteShown(deps: RetireDeps, ids: string[], act: Act): Promise<boolean> {
  let deleted = 0
  for (const id of ids) if ((await deleteSession(deps, id, act)) === 'deleted') deleted++
  act.trace.strays += deleted
  return deleted === ids.length
}

async function deleteSession(deps: RetireDeps, client_session_id: string, act: Act) {
  const { end } = deps.breakers
  const deadline = startCall(deps, act, 'delete', end)
  try {
    await through(end, deps, deadline, (until) => deps.seam.delete({ client_session_id }, until))
    return 'deleted'
  } catch (error) {
    const status = error instanceof SeamFailure ? error.httpStatus : undefined
    if (status !== 404 && status !== 410) throw error
    return 'unknown'
  }
}
