import { earlier } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import type { SessionRequest } from '../seam/client.ts'
import { sideBySide } from '../seam/rate-limit.ts'
import type { Act, SessionDeps } from './deps.ts'

/** Which of the accounts asked for Seam does not know, after it has refused a call. */

const most = { asked: 20, atOnce: 4 }

/**
 * Asks about the user's own accounts; only of many the whole workspace, which can take longer than there is time.
 * Throws when Seam knows the API key by another workspace, or does not know the user's identity.
 */
export async function lostAccounts(
  deps: Pick<SessionDeps, 'seam' | 'workspace' | 'clock' | 'terms'>,
  { deadline, trace }: Act,
  { connected_account_ids, user_identity_id }: SessionRequest,
): Promise<string[] | 'not_looked_up'> {
  const { seam, workspace } = deps
  // In another workspace everything is unknown.
  await workspace.confirm(deadline)
  if (user_identity_id !== undefined) {
    trace.seam_calls.push('user_identities/get')
    if (!(await seam.knowsIdentity(user_identity_id, deadline)))
      throw new Problem('upstream_rejected', { dependency: 'seam', reason: 'unknown_identity' })
  }
  try {
    if (connected_account_ids.length > most.asked) {
      trace.seam_calls.push('connected_accounts/list')
      const soon = earlier(deadline, deps.terms.times.seam, deps.clock)
      const known = new Set(await seam.listConnectedAccountIds(soon))
      return connected_account_ids.filter((id) => !known.has(id))
    }
    const lost: string[] = []
    let failed = false
    await sideBySide(connected_account_ids, most.atOnce, async (id) => {
      try {
        trace.seam_calls.push('connected_accounts/get')
        if (!(await seam.knowsAccount(id, deadline))) lost.push(id)
      } catch {
        failed = true
      }
    })
    // One that is known to be lost is enough to go on.
    if (failed && lost.length === 0) return 'not_looked_up'
    return lost.sort()
  } catch {
    return 'not_looked_up'
  }
}
