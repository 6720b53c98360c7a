import type { Issuer } from '../config.ts'
import type { StepUp } from '../http/problem.ts'
import { aheadAtMost, claimAt } from './claims.ts'

/**
 * What the sign-in behind a token lacks (RFC 9470); undefined when it is recent and strong enough. PURE. Refreshing a token
 * moves its `iat`, never its `auth_time`, so only that counts; a missing claim satisfies nothing. `now` in milliseconds.
 */
export function stepUpFor(claims: Record<string, unknown>, issuer: Issuer, now: number): StepUp | undefined {
  const { maxAuthAgeSeconds: max_age, acrValues: acr_values } = issuer
  const signedInAt = claimAt(claims, issuer.authTimeClaim)
  const age = typeof signedInAt === 'number' ? now / 1000 - signedInAt : Infinity
  const isRecent =
    max_age === undefined || (age <= max_age + issuer.clockToleranceSeconds && age >= -aheadAtMost)
  const acr = [claimAt(claims, issuer.acrClaim)].flat()
  const isStrong = acr_values === undefined || acr_values.some((one) => acr.includes(one))
  if (isRecent && isStrong) return undefined
  return { acr_values, max_age }
}
