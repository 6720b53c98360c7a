import type { ChangeResult } from '../accounts/change.ts'
import { heldAccountIds, isRecorded, type User, unconfirmed } from '../record/user.ts'
import { missing } from '../record/writes.ts'
import type { ChangeReport, SessionFate, ShownClientSession, ShownUser } from './client.ts'

/** Records as an operator sees them: every field is named here, so that no key and no token can slip through. PURE. */

export function shownUser(user: User): ShownUser {
  const { subject, owner, iss, status, disabled_by, connected_account_ids, user_identity_id } = user
  const unknown = Object.keys(user.unknown_account_ids ?? {}).sort()
  const client_sessions = shownSessions(user)
  const [longest] = client_sessions.toSorted((one, other) => other.expires_at.localeCompare(one.expires_at))
  return {
    ...{ subject, owner, iss, status, disabled_by, connected_account_ids, user_identity_id },
    purged_at: isoOf(user.purged_at),
    access_until: isoOf(user.access_until),
    not_before: isoOf(user.not_before),
    unknown_account_ids: unknown.length > 0 ? unknown : undefined,
    client_session: longest,
    client_sessions,
    unconfirmed: unconfirmed(user).length,
    settling: user.retired.length,
    due_at: isoOf(user.due_at),
  }
}

function shownSessions(user: User): ShownClientSession[] {
  return Object.entries(user.sessions).flatMap(([binding, session]) => {
    if (!isRecorded(session)) return []
    const { client_session_id, created_at, expires_at } = session
    const times = { created_at: iso(created_at), expires_at: iso(expires_at) }
    return [{ binding, client_session_id, ...times, connected_account_ids: heldAccountIds(user, session) }]
  })
}

export function changeReport(result: ChangeResult): ChangeReport {
  const { user, before, changed, deletedAccountIds, failure } = result
  const held = before?.connected_account_ids ?? []
  return {
    user: shownUser(user),
    changed,
    granted: missing(user.connected_account_ids, held),
    withdrawn: missing(held, user.connected_account_ids),
    deleted_account_ids: deletedAccountIds,
    client_session: fate(result),
    will_be_retried: failure !== undefined,
    trouble: failure && [failure.code, failure.details.reason].filter(Boolean).join(': '),
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

export const iso = (time: number | string) => new Date(time).toISOString()
export const isoOf = (ms: number | undefined) => (ms === undefined ? undefined : iso(ms))
