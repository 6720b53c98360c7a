import type { Ended, User } from '../../../functions/user.ts'

/** What a write changes, as mistakes have to know. */

export function keyOf(user: User | undefined): { user_identifier_key?: string } {
  return user?.user_identifier_key === undefined ? {} : { user_identifier_key: user.user_identifier_key }
}

/** The write takes the key out of the record, or puts another one into its place. */
export function letsGo(next: User, read: User | undefined): boolean {
  const key = read?.user_identifier_key
  return key !== undefined && next.user_identifier_key !== key
}

/** The write puts a new key into the record. */
export function claims(next: User, read: User | undefined): boolean {
  return next.user_identifier_key !== undefined && next.user_identifier_key !== read?.user_identifier_key
}

export function sessionOf(user: User | undefined): Partial<User> {
  if (user?.client_session_id === undefined) return {}
  const { client_session_id, sealed_token = '', session_created_at = 0, session_expires_at = 0 } = user
  const { session_account_ids = [] } = user
  return { client_session_id, sealed_token, session_created_at, session_expires_at, session_account_ids }
}

/** Without those entries that stood there before and are not worth keeping. */
export function forgetting(next: User, read: User | undefined, worthless: (entry: Ended) => boolean): User {
  const old = new Set(read?.ended.map(({ user_identifier_key }) => user_identifier_key))
  const ended = next.ended.filter((entry) => !(old.has(entry.user_identifier_key) && worthless(entry)))
  return { ...next, ended }
}
