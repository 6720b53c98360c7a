import type { Times } from '../times.ts'
import type { RecordedSession, Retired, Session, User } from './user.ts'
import { defined, everyAccount, leaseHeld, sessionOf } from './user.ts'

/** The pure writes: each takes a record and returns the one to be written. */

/**
 * Takes sessions out of the record; the only way by which access is ever taken away. Also when no answer is recorded,
 * because a call under that key may be in flight. `answered`: an id that Seam answered under this very key.
 */
export function retire(user: User, bindings: Iterable<string>, now: number, answered?: string): User {
  const sessions = { ...user.sessions }
  const entries: Retired[] = []
  for (const binding of bindings) {
    const session = sessionOf(user, binding)
    if (session === undefined) continue
    delete sessions[binding]
    entries.push(...entriesOf(session, binding, now, answered))
  }
  return entries.length === 0 ? user : { ...user, sessions, retired: [...user.retired, ...entries] }
}

export function retireAll(user: User, now: number): User {
  return retire(user, Object.keys(user.sessions), now)
}

function entriesOf(session: Session, binding: string, now: number, answered: string | undefined): Retired[] {
  const { user_identifier_key, client_session_id, user_identity_id, asked_until, expires_at = 0 } = session
  const ids = new Set([client_session_id, answered].filter((id) => id !== undefined))
  return [...(ids.size === 0 ? [undefined] : ids)].map((id) =>
    defined({
      user_identifier_key,
      binding,
      client_session_id: id,
      user_identity_id,
      at: now,
      // What was asked, not what was answered: an answer can be wrong, and a late call brings what it asked for.
      expires_at: Math.max(asked_until, expires_at),
      tries: 0,
      next_at: now,
    }),
  )
}

/** Takes the lease; with `newKey` for a session that is to be made, without for the one in the record. */
export function claim(
  user: User,
  binding: string,
  by: {
    lease_owner: string
    now: number
    asked_until: number
    times: Times
    newKey?: { key: string; generation: number }
  },
): User {
  const { lease_owner, now, asked_until, times, newKey } = by
  const lease = { lease_owner, lease_until: now + times.lease }
  if (newKey !== undefined) {
    const { key: user_identifier_key, generation } = newKey
    const { user_identity_id } = user
    const made = { user_identifier_key, generation, asked_until, user_identity_id, ...lease, claimed_at: now }
    return withSession(countCreation(user, binding, now, times), binding, made)
  }
  const session = sessionOf(user, binding)
  if (session === undefined) throw new Error('there is no session to claim')
  const latest = Math.max(session.asked_until, asked_until)
  return withSession(user, binding, { ...session, ...lease, asked_until: latest })
}

function countCreation(user: User, binding: string, now: number, { budgetWindow }: Times): User {
  const oneMore = (creations: number, since: number) =>
    now < since + budgetWindow ? { creations: creations + 1, since } : { creations: 1, since: now }
  const all = oneMore(user.creations, user.creations_since)
  const used = user.recent[binding]
  const ofBinding = { ...used, ...oneMore(used?.creations ?? 0, used?.since ?? Number.NEGATIVE_INFINITY) }
  return {
    ...user,
    creations: all.creations,
    creations_since: all.since,
    recent: { ...user.recent, [binding]: ofBinding },
  }
}

/** Records what Seam answered, and releases the lease. `asked`: the accounts that the call named. */
export function commit(
  user: User,
  binding: string,
  answer: Pick<RecordedSession, 'client_session_id' | 'sealed_token' | 'created_at' | 'expires_at'>,
  asked: string[],
): User {
  const session = sessionOf(user, binding)
  if (session === undefined) return user
  const { client_session_id, sealed_token, created_at, expires_at } = answer
  const next = { ...session, ...noLease, client_session_id, sealed_token, created_at, expires_at }
  // By the record as it is now: what was granted since the claim was not asked for.
  return withSession(user, binding, withLacks(next, missing(user.connected_account_ids, asked)))
}

