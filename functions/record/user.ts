import type { Times } from '../times.ts'

/** The record of one subject, and what can be read from it. PURE: no I/O and no clock. DESIGN §3 says what must hold. */

/** One client session at Seam, of one login. Without `client_session_id` its call is in flight, or its caller died. */
export interface Session {
  user_identifier_key: string
  /** The configuration's when the key was made; a session of another generation is retired. */
  generation: number
  /** The latest expiry that a call under this key may have asked for; written before the call. */
  asked_until: number
  client_session_id?: string
  sealed_token?: string
  /** Of the first commit. */
  created_at?: number
  expires_at?: number
  /** Accounts of the record that this session was not asked for. It never holds what the record does not. */
  lacks?: string[]
  user_identity_id?: string
  lease_owner?: string
  lease_until?: number
  /** Of the first claim; a takeover does not move it. */
  claimed_at: number
}

/** A session with an answer of Seam. */
export type RecordedSession = Session &
  Required<Pick<Session, 'client_session_id' | 'sealed_token' | 'created_at' | 'expires_at'>>

/** Out of `sessions`, perhaps still alive at Seam. Only what stands here is ever deleted there. */
export interface Retired {
  user_identifier_key: string
  binding: string
  /** Absent when no answer was recorded: no token of it was ever handed out. */
  client_session_id?: string
  user_identity_id?: string
  at: number
  /** After this, and the clock skew, nothing under the key is alive. */
  expires_at: number
  /** Seam has confirmed that it is gone. */
  deleted_at?: number
  /** Failed attempts. */
  tries: number
  next_at: number
}

/** What a binding used lately; it outlives the session that it is about. */
export interface Recent {
  creations: number
  since: number
  reported_dead_at?: number
}

export interface User {
  /** The format of this record. */
  schema: 2
  /** A new random value with each write; absent in a record that was never written. */
  revision?: string
  owner: string
  subject: string
  /** The issuer that the record was made under. */
  iss: string
  sub: string
  status: 'active' | 'disabled' | 'removed'
  disabled_by?: 'operator' | 'provider'
  /** Orders the provider's disable and enable, and nothing else. */
  provider_event_at?: number
  /** The provider has deleted this person; of the latest event that said so. */
  purged_at?: number
  /** Bearer tokens issued before this are refused. */
  not_before?: number
  /** The end date of access. */
  access_until?: number
  connected_account_ids: string[]
  user_identity_id?: string
  /** By binding. */
  sessions: Record<string, Session>
  retired: Retired[]
  /** Logins that had their effect: hash of webview and account → when. */
  logins: Record<string, number>
  /** Account → when it was withdrawn; `*`: when all were that were not named. */
  withdrawn: Record<string, number>
  /** Binding → `iat` of the provider's logout, ms. Bearer tokens of that login are refused. */
  ended: Record<string, number>
  /** By binding. */
  recent: Record<string, Recent>
  creations: number
  creations_since: number
  /** Accounts that Seam did not know, and when. */
  unknown_account_ids?: Record<string, number>
  /** Seam refused an account, and there was no time to find out which. Cleanup does. */
  unchecked_since?: number
  /** When cleanup has something to do here. */
  due_at?: number
  /** Epoch seconds; of tombstones only. */
  expires?: number
}

/** A subject, taken apart. */
export type Subject = Pick<User, 'owner' | 'subject' | 'iss' | 'sub'>

export const emptyCollections = () =>
  ({
    connected_account_ids: [],
    sessions: {},
    retired: [],
    logins: {},
    withdrawn: {},
    ended: {},
    recent: {},
  }) satisfies Partial<User>

export function newUser({ owner, subject, iss, sub }: Subject, now: number): User {
  const counters = { creations: 0, creations_since: now }
  return { schema: 2, owner, subject, iss, sub, status: 'active', ...emptyCollections(), ...counters }
}

/** Without members that are undefined: what is written is compared with what the table gives back. */
export function defined<Whole extends object>(whole: Whole): Whole {
  return Object.fromEntries(Object.entries(whole).filter(([, member]) => member !== undefined)) as Whole
}

/** When this account was taken away last, whether it was held or not. */
export function withdrawnAt({ withdrawn }: User, accountId: string): number | undefined {
  const times = [withdrawn[accountId], withdrawn[everyAccount]].filter((at) => at !== undefined)
  return times.length === 0 ? undefined : Math.max(...times)
}

/** Stands in `withdrawn` for accounts that nobody named. */
export const everyAccount = '*'

export function sessionOf(user: User, binding: string): Session | undefined {
  return Object.hasOwn(user.sessions, binding) ? user.sessions[binding] : undefined
}

export function isRecorded(session: Session | undefined): session is RecordedSession {
  return session?.client_session_id !== undefined
}

/** The session as Seam last answered it. */
export function recordedSession(user: User, binding: string): RecordedSession | undefined {
  const session = sessionOf(user, binding)
  return isRecorded(session) ? session : undefined
}

/** What the session reaches at Seam: at most the accounts of the record. */
export function heldAccountIds(user: User, { lacks = [] }: Session): string[] {
  const missing = new Set(lacks)
  return user.connected_account_ids.filter((id) => !missing.has(id))
}

/** What Seam is asked for: the accounts of the record, without those that Seam lately did not know (law 2). */
export function wantedAccountIds(user: User, times: Times, now: number): string[] {
  const unknown = user.unknown_account_ids ?? {}
  return user.connected_account_ids.filter((id) => now >= (unknown[id] ?? 0) + times.unknownAccount)
}

/** Whether another act may be calling Seam for this session. */
export function leaseHeld(session: Session | undefined, now: number): boolean {
  return session?.lease_until !== undefined && session.lease_until > now
}

/** Nothing under its key can be alive any more, by any clock. */
export function hasExpired(entry: Retired, times: Times, now: number): boolean {
  return now >= entry.expires_at + times.clockSkew
}

export type WithId = Retired & { client_session_id: string }

export function isUnconfirmed(entry: Retired): entry is WithId {
  return entry.client_session_id !== undefined && entry.deleted_at === undefined
}

/** Entries with a client session that Seam has not confirmed as deleted. An entry without id needs no confirmation. */
export function unconfirmed(user: User): WithId[] {
  return user.retired.filter(isUnconfirmed)
}

/** What an act that takes away must see confirmed before it reports success: of all bindings, or of one. */
export function pending(user: User, times: Times, now: number, binding?: string): WithId[] {
  return unconfirmed(user).filter(
    (entry) => !hasExpired(entry, times, now) && (binding === undefined || entry.binding === binding),
  )
}

/** When cleanup should look at this entry: to delete it, to see after the grace that nothing shows, or to forget it. */
export function entryDueAt(entry: Retired, times: Times): number {
  const settles = entry.at + times.grace
  const next = Math.max(entry.next_at, isUnconfirmed(entry) ? entry.at : settles)
  return Math.min(next, Math.max(entry.expires_at + times.clockSkew, settles))
}

/** What cleanup would do about an entry now. */
export function entryStep(entry: Retired, times: Times, now: number): 'wait' | 'delete' | 'look' | 'forget' {
  if (now < entryDueAt(entry, times)) return 'wait'
  if (hasExpired(entry, times, now) && now >= entry.at + times.grace) return 'forget'
  return isUnconfirmed(entry) ? 'delete' : 'look'
}

/** Whether `id` stands anywhere in the record: then no other user may have it. */
export function namesIdentity(user: User, id: string): boolean {
  const members = [user, ...Object.values(user.sessions), ...user.retired]
  return members.some(({ user_identity_id }) => user_identity_id === id)
}
