import { createLocalJWKSet, errors, type JWK } from 'jose'
import type { Issuer } from '../config.ts'
import type { Deadline } from '../deadline.ts'
import { Problem } from '../problem.ts'
import type { Times } from '../times.ts'
import { fetchKeySet, isKeySet, KeySetError, type KeySetFault } from './key-set.ts'

/** An issuer's keys as the table keeps them, so that a cold start does not need the identity provider. */
export interface StoredKeySet {
  issuer: string
  /** Where the configuration said to look; absent: in the discovery document. */
  jwks_uri?: string
  keys: JWK[]
  /** Epoch milliseconds. */
  fetched_at: number
}

/** A trust anchor: whoever can write here can sign in as anybody. */
export interface KeyStore {
  readKeySet(name: string): Promise<StoredKeySet | undefined>
  writeKeySet(name: string, keySet: StoredKeySet): Promise<void>
}

/**
 * The keys that may have signed a token with this header: none when the issuer has no such key, more than one
 * only for a token without `kid`. `stale`: the issuer could not confirm them for longer than `freshFor`.
 * `issuer_keys_unavailable` when that cannot be known now.
 */
export type FindKeys = (
  issuer: Issuer,
  header: { alg: string; kid?: string },
  deadline: Deadline,
) => Promise<{ keys: CryptoKey[]; stale: boolean }>

/** A key that its issuer has withdrawn opens nothing after this long, while the issuer can be reached. */
export const freshFor = 10 * 60_000
/** … and after this long in any case: an outage of the issuer logs nobody out for as long. */
export const staleFor = 24 * 60 * 60_000
/** Looks for unknown keys that may follow each other at once; another one with every cooldown that passes. */
const spareLooks = 3
/** A token without `kid` is tried with so many keys. */
const mostCandidates = 4

/** What one process knows of one issuer. Ages are judged when used: the process may have been frozen for hours. */
interface Ring {
  known?: { set: StoredKeySet; resolve: ReturnType<typeof createLocalJWKSet> }
  /** The last attempt at the issuer, and how it failed if it did. */
  attemptedAt: number
  failure?: KeySetFault
  spare: number
  spareSince: number
  looking?: Promise<void>
}