/** Gives a lease back whose call failed. `before`: the accounts of the record when it was taken. */
export function release(user: User, binding: string, before: string[]): User {
  const session = sessionOf(user, binding)
  if (session === undefined) return user
  const lacks = [...new Set([...(session.lacks ?? []), ...missing(user.connected_account_ids, before)])]
  return withSession(user, binding, withLacks({ ...session, ...noLease }, lacks))
}

/** Seam has confirmed that these entries are gone. */
export function confirm(user: User, entries: Iterable<Retired>, now: number): User {
  const settled = ({ deleted_at = now }: Retired) => ({ deleted_at, tries: 0, next_at: now })
  return changeEntries(user, entries, (entry) => ({ ...entry, ...settled(entry) }))
}

/** An attempt failed: this entry, and no other, is tried later. */
export function postpone(user: User, entry: Retired, nextAt: number): User {
  return changeEntries(user, [entry], (found) => ({ ...found, tries: found.tries + 1, next_at: nextAt }))
}

/** Every entry is due as if no attempt had failed. */
export function withoutBackoff(user: User): User {
  return { ...user, retired: user.retired.map((entry) => ({ ...entry, next_at: entry.at })) }
}

/** Nothing shows at Seam under these keys, or nothing can be alive there. */
export function forget(user: User, entries: Iterable<Retired>): User {
  const gone = new Set([...entries].map(entryName))
  return { ...user, retired: user.retired.filter((entry) => !gone.has(entryName(entry))) }
}

function changeEntries(user: User, entries: Iterable<Retired>, change: (entry: Retired) => Retired): User {
  const named = new Set([...entries].map(entryName))
  const retired = user.retired.map((entry) => (named.has(entryName(entry)) ? change(entry) : entry))
  return { ...user, retired }
}

const entryName = ({ user_identifier_key, client_session_id = '' }: Retired) =>
  `${user_identifier_key} ${client_session_id}`

export function markUnknown(user: User, accountIds: string[], now: number): User {
  const marks = Object.fromEntries(accountIds.map((id) => [id, now]))
  const unknown_account_ids = { ...user.unknown_account_ids, ...marks }
  return defined({ ...user, unchecked_since: undefined, unknown_account_ids })
}

/** Seam refused the token of this binding's session. Counted per binding, where it survives the session. */
export function reportDead(user: User, binding: string, now: number): User {
  const used = user.recent[binding] ?? { creations: 0, since: now }
  const reported = { ...user.recent, [binding]: { ...used, reported_dead_at: now } }
  return { ...retire(user, [binding], now), recent: reported }
}

/** Adds accounts; every session whose lease nobody holds lacks them until it is widened. */
export function grant(user: User, accountIds: string[], now: number): User {
  const added = missing([...new Set(accountIds)], user.connected_account_ids)
  if (added.length === 0) return user
  const sessions = Object.entries(user.sessions).map(([binding, session]) => [
    binding,
    leaseHeld(session, now) ? session : withLacks(session, [...(session.lacks ?? []), ...added]),
  ])
  return {
    ...user,
    connected_account_ids: [...user.connected_account_ids, ...added].sort(),
    sessions: Object.fromEntries(sessions),
  }
}

/** Taking away what is not there retires nothing, but is remembered: a login told late must not bring it back. */
export function withdraw(user: User, accountIds: string[], now: number): User {
  if (accountIds.length === 0) return user
  const gone = new Set(accountIds)
  const kept = user.connected_account_ids.filter((id) => !gone.has(id))
  const withdrawn = { ...user.withdrawn, ...Object.fromEntries(accountIds.map((id) => [id, now])) }
  if (kept.length === user.connected_account_ids.length) return { ...user, withdrawn }
  return { ...retireAll(user, now), connected_account_ids: kept, withdrawn }
}

/** Makes these the accounts, and no others: a login from before, told late, adds nothing to them. */
export function setAccountIds(user: User, accountIds: string[], now: number): User {
  const kept = withdraw(user, missing(user.connected_account_ids, accountIds), now)
  return grant({ ...kept, withdrawn: { ...kept.withdrawn, [everyAccount]: now } }, accountIds, now)
}

/** One write marks a login as done and adds its account, where it gives one. */
export function recordLogin(user: User, mark: string, accountIds: string[], now: number): User {
  return { ...grant(user, accountIds, now), logins: { ...user.logins, [mark]: now } }
}

