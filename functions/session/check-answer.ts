import type { ClientSession, SessionRequest } from '../seam/client.ts'

/**
 * Law 2: Seam's answer is never trusted blindly. PURE. What is wrong with it, in fixed words for the log, or undefined.
 * An expiry earlier than asked for only shortens.
 */
export function answerFault(
  answer: ClientSession,
  asked: SessionRequest & {
    workspace_id: string
    /** The recorded one, where there is one. */
    session: { client_session_id: string; expires_at: number } | undefined
    now: number
  },
): string | undefined {
  const oneSecond = 1000 // Seam may round.
  const expires = Date.parse(answer.expires_at)
  if (answer.user_identifier_key !== asked.user_identifier_key) return 'other_key'
  if (answer.workspace_id !== asked.workspace_id) return 'other_workspace'
  if (asked.session && answer.client_session_id !== asked.session.client_session_id) return 'other_id'
  if (!(expires > asked.now)) return 'expired_already'
  if (expires > asked.expires_at + oneSecond) return 'expires_too_late'
  if (asked.session && expires < asked.session.expires_at - oneSecond) return 'shortened'
  if (!isExactly(answer.connected_account_ids, asked.connected_account_ids)) return 'other_accounts'
  const { user_identity_id: identity } = asked
  if (!isExactly(identitiesIn(answer), identity === undefined ? [] : [identity])) return 'other_identity'
  return undefined
}

/** Seam names them in a list that it calls deprecated, and one by itself. */
function identitiesIn({ user_identity_id, user_identity_ids = [] }: ClientSession): string[] {
  return [...user_identity_ids, ...(user_identity_id == null ? [] : [user_identity_id])]
}

function isExactly(answered: string[], asked: string[]): boolean {
  const set = new Set(answered)
  return set.size === asked.length && asked.every((id) => set.has(id))
}
