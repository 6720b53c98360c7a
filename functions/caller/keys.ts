import type { JWK } from 'jose'
import type { Issuer } from '../config.ts'
import type { Deadline } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import type { KeyFault } from './claims.ts'
import { matchingKeys, usableKey } from './key-match.ts'
import { discover, fetchKeySet, type KeySetDeps, KeySetError, type KeySetFault, keysIn } from './key-set.ts'

/** An issuer's keys as the table keeps them, so that a cold start does not need the identity provider. */
export interface StoredKeySet {
  issuer: string
  /** Where the configuration said to look; absent: in the discovery document. */
  jwks_uri?: string
  keys: JWK[]
  /** Epoch milliseconds. */
  fetched_at: number
  /** Where the discovery document said to look, and when, in epoch milliseconds. */
  discovered?: { jwks_uri: string; at: number }
}

/** A trust anchor: anyone who can write here can sign in as anybody. */
export interface KeyStore {
  readKeySet(name: string): Promise<StoredKeySet | undefined>
  writeKeySet(name: string, keySet: StoredKeySet): Promise<void>
}

/** `again`: those found before have not signed the token; the issuer may have replaced one under its old name. */
export type FindKeys = (
  issuer: Issuer,
  header: KeyHeader,
  deadline: Deadline,
  how?: { again: boolean },
) => Promise<FoundKeys>
/** `fault`: why the key that was meant is not used, where there is one. */
type FoundKeys = { keys: CryptoKey[]; fault?: KeyFault; stale: boolean }
type KeyHeader = { alg: string; kid?: string }

export interface KeyDeps extends KeySetDeps {
  store: KeyStore
  /** Epoch milliseconds. */
  clock: () => number
}

/** A key that its issuer has withdrawn opens nothing after this long, while the issuer can be reached. */
export const freshFor = 10 * 60_000
/** If the issuer is down, cached keys keep working for this long. */
export const staleFor = 24 * 60 * 60_000
/** So long the keys are looked for where the discovery document said, without asking it. */
const discoveredFor = 60 * 60_000
/** Refreshes for unknown keys that may follow each other at once; one more with every cooldown that passes. */
const spareRefreshes = 3

/** What this process knows of one issuer's keys. Ages are judged when used: the process may have been frozen for hours. */
interface Ring extends KeyDeps {
  issuer: Issuer
  known?: StoredKeySet
  /** The last attempt at the issuer, and how it failed if it did. */
  attemptedAt: number
  failure?: KeySetFault
  discovered?: StoredKeySet['discovered']
  spare: number
  spareSince: number
  refreshing?: Promise<void>
}

/** `recall` reads what another process has left in the table, before anybody waits for it; it never asks the issuer. */
export function keyFinder(deps: KeyDeps) {
  const rings = new Map<string, Ring>()
  const ringOf = (issuer: Issuer): Ring => {
    const fresh = { attemptedAt: -Infinity, spare: spareRefreshes, spareSince: deps.clock() }
    const ring = rings.get(issuer.name) ?? { ...deps, issuer, ...fresh }
    rings.set(issuer.name, ring)
    return ring
  }
  const find: FindKeys = (issuer, ...how) => findKeys(ringOf(issuer), ...how)
  return Object.assign(find, { recall: (issuer: Issuer) => recall(ringOf(issuer)) })
}

/**
 * The keys that may have signed a token with this header: none when the issuer has no such key, or, `again`, when
 * there is no more to say than before. `stale`: the issuer could not confirm them for longer than `freshFor`.
 * Throws `issuer_keys_unavailable` when that cannot be known now.
 */
async function findKeys(
  ring: Ring,
  header: KeyHeader,
  deadline: Deadline,
  { again } = { again: false },
): Promise<FoundKeys> {
  const isFresh = () => ageOf(ring, ring.known) < freshFor
  if (!isFresh() && mayAttempt(ring)) await refresh(ring, isFresh, deadline)
  if (ageOf(ring, ring.known) >= staleFor) throw unavailable(ring)

  // A younger set says all there is to say about an unknown key.
  const isJustFetched = () => ageOf(ring, ring.known) < ring.times.keySetCooldown / 6
  const matching = () => matchingKeys(ring.known?.keys ?? [], header)
  let found = again && !isJustFetched() ? { keys: [] } : await matching()
  // A key that is new at the issuer must not be refused until a cooldown is over.
  while (found.keys.length === 0 && !isJustFetched() && mayRefreshAgain(ring)) {
    await refresh(ring, isJustFetched, deadline)
    found = await matching()
  }
  if (found.keys.length > 0 || again) return { ...found, stale: !isFresh() }
  // Law 8: a key that could not be looked for is not an unknown key.
  if (ring.failure !== undefined) throw unavailable(ring)
  // The issuer may have moved its keys.
  delete ring.discovered
  return { ...found, stale: !isFresh() }
}