export function keyFinder(edges: {
  store: KeyStore
  fetch: typeof fetch
  clock: () => number
  times: Times
  /** Plain http to loopback addresses: the local world only. */
  loopback?: boolean
}) {
  const { store, clock, times } = edges
  const rings = new Map<string, Ring>()
  /** A set that is younger says all there is to say about an unknown key. */
  const justFetched = times.keySetCooldown / 6

  const findKeys: FindKeys = async (issuer, header, deadline) => {
    const ring = ringOf(issuer)
    const isFresh = () => ageOf(ring.known?.set) < freshFor
    if (!isFresh() && mayAttempt(ring)) await look(issuer, ring, isFresh, deadline)
    if (ageOf(ring.known?.set) >= staleFor) throw unavailable(ring)

    let keys = await matching(ring, header)
    const isJustFetched = () => ageOf(ring.known?.set) < justFetched
    // A key that is new at the issuer must not be refused until a cooldown is over.
    while (keys.length === 0 && !isJustFetched() && mayLookAgain(ring)) {
      await look(issuer, ring, isJustFetched, deadline)
      keys = await matching(ring, header)
    }
    // Law 8: a key that could not be looked for is not an unknown key.
    if (keys.length === 0 && ring.failure !== undefined) throw unavailable(ring)
    return { keys, stale: !isFresh() }
  }

  return Object.assign(findKeys, {
    /** What another process has left in the table, known before anybody asks. Never asks the issuer. */
    async recall(issuer: Issuer): Promise<void> {
      const stored = await readStored(issuer)
      if (stored === undefined) return
      know(ringOf(issuer), stored)
      // Imported when they are first used, and here nobody waits yet.
      for (const { kid, alg = issuer.algorithms[0] } of stored.keys)
        await matching(ringOf(issuer), { alg, kid } as { alg: string; kid?: string })
    },
  })

  function ringOf({ name }: Issuer): Ring {
    const ring = rings.get(name) ?? { attemptedAt: -Infinity, spare: spareLooks, spareSince: clock() }
    rings.set(name, ring)
    return ring
  }

  /** A failure is not repeated before its cooldown is over; a success is followed by nothing until keys age. */
  function mayAttempt(ring: Ring): boolean {
    return ring.failure === undefined || clock() >= ring.attemptedAt + times.keySetCooldown
  }

  /** Joining a look costs nothing, also in the midst of a rotation under load. */
  function mayLookAgain(ring: Ring): boolean {
    return ring.looking !== undefined || (mayAttempt(ring) && takeSpare(ring))
  }

  /** A flood of unknown keys costs the issuer, and the table, no more than these. */
  function takeSpare(ring: Ring): boolean {
    const regained = Math.floor((clock() - ring.spareSince) / times.keySetCooldown)
    if (regained > 0) {
      ring.spare = Math.min(spareLooks, ring.spare + regained)
      ring.spareSince += regained * times.keySetCooldown
    }
    if (ring.spare === 0) return false
    ring.spare -= 1
    return true
  }

  /** In the table first, where another process may have left newer keys; one look at a time, shared by all who wait. */
  async function look(...[issuer, ring, isEnough, deadline]: Parameters<typeof lookOnce>) {
    ring.looking ??= lookOnce(issuer, ring, isEnough, deadline).finally(() => delete ring.looking)
    await ring.looking
  }

  async function lookOnce(issuer: Issuer, ring: Ring, isEnough: () => boolean, deadline: Deadline) {
    const stored = await readStored(issuer)
    if (stored !== undefined && ageOf(stored) < ageOf(ring.known?.set)) know(ring, stored)
    if (isEnough()) return
    ring.attemptedAt = clock()
    try {
      const keys = await fetchKeySet(issuer, edges, deadline)
      const { issuer: address, jwksUri } = issuer
      const set: StoredKeySet = {
        issuer: address,
        ...(jwksUri !== undefined && { jwks_uri: jwksUri }),
        keys,
        fetched_at: ring.attemptedAt,
      }
      know(ring, set)
      // Without the table every cold start asks the issuer: slower, not wrong.
      await store.writeKeySet(issuer.name, set).catch(() => undefined)
    } catch (error) {
      if (!(error instanceof KeySetError)) throw error
      ring.failure = error.fault
    }
  }

  /** Only what this configuration would have fetched itself counts. */
  async function readStored({ name, issuer, jwksUri }: Issuer): Promise<StoredKeySet | undefined> {
    const stored = await store.readKeySet(name).catch(() => undefined)
    return stored?.issuer === issuer && stored.jwks_uri === jwksUri && isKeySet(stored) ? stored : undefined
  }

  function know(ring: Ring, set: StoredKeySet): void {
    ring.known = { set, resolve: createLocalJWKSet({ keys: set.keys.filter(isStrong) }) }
    // Also what another process fetched after our attempt failed.
    if (set.fetched_at >= ring.attemptedAt) delete ring.failure
  }

  /** Infinite for what is missing, and for what claims to come from a future beyond the clock skew we accept. */
  function ageOf(set: StoredKeySet | undefined): number {
    const age = clock() - (set?.fetched_at ?? -Infinity)
    return age >= -times.clockSkew ? age : Infinity
  }

  function unavailable({ attemptedAt, failure }: Ring): Problem {
    const retryAfter = (attemptedAt + times.keySetCooldown - clock()) / 1000
    return new Problem('issuer_keys_unavailable', { dependency: 'issuer', reason: failure, retryAfter })
  }
}

/** jose matches `kid`, `alg`, `use`, `key_ops`, key type and curve; it refuses private keys and RSA below 2048 bits. */
async function matching({ known }: Ring, header: { alg: string; kid?: string }): Promise<CryptoKey[]> {
  if (known === undefined) return []
  try {
    return [await known.resolve(header)]
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) return []
    const keys: CryptoKey[] = []
    for await (const key of error) if (keys.push(key) === mostCandidates) break
    return keys
  }
}

/** With an exponent of 1 a signature is its own padding, which anybody can write. Absent in keys that are not RSA. */
function isStrong({ e }: JWK): boolean {
  if (e === undefined) return true
  const exponent = BigInt(`0x0${Buffer.from(String(e), 'base64url').toString('hex')}`)
  return exponent >= 65_537n && exponent % 2n === 1n
}
