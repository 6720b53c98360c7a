import type { Times } from './times.ts'

/**
 * The record of one subject, and the pure writes of it: each takes a record and returns the one to be written.
 * No I/O and no clock. What must hold between a write and the calls to Seam is DESIGN's fence, told in the README.
 */

/** Let go of: out of the record, perhaps still alive at Seam. Only what stands here is ever deleted there. */
export interface Ended {
  user_identifier_key: string
  /** Absent when the key was let go of before a client session was recorded under it. */
  client_session_id?: string
  at: number
  /** Seam has confirmed the delete. */
  deleted_at?: number
}

export interface User {
  /** The format of this record. There is one so far; the first version to write another will have to read both. */
  schema: 1
  /** A new random value with each write; absent in a record that was never written. */
  revision?: string
  owner: string
  subject: string
  /** Who made it: must be an issuer of the configuration with the caller's namespace. */
  iss: string
  sub: string
  status: 'active' | 'disabled' | 'removed'
  /** Bearer tokens issued before this are refused. */
  not_before?: number
  /** The end date of access. */
  access_until?: number
  connected_account_ids: string[]

  /** The configuration's when the key was made: a key of another generation is let go of. */
  generation: number
  user_identifier_key?: string
  client_session_id?: string
  sealed_token?: string
  session_created_at?: number
  session_expires_at?: number
  session_account_ids?: string[]

  lease_owner?: string
  lease_until?: number
  creations: number
  creations_since: number
  reported_dead_at?: number
  /** Accounts that Seam did not know, and when. */
  unknown_account_ids?: Record<string, number>

  ended: Ended[]
  /** Failed attempts of cleaning up since the last that succeeded. */
  attempts: number
  /** When cleaning up has something to do here. */
  due_at?: number
}

/** A client session as the record knows it. */
export interface RecordedSession {
  client_session_id: string
  sealed_token: string
  created_at: number
  expires_at: number
  account_ids: string[]
}

export function recordedSession(user: User): RecordedSession | undefined {
  if (user.client_session_id === undefined) return undefined
  return {
    client_session_id: user.client_session_id,
    sealed_token: user.sealed_token ?? '',
    created_at: user.session_created_at ?? 0,
    expires_at: user.session_expires_at ?? 0,
    account_ids: user.session_account_ids ?? [],
  }
}

export function newUser(who: Pick<User, 'owner' | 'subject' | 'iss' | 'sub'>, now: number): User {
  return {
    schema: 1,
    ...who,
    status: 'active',
    connected_account_ids: [],
    generation: 0,
    creations: 0,
    creations_since: now,
    ended: [],
    attempts: 0,
  }
}

/** What Seam is asked for: the accounts of the record, without those that Seam lately did not know (law 2). */
export function wantedAccountIds(user: User, times: Times, now: number): string[] {
  const unknown = user.unknown_account_ids ?? {}
  return user.connected_account_ids.filter((id) => now >= (unknown[id] ?? 0) + times.unknownAccount)
}

/** Entries of `ended` whose client session Seam has not confirmed as deleted. */
export function unconfirmed(user: User): (Ended & { client_session_id: string })[] {
  return user.ended.filter(
    (entry): entry is Ended & { client_session_id: string } =>
      entry.client_session_id !== undefined && entry.deleted_at === undefined,
  )
}

/** Entries of `ended` that a list by their key may settle now: confirmed where there was an id, and past the grace. */
export function settleable(user: User, times: Times, now: number): Ended[] {
  return user.ended.filter(
    (entry) =>
      (entry.client_session_id === undefined || entry.deleted_at !== undefined) &&
      now >= entry.at + times.grace,
  )
}

/** A removed record may go once nothing leads from it to Seam any more. */
export function removable(user: User): boolean {
  return user.status === 'removed' && user.user_identifier_key === undefined && user.ended.length === 0
}

/** Whether another act may be calling Seam for this user. */
export function leaseHeld(user: User, now: number): boolean {
  return user.lease_until !== undefined && user.lease_until > now
}

/** When cleaning up has something to do: nothing here moves when a client session is merely extended. */
export function dueAt(user: User, longestAge: number, times: Times): number | undefined {
  const dues = user.ended.map(({ client_session_id, at, deleted_at }) =>
    client_session_id !== undefined && deleted_at === undefined ? at : at + times.grace,
  )
  const session = recordedSession(user)
  if (session !== undefined)
    dues.push(Math.min(session.created_at + longestAge, user.access_until ?? Number.POSITIVE_INFINITY))
  else if (user.user_identifier_key !== undefined) dues.push(user.lease_until ?? 0)
  if (dues.length > 0) return Math.min(...dues)
  return removable(user) ? 0 : undefined
}