async function recall(ring: Ring): Promise<void> {
  const stored = await readStored(ring)
  if (stored === undefined) return
  remember(ring, stored)
  // Keys are imported at their first use; here nobody waits for it yet.
  const [usual = ''] = ring.issuer.algorithms
  for (const jwk of stored.keys) await usableKey(jwk, jwk.alg ?? usual)
}

/** A failure is not repeated before its cooldown is over; a success is followed by nothing until keys age. */
function mayAttempt({ failure, attemptedAt, clock, times }: Ring): boolean {
  return failure === undefined || clock() >= attemptedAt + times.keySetCooldown
}

/** Joining a refresh costs nothing, also in the midst of a rotation under load. */
function mayRefreshAgain(ring: Ring): boolean {
  return ring.refreshing !== undefined || (mayAttempt(ring) && takeSpare(ring))
}

/** Limits what a flood of unknown keys costs the issuer and the table. */
function takeSpare(ring: Ring): boolean {
  const cooldown = ring.times.keySetCooldown
  const regained = Math.floor((ring.clock() - ring.spareSince) / cooldown)
  if (regained > 0) {
    ring.spare = Math.min(spareRefreshes, ring.spare + regained)
    ring.spareSince += regained * cooldown
  }
  if (ring.spare === 0) return false
  ring.spare -= 1
  return true
}

/** One at a time, shared by all who wait. */
async function refresh(ring: Ring, isEnough: () => boolean, deadline: Deadline): Promise<void> {
  ring.refreshing ??= refreshOnce(ring, isEnough, deadline).finally(() => delete ring.refreshing)
  await ring.refreshing
}

/** From the table first, where another process may have left newer keys. */
async function refreshOnce(ring: Ring, isEnough: () => boolean, deadline: Deadline): Promise<void> {
  const stored = await readStored(ring)
  if (stored !== undefined && ageOf(ring, stored) < ageOf(ring, ring.known)) remember(ring, stored)
  if (isEnough()) return
  ring.attemptedAt = ring.clock()
  try {
    const { name, issuer, jwksUri } = ring.issuer
    const keys = await fetchKeySet(ring, jwksUri ?? (await discoveredAddress(ring, deadline)), deadline)
    const { attemptedAt: fetched_at, discovered } = ring
    const set: StoredKeySet = { issuer, jwks_uri: jwksUri, keys, fetched_at, discovered }
    remember(ring, set)
    // If this fails, every cold start asks the issuer: slower, not wrong.
    await ring.store.writeKeySet(name, set).catch(() => undefined)
  } catch (error) {
    if (!(error instanceof KeySetError)) throw error
    ring.failure = error.fault
    // The keys may have moved; of a slow issuer the next attempt needs the keys alone.
    if (error.fault !== 'timeout') delete ring.discovered
  }
}

async function discoveredAddress(ring: Ring, deadline: Deadline): Promise<string> {
  const { discovered, attemptedAt, issuer } = ring
  if (discovered !== undefined && Math.abs(attemptedAt - discovered.at) < discoveredFor)
    return discovered.jwks_uri
  const jwks_uri = await discover(ring, issuer.issuer, deadline)
  ring.discovered = { jwks_uri, at: attemptedAt }
  return jwks_uri
}

/** Only what this configuration would have fetched itself counts. */
async function readStored({ store, issuer }: Ring): Promise<StoredKeySet | undefined> {
  const stored = await store.readKeySet(issuer.name).catch(() => undefined)
  if (stored?.issuer !== issuer.issuer || stored.jwks_uri !== issuer.jwksUri) return undefined
  const keys = keysIn(stored)
  return keys && { ...stored, keys }
}

function remember(ring: Ring, set: StoredKeySet): void {
  ring.known = set
  if (set.discovered !== undefined) ring.discovered = set.discovered
  // Also when another process fetched it after our attempt failed.
  if (set.fetched_at >= ring.attemptedAt) delete ring.failure
}

/** Infinite for a missing set, and for one dated further in the future than the clock skew we accept. */
function ageOf({ clock, times }: Ring, set: StoredKeySet | undefined): number {
  const age = clock() - (set?.fetched_at ?? -Infinity)
  return age >= -times.clockSkew ? age : Infinity
}

function unavailable({ attemptedAt, failure, clock, times }: Ring): Problem {
  const retryAfter = (attemptedAt + times.keySetCooldown - clock()) / 1000
  return new Problem('issuer_keys_unavailable', { dependency: 'issuer', reason: failure, retryAfter })
}
