import { longestAgeOf, type Terms } from '../session/terms.ts'
import type { Times } from '../times.ts'
import { defined, entryDueAt, isRecorded, type Session, type User } from './user.ts'

/**
 * The one way to write a record: compare-and-set on `revision`, a new random value each time. A late writer's change
 * fails by itself; a refused one whose record carries our value was ours, its answer lost.
 */

/** What the table can do for a user: write `next` if the record still has `revision` (absent: if there is none). */
export type CompareAndSet = (
  owner: string,
  revision: string | undefined,
  next: User,
) => Promise<{ written: true } | { written: false; found: User | undefined }>

export interface UpdateDeps {
  table: { compareAndSet: CompareAndSet }
  uuid: () => string
  clock: () => number
  terms: Terms
}

/** `user` is the record as it stands now: the written one, or the one that was there instead. */
export type Updated = { written: true; user: User } | { written: false; user: User | undefined }

export async function updateUser(
  { table, uuid, clock, terms }: UpdateDeps,
  read: User,
  next: User,
): Promise<Updated> {
  const now = clock()
  const tidied = tidy(outlasting(read, next, terms, now), terms.kept, terms.times, now)
  const user = defined({ ...tidied, revision: uuid(), due_at: dueAt(tidied, terms) })
  const result = await table.compareAndSet(read.owner, read.revision, user)
  if (result.written || result.found?.revision === user.revision) return { written: true, user }
  return { written: false, user: result.found }
}

/**
 * A table that was restored does not know what was asked since its backup: whatever is retired of an earlier generation
 * counts as alive for a whole lifetime, whoever retires it.
 */
function outlasting(read: User, next: User, { generation, lifetime }: Terms, now: number): User {
  const older = Object.values(read.sessions).filter((session) => session.generation !== generation)
  if (older.length === 0) return next
  const keys = new Set(older.map(({ user_identifier_key }) => user_identifier_key))
  const retired = next.retired.map((entry) =>
    keys.has(entry.user_identifier_key)
      ? { ...entry, expires_at: Math.max(entry.expires_at, now + lifetime) }
      : entry,
  )
  return { ...next, retired }
}

/** When cleanup has something to do: nothing here moves when a client session is merely extended. */
export function dueAt(user: User, terms: Terms): number | undefined {
  const dues = user.retired.map((entry) => entryDueAt(entry, terms.times))
  for (const [binding, session] of Object.entries(user.sessions))
    dues.push(sessionDueAt(user, binding, session, terms))
  if (user.unchecked_since !== undefined) dues.push(user.unchecked_since)
  return dues.length > 0 ? Math.min(...dues) : undefined
}

function sessionDueAt(user: User, binding: string, session: Session, terms: Terms): number {
  const longestAge = longestAgeOf(terms, binding)
  if (longestAge === undefined) return 0
  const until = user.access_until ?? Number.POSITIVE_INFINITY
  const ends = isRecorded(session)
    ? session.created_at + longestAge
    : Math.max(session.claimed_at + terms.times.grace, session.lease_until ?? 0)
  return Math.min(ends, until)
}

/** Drops what is too old to matter. Belongs to every write, so that no record grows for ever. */
export function tidy(user: User, kept: Terms['kept'], times: Times, now: number): User {
  const since = (ages: Record<string, number>, age: number) =>
    Object.fromEntries(Object.entries(ages).filter(([, at]) => now < at + age))
  const used = ({ since, reported_dead_at = since }: User['recent'][string]) =>
    now < Math.max(since, reported_dead_at) + times.budgetWindow
  const settled = user.status === 'removed' && user.retired.length === 0
  return defined({
    ...user,
    logins: since(user.logins, kept.logins),
    withdrawn: since(user.withdrawn, kept.logins),
    ended: since(user.ended, kept.ended),
    recent: Object.fromEntries(Object.entries(user.recent).filter(([, recent]) => used(recent))),
    unknown_account_ids: user.unknown_account_ids && since(user.unknown_account_ids, times.unknownAccount),
    expires: settled ? Math.ceil((now + kept.tombstones) / 1000) : undefined,
  })
}
