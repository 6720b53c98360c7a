import type { Configuration } from '../config.ts'
import { refreshMarginOf, type Times } from '../times.ts'
import { bindingPrefix, prefixOf, shared } from './binding.ts'

/** The terms of client sessions. PURE. */

export type Terms = ReturnType<typeof termsOf>

const second = 1000
const day = 24 * 3600 * second
/** Without `maxTokenAgeSeconds`, bearer tokens of a user with a tombstone or an ended login count for this long. */
const longestTokenAge = 30 * day

/** The terms of client sessions that a configuration and its times lead to. */
export function termsOf({ clientSession, generation, limits, issuers }: Configuration, times: Times) {
  const lifetime = clientSession.lifetimeSeconds * second
  const tolerance = Math.max(...issuers.map(({ clockToleranceSeconds }) => clockToleranceSeconds)) * second
  const tokenAge = Math.max(
    ...issuers.map(({ maxTokenAgeSeconds: age }) => (age === undefined ? longestTokenAge : age * second)),
  )
  const longestAges: Record<string, number> = {}
  for (const issuer of issuers) {
    const prefix = bindingPrefix(issuer)
    const age = (issuer.longestAgeSeconds ?? clientSession.longestAgeSeconds) * second
    // A shared session may serve the one issuer whose devices want it longest.
    longestAges[prefix] = Math.max(longestAges[prefix] ?? 0, age)
  }
  return {
    /** Of a client session, ms. */
    lifetime,
    /** Before `expires_at`, ms: from then on a client session is extended. */
    refreshMargin: refreshMarginOf(lifetime, times),
    /** After which age, ms, a client session is replaced instead of extended, by binding prefix. Others are retired. */
    longestAges,
    generation,
    /** New client sessions per user and budget window. */
    creations: limits.creationsPerHour,
    /** Client sessions that a user may have at once. */
    sessions: limits.sessionsPerUser,
    /** How long the record remembers what a late message could bring back, ms. */
    kept: {
      /** Logins, and what was withdrawn. */
      logins: times.eventKept + 2 * times.clockSkew,
      /** Logins that a provider has ended. */
      ended: tokenAge + tolerance + 2 * times.clockSkew,
      /** A tombstone without anything at Seam. */
      tombstones: Math.max(longestTokenAge, tokenAge) + tolerance,
    },
    times,
  }
}

/** Undefined for a binding that no issuer of the configuration makes. */
export function longestAgeOf(terms: Terms, binding: string): number | undefined {
  const prefix = prefixOf(binding)
  return Object.hasOwn(terms.longestAges, prefix) ? terms.longestAges[prefix] : undefined
}

/** New client sessions of one binding in a budget window: a login that asks again and again leaves some to the others. */
export function creationsOf(terms: Terms, binding: string): number {
  return binding === shared ? terms.creations : Math.ceil(terms.creations / 4)
}
