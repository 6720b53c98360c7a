import type { Retired, Session, User } from '../../../functions/record/user.ts'

/** What a write changes, as mistakes have to know. */

/** Sessions that the write takes out of the record, or replaces by others, by binding. */
export function retiredBy(next: User, read: User | undefined): Record<string, Session> {
  return Object.fromEntries(
    Object.entries(read?.sessions ?? {}).filter(
      ([binding, { user_identifier_key: key }]) => next.sessions[binding]?.user_identifier_key !== key,
    ),
  )
}

export function retires(next: User, read: User | undefined): boolean {
  return Object.keys(retiredBy(next, read)).length > 0
}

/** Bindings for which the write puts a new key into the record. */
export function claimed(next: User, read: User | undefined): string[] {
  return Object.keys(next.sessions).filter(
    (binding) => next.sessions[binding]?.user_identifier_key !== read?.sessions[binding]?.user_identifier_key,
  )
}

/** Without those entries that stood there before and are not worth keeping. */
export function forgetting(next: User, read: User | undefined, worthless: (entry: Retired) => boolean): User {
  const old = new Set(read?.retired.map(({ user_identifier_key }) => user_identifier_key))
  const retired = next.retired.filter((entry) => !(old.has(entry.user_identifier_key) && worthless(entry)))
  return { ...next, retired }
}

/** Every session, and every entry, as this makes of it. */
export function withSessions(user: User, change: (session: Session, binding: string) => Session): User {
  const sessions = Object.entries(user.sessions).map(([binding, one]) => [binding, change(one, binding)])
  return { ...user, sessions: Object.fromEntries(sessions) }
}