// ── The pure writes ────────────────────────────────────────────────────────────────────────────────────────

/** Takes the lease; with `newKey` for a client session that is to be made, without for the one under the recorded key. */
export function claim(
  user: User,
  by: { lease_owner: string; now: number; times: Times; newKey?: { key: string; generation: number } },
): User {
  const { lease_owner, now, times, newKey } = by
  const leased = { ...user, lease_owner, lease_until: now + times.lease }
  if (newKey === undefined) return leased
  const sameWindow = now < user.creations_since + times.budgetWindow
  return {
    ...leased,
    user_identifier_key: newKey.key,
    generation: newKey.generation,
    creations: sameWindow ? user.creations + 1 : 1,
    creations_since: sameWindow ? user.creations_since : now,
  }
}

/**
 * Takes the key and its client session out of the record; the only way by which anything is ever taken away.
 * Also when no session is recorded: a call under that key may still be in flight.
 * `answered` is an id that Seam answered under this very key.
 */
export function letGo(user: User, now: number, answered?: string): User {
  const {
    user_identifier_key,
    client_session_id,
    sealed_token: _token,
    session_created_at: _created,
    session_expires_at: _expires,
    session_account_ids: _accounts,
    lease_owner: _owner,
    lease_until: _until,
    ...rest
  } = user
  if (user_identifier_key === undefined) return user
  const ids = new Set([client_session_id, answered].filter((id) => id !== undefined))
  const entries: Ended[] =
    ids.size === 0
      ? [{ user_identifier_key, at: now }]
      : [...ids].map((id) => ({ user_identifier_key, client_session_id: id, at: now }))
  return { ...rest, ended: [...user.ended, ...entries] }
}

/** Records what Seam answered, and gives the lease back. */
export function commit(user: User, session: RecordedSession): User {
  const { lease_owner: _owner, lease_until: _until, ...rest } = user
  return {
    ...rest,
    client_session_id: session.client_session_id,
    sealed_token: session.sealed_token,
    session_created_at: session.created_at,
    session_expires_at: session.expires_at,
    session_account_ids: session.account_ids,
  }
}

/** Seam has confirmed that these client sessions are deleted. */
export function confirmDeleted(user: User, ids: ReadonlySet<string>, now: number): User {
  const ended = user.ended.map((entry) =>
    entry.client_session_id !== undefined &&
    ids.has(entry.client_session_id) &&
    entry.deleted_at === undefined
      ? { ...entry, deleted_at: now }
      : entry,
  )
  return { ...user, ended }
}

/** Nothing shows at Seam under these let-go keys any more: their entries may be forgotten. */
export function forget(user: User, keys: ReadonlySet<string>): User {
  return { ...user, ended: user.ended.filter(({ user_identifier_key }) => !keys.has(user_identifier_key)) }
}

export function markUnknown(user: User, accountIds: string[], now: number): User {
  const marks = Object.fromEntries(accountIds.map((id) => [id, now]))
  return { ...user, unknown_account_ids: { ...user.unknown_account_ids, ...marks } }
}

/** Seam refused the token of the live client session. */
export function reportDead(user: User, now: number): User {
  return { ...letGo(user, now), reported_dead_at: now }
}

export function grant(user: User, accountIds: string[]): User {
  const all = new Set([...user.connected_account_ids, ...accountIds])
  if (all.size === user.connected_account_ids.length) return user
  return { ...user, connected_account_ids: [...all].sort() }
}

/** Withdrawing what is not there takes nothing away, so the client session stays. */
export function withdraw(user: User, accountIds: string[], now: number): User {
  const gone = new Set(accountIds)
  const kept = user.connected_account_ids.filter((id) => !gone.has(id))
  if (kept.length === user.connected_account_ids.length) return user
  return { ...letGo(user, now), connected_account_ids: kept }
}

/** Disabling and removing take everything away; enabling again gives back nothing but the right to ask. */
export function setStatus(user: User, status: User['status'], now: number): User {
  return { ...(status === 'active' ? user : letGo(user, now)), status }
}

/** Moves the end date of access; an earlier one takes away. */
export function setAccessUntil(user: User, access_until: number | undefined, now: number): User {
  const earlier = (access_until ?? Number.POSITIVE_INFINITY) < (user.access_until ?? Number.POSITIVE_INFINITY)
  const { access_until: _until, ...rest } = earlier ? letGo(user, now) : user
  return access_until === undefined ? rest : { ...rest, access_until }
}

/** Bearer tokens issued before `now` no longer speak for this user. */
export function signOutEverywhere(user: User, now: number): User {
  return { ...letGo(user, now), not_before: now }
}
