import { hash } from 'node:crypto'
import { claimAt } from '../caller/claims.ts'
import type { Issuer } from '../config.ts'

/**
 * Which of a user's client sessions a caller means. PURE. A binding is `<8 hex of issuer name and pointer>.<hash of the
 * claim's value>`; without a `sessionClaim` all callers of the user share one. Nothing in a request body can name one.
 */

export const shared = 'shared'

const longestValue = 256

/** Of all bindings under this issuer; another pointer or name makes other bindings. */
export function bindingPrefix({ name, sessionClaim }: Pick<Issuer, 'name' | 'sessionClaim'>): string {
  return sessionClaim === undefined
    ? shared
    : hash('sha256', JSON.stringify([name, sessionClaim]), 'hex').slice(0, 8)
}

/** Undefined when the token lacks the claim that the configuration names. */
export function bindingOf(claims: Record<string, unknown>, issuer: Issuer): string | undefined {
  if (issuer.sessionClaim === undefined) return shared
  return bindingOfValue(claimAt(claims, issuer.sessionClaim), issuer)
}

export function bindingOfValue(value: unknown, issuer: Issuer): string | undefined {
  if (typeof value !== 'string' || value.length === 0 || value.length > longestValue) return undefined
  return `${bindingPrefix(issuer)}.${hash('sha256', value, 'base64url').slice(0, 22)}`
}

/** The binding that a provider's logout names by its `sid`; undefined where sessions are bound to something else. */
export function bindingOfSid(sid: unknown, issuer: Issuer): string | undefined {
  return issuer.sessionClaim === '/sid' ? bindingOfValue(sid, issuer) : undefined
}

export function prefixOf(binding: string): string {
  return binding.split('.', 1)[0] ?? ''
}