/** An operator's disable stands above a provider's. */
export function disable(user: User, by: 'operator' | 'provider', now: number): User {
  if (user.status === 'removed') return user
  if (user.status === 'disabled' && by === 'provider') return user
  return { ...retireAll(user, now), status: 'disabled', disabled_by: by }
}

/** Gives back nothing but the right to ask. A provider lifts only its own. */
export function enable(user: User, by: 'operator' | 'provider'): User {
  if (user.status !== 'disabled') return user
  if (by === 'provider' && user.disabled_by !== 'provider') return user
  return defined({ ...user, status: 'active', disabled_by: undefined })
}

/** The provider disabled or enabled this user at `at`, ms. Events come in any order; at equal times disable wins. */
export function providerStatus(user: User, status: 'active' | 'disabled', at: number, now: number): User {
  const last = user.provider_event_at ?? Number.NEGATIVE_INFINITY
  if (status === 'active' ? at <= last : at < last) return user
  const changed = status === 'active' ? enable(user, 'provider') : disable(user, 'provider', now)
  return { ...changed, provider_event_at: at }
}

/** The provider has deleted this person: disabled as by the operator. Told again, it undoes no operator’s `enable`. */
export function purge(user: User, at: number, now: number): User {
  if (at <= (user.purged_at ?? Number.NEGATIVE_INFINITY)) return user
  return { ...disable(user, 'operator', now), purged_at: at }
}

/** What stays is a tombstone: what was refused once stays refused when the subject comes back. */
export function remove(user: User, now: number): User {
  return defined({
    ...setAccountIds(retireAll(user, now), [], now),
    user_identity_id: undefined,
    access_until: undefined,
    disabled_by: undefined,
    unknown_account_ids: undefined,
    unchecked_since: undefined,
    status: 'removed',
    not_before: Math.max(user.not_before ?? 0, now),
  })
}

/** An operator's grant makes a removed user active again; what was signed out stays so. */
export function revive(user: User): User {
  return user.status === 'removed' ? { ...user, status: 'active' } : user
}

/** Moves the end date of access; an earlier one takes away. */
export function setAccessUntil(user: User, access_until: number | undefined, now: number): User {
  const earlier = (access_until ?? Number.POSITIVE_INFINITY) < (user.access_until ?? Number.POSITIVE_INFINITY)
  return defined({ ...(earlier ? retireAll(user, now) : user), access_until })
}

/** Another identity takes away what the one before opened. */
export function setIdentity(user: User, user_identity_id: string | undefined, now: number): User {
  const isSame = user.user_identity_id === user_identity_id
  return defined({ ...(isSame ? user : retireAll(user, now)), user_identity_id })
}

/** Bearer tokens issued before `now` no longer speak for this user. */
export function signOutEverywhere(user: User, now: number): User {
  return { ...retireAll(user, now), not_before: Math.max(user.not_before ?? 0, now) }
}

/** The provider says that this person signed out at `iat`, ms; whoever signed in since gets a new session at once. */
export function providerSignOut(user: User, iat: number, now: number): User {
  if (iat <= (user.not_before ?? Number.NEGATIVE_INFINITY)) return user
  return { ...retireAll(user, now), not_before: iat }
}

/** The provider says that this login has ended, whatever its age: its bearer tokens are refused from now on. */
export function endLogin(user: User, binding: string, iat: number, now: number): User {
  const before = user.ended[binding] ?? 0
  return { ...retire(user, [binding], now), ended: { ...user.ended, [binding]: Math.max(before, iat) } }
}

/** Those of `all` that `some` lacks. */
export function missing(all: string[], some: string[]): string[] {
  const there = new Set(some)
  return all.filter((one) => !there.has(one))
}

function withSession(user: User, binding: string, session: Session): User {
  return { ...user, sessions: { ...user.sessions, [binding]: defined(session) } }
}

function withLacks(session: Session, lacks: string[]): Session {
  return defined({ ...session, lacks: lacks.length === 0 ? undefined : lacks.toSorted() })
}

const noLease = { lease_owner: undefined, lease_until: undefined }
