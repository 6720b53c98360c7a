import type { ChangeResult } from '../accounts/change.ts'
import { heldAccountIds, isRecorded, type User, unconfirmed } from '../record/user.ts'
import type { ChangeReport, SessionFate, ShownClientSession, ShownUser } from './client.ts'

/** Records as an operator sees them: every field is named here, so that no key and no token can slip through. PURE. */

export function shownUser(user: User): ShownUser {
  const unknown = Object.keys(user.unknown_account_ids ?? {})
  const { access_until, not_before, due_at, disabled_by, user_identity_id } = user
  const client_sessions = shownSessions(user)
  // The one that lives longest: there is only one unless the issuer names a session claim.
  const [latest] = client_sessions.toSorted((one, other) => other.expires_at.localeCompare(one.expires_at))
  return {
    subject: user.subject,
    owner: user.owner,
    iss: user.iss,
    status: user.status,
    ...(disabled_by !== undefined && { disabled_by }),
    connected_account_ids: user.connected_account_ids,
    ...(user_identity_id !== undefined && { user_identity_id }),
    ...(access_until !== undefined && { access_until: iso(access_until) }),
    ...(not_before !== undefined && { not_before: iso(not_before) }),
    ...(unknown.length > 0 && { unknown_account_ids: unknown.sort() }),
    ...(latest !== undefined && { client_session: latest }),
    client_sessions,
    unconfirmed: unconfirmed(user).length,
    settling: user.retired.length,
    ...(due_at !== undefined && { due_at: iso(due_at) }),
  }
}

function shownSessions(user: User): ShownClientSession[] {
  return Object.entries(user.sessions).flatMap(([binding, session]) =>
    isRecorded(session)
      ? [
          {
            binding,
            client_session_id: session.client_session_id,
            created_at: iso(session.created_at),
            expires_at: iso(session.expires_at),
            connected_account_ids: heldAccountIds(user, session),
          },
        ]
      : [],
  )
}

export function changeReport(result: ChangeResult): ChangeReport {
  const { user, before, changed, deletedAccountIds, failure } = result
  const held = before?.connected_account_ids ?? []
  const { code, details } = failure ?? {}
  return {
    user: shownUser(user),
    changed,
    granted: without(user.connected_account_ids, held),
    withdrawn: without(held, user.connected_account_ids),
    deleted_account_ids: deletedAccountIds,
    client_session: fate(result),
    will_be_retried: failure !== undefined,
    ...(failure !== undefined && { trouble: [code, details?.reason].filter(Boolean).join(': ') }),
  }
}

/** Client sessions that were retired in this act or an earlier one, and what was done for those that live on. */
export function fate({ user, before, trace, failure }: ChangeResult): SessionFate {
  if (unconfirmed(user).length > 0) return 'ending'
  if (trace.seam_calls.includes('delete')) return 'ended'
  const live = Object.values(user.sessions).filter(isRecorded)
  if (live.length === 0) return Object.keys(before?.sessions ?? {}).length === 0 ? 'none' : 'ended'
  if (failure !== undefined && live.some(({ lacks = [] }) => lacks.length > 0)) return 'widening'
  return trace.seam_calls.includes('get_or_create') ? 'widened' : 'kept'
}

export function without(all: string[], some: string[]): string[] {
  const left = new Set(some)
  return all.filter((one) => !left.has(one))
}

export const iso = (ms: number) => new Date(ms).toISOString()
