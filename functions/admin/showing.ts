import type { Consequence } from '../accounts/accounts.ts'
import type { ChangeReport, SessionFate, ShownUser } from '../admin-client.ts'
import { recordedSession, type User, unconfirmed } from '../user.ts'

/** Records as an operator sees them: every field is named here, so that no key and no token can slip through. PURE. */

export function shownUser(user: User): ShownUser {
  const session = recordedSession(user)
  const unknown = Object.keys(user.unknown_account_ids ?? {})
  const { access_until, not_before, due_at } = user
  return {
    subject: user.subject,
    owner: user.owner,
    iss: user.iss,
    status: user.status,
    connected_account_ids: user.connected_account_ids,
    ...(access_until !== undefined && { access_until: iso(access_until) }),
    ...(not_before !== undefined && { not_before: iso(not_before) }),
    ...(unknown.length > 0 && { unknown_account_ids: unknown.sort() }),
    ...(session !== undefined && {
      client_session: {
        client_session_id: session.client_session_id,
        created_at: iso(session.created_at),
        expires_at: iso(session.expires_at),
        connected_account_ids: session.account_ids,
      },
    }),
    unconfirmed: unconfirmed(user).length,
    settling: user.ended.length,
    ...(due_at !== undefined && { due_at: iso(due_at) }),
  }
}

export function changeReport(consequence: Consequence): ChangeReport {
  const { user, before, changed, deletedAccountIds, trouble } = consequence
  const held = before?.connected_account_ids ?? []
  const { code, details } = trouble ?? {}
  return {
    user: shownUser(user),
    changed,
    granted: without(user.connected_account_ids, held),
    withdrawn: without(held, user.connected_account_ids),
    deleted_account_ids: deletedAccountIds,
    client_session: fate(consequence),
    will_be_retried: trouble !== undefined,
    ...(trouble !== undefined && { trouble: [code, details?.reason].filter(Boolean).join(': ') }),
  }
}

/** A client session that was let go of in this act or an earlier one, and what was done for one that lives on. */
export function fate({ user, before, trace, trouble }: Consequence): SessionFate {
  if (unconfirmed(user).length > 0) return 'ending'
  if (trace.seam_calls.includes('delete')) return 'ended'
  const session = recordedSession(user)
  if (session === undefined) return before?.user_identifier_key === undefined ? 'none' : 'ended'
  if (trouble !== undefined && without(user.connected_account_ids, session.account_ids).length > 0)
    return 'widening'
  return trace.seam_calls.includes('get_or_create') ? 'widened' : 'kept'
}

export function without(all: string[], some: string[]): string[] {
  const left = new Set(some)
  return all.filter((one) => !left.has(one))
}

export const iso = (ms: number) => new Date(ms).toISOString()
