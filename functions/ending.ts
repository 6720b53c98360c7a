import type { Edges, Trace } from './carrying-out.ts'
import type { Deadline } from './deadline.ts'
import { SeamFailure } from './seam.ts'
import { type User, unconfirmed } from './user.ts'

/**
 * Ends at Seam what a record has let go of, for `carryOut` alone. Nothing here needs the lease: what was let go of is
 * never taken back, so a delete may run twice, late, or at once (DESIGN §3, rule 3).
 */
export function letGoEnder({ seam, workspace }: Pick<Edges, 'seam' | 'workspace'>) {
  return function endingFor(act: {
    deadline: Deadline
    trace: Trace
    /** Throws when it is too late to call, and notes the call. */
    timeToCall: (path: string) => void
  }) {
    const { deadline, trace, timeToCall } = act
    return { deleteUnconfirmed, nothingShows }

    /** The ids that are gone now, and the first failure: an id that cannot be deleted does not hold up the others. */
    async function deleteUnconfirmed(user: User): Promise<{ gone: Set<string>; failure?: unknown }> {
      const gone = new Set<string>()
      let failure: unknown
      for (const { client_session_id } of unconfirmed(user)) {
        try {
          await deleteSession(client_session_id)
          gone.add(client_session_id)
        } catch (error) {
          failure ??= error
        }
      }
      return { gone, failure }
    }

    /** Rule 4: a late call may have made or revived a client session under a let-go key; what shows is deleted. */
    async function nothingShows(user_identifier_key: string): Promise<boolean> {
      timeToCall('list')
      const shown = await seam.list({ user_identifier_key }, deadline)
      let alive = false
      for (const session of shown) {
        // A list that ignored its filter would show strangers.
        if (session.user_identifier_key !== user_identifier_key) continue
        if ((await deleteSession(session.client_session_id)) === 'already_gone') continue
        trace.strays++
        alive = true
      }
      return !alive
    }

    async function deleteSession(client_session_id: string): Promise<'deleted' | 'already_gone'> {
      timeToCall('delete')
      try {
        await seam.delete({ client_session_id }, deadline)
        return 'deleted'
      } catch (error) {
        if (!(error instanceof SeamFailure) || error.httpStatus !== 404) throw error
        await workspace.confirm(deadline)
        trace.already_gone++
        return 'already_gone'
      }
    }
  }
}
