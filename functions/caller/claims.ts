import type { ClaimRule, Issuer } from '../config.ts'

/**
 * What an issuer's tokens must say. PURE: no I/O, no clock. What a fresh sign-in may change is checked before the
 * signature, because it is cheap; the rest (subject, claim rules) after it, because its answer tells more than "no".
 */

type Claims = Record<string, unknown>

/** Why a token is refused; for the log. */
export type ClaimsFault = NonNullable<ReturnType<typeof headerFault> | ReturnType<typeof claimsFault>>

/** Why a published key verifies nothing: a fixed word for the log, and what follows "the key" for the operator. */
export const keyFaults = {
  key_of_another_algorithm: 'is for another algorithm',
  key_may_not_verify: 'may not verify signatures, by its `use` or `key_ops`',
  key_private: 'is published with private members, so anybody can sign with it',
  key_malformed: 'is malformed',
  key_too_short: 'is too short: RSA needs 2048 bits',
  key_exponent: 'has an unsafe exponent: it must be odd, and at least 65,537',
}
export type KeyFault = keyof typeof keyFaults

/**
 * Header parameters with which a token would bring its own key or ask to be read in another way (RFC 7515 §4.1, RFC 7797).
 * What points at keys (`jku`, `x5u`) or is a certificate (`x5c`, `x5t`) is ignored: SAP and Entra send it, and keys
 * come from the configured issuer alone.
 */
const forbiddenParameters = ['jwk', 'crit', 'b64']

/** Without a `typ` of its own an issuer's tokens must at least not say that they are something else (RFC 8725 §3.11). */
const usualTypes = ['jwt', 'at+jwt']

const longestKeyId = 255
/** OpenID Connect Core §2. */
const longestSubject = 255
/** Seconds that an issuer's clock may be ahead of ours in `iat`. */
export const aheadAtMost = 30
/** The last second that a `Date` can tell (ECMA-262). */
const lastSecond = 8.64e12

export function headerFault(header: Record<string, unknown>, issuer: Issuer) {
  const { alg, kid, typ } = header
  if (!issuer.algorithms.some((allowed) => allowed === alg)) return 'algorithm'
  if (forbiddenParameters.some((name) => Object.hasOwn(header, name))) return 'header'
  if (kid !== undefined && !isKeyId(kid)) return 'key_id'
  const types = issuer.typ === undefined ? usualTypes : [mediaType(issuer.typ)]
  const isOfType = typeof typ === 'string' && types.includes(mediaType(typ))
  return isOfType || (typ === undefined && issuer.typ === undefined) ? undefined : 'type'
}

export function isKeyId(value: unknown): boolean {
  return typeof value === 'string' && value.length <= longestKeyId
}

/** RFC 7515 §4.1.9: case does not count, and `application/` may be left out. */
export function mediaType(typ: string): string {
  return typ.toLowerCase().replace(/^application\//, '')
}

/** `now` in epoch milliseconds. */
export function claimsFault(claims: Claims, issuer: Issuer, now: number) {
  if (!isMeantForUs(claims, issuer)) return 'audience'
  // Presented as plain bearer, a token that is bound to a key (DPoP, mTLS; RFC 7800) may be a stolen one.
  if (Object.hasOwn(claims, 'cnf')) return 'bound_to_a_key'
  // A logout token or another security event (RFC 8417), signed with the same keys and often for the same client id.
  if (Object.hasOwn(claims, 'events')) return 'security_event'
  return timeFault(claims, issuer, now / 1000)
}

function timeFault(claims: Claims, issuer: Issuer, now: number) {
  const { exp, nbf, iat } = claims
  const tolerance = issuer.clockToleranceSeconds
  if (exp === undefined) return 'expiry_missing'
  if (!isTime(exp) || !(nbf === undefined || isTime(nbf)) || !(iat === undefined || isTime(iat)))
    return 'time'
  if (now >= exp + tolerance) return 'expired'
  if (nbf !== undefined && now < nbf - tolerance) return 'not_yet_valid'
  if (issuer.maxTokenAgeSeconds === undefined) return undefined
  if (iat === undefined) return 'issue_time_missing'
  return now > iat + issuer.maxTokenAgeSeconds + tolerance ? 'too_old' : undefined
}

/** How much too early a verified token was issued, in seconds; not positive: in time. `now` in epoch milliseconds. */
export function issuedAhead({ iat }: Claims, now: number): number {
  return typeof iat === 'number' ? iat - aheadAtMost - now / 1000 : 0
}

/** A NumericDate (RFC 7519 §2) of this world: JSON's `1e999` is Infinity, and would never expire. */
export function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= lastSecond
}

/** An `aud`, if present, must match even where another claim carries the audience (RFC 7519 §4.1.3). */
function isMeantForUs(claims: Claims, issuer: Issuer): boolean {
  const named = claimAt(claims, issuer.audienceClaim)
  return names(named, issuer.audiences) && (claims.aud === undefined || names(claims.aud, issuer.audiences))
}

export function names(audience: unknown, ours: string[]): boolean {
  const audiences = Array.isArray(audience) ? audience : [audience]
  return audiences.every((name) => typeof name === 'string') && audiences.some((name) => ours.includes(name))
}

/**
 * What may not stand in a subject: blanks at its ends, line breaks, control characters, halves of surrogate pairs (all of
 * which would hash to one owner), and what is not seen (RFC 8264 §9.13) or changes the direction of writing. A joiner may
 * where it is spelling: after a vowel sign or virama, or between letters (as in RFC 5892 A.1).
 */
const unusableInSubject =
  /^\p{Zs}|\p{Zs}$|(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}\u2800]|(?<!\p{M})(?<!\p{L}(?=.[\p{L}\p{M}]))[\u200c\u200d]/u

/** The value that names the user: a text of which no other looks the same only because something in it is not seen. */
export function subjectOf(claims: Claims, issuer: Issuer): string | undefined {
  const value = claimAt(claims, issuer.subjectClaim)
  if (typeof value !== 'string' || value.length === 0 || value.length > longestSubject) return undefined
  return unusableInSubject.test(value) ? undefined : value
}

/**
 * The issuer of the configuration that made these claims. Of several with one `iss` (no rules fit two, see
 * `areToldApart`) the one whose audience and rules fit; a token for the audiences of two is refused.
 */
export function issuerOf(claims: Claims, issuers: Issuer[]): Issuer | 'unknown_issuer' | 'ambiguous_issuer' {
  const named = issuers.filter(({ issuer }) => issuer === claims.iss)
  const meant = named.filter((one) => isMeantForUs(claims, one))
  const fitting =
    meant.length > 1 ? meant.filter(({ claimRules }) => brokenRule(claims, claimRules) === undefined) : meant
  if (fitting.length > 1) return 'ambiguous_issuer'
  return fitting[0] ?? meant[0] ?? named[0] ?? 'unknown_issuer'
}

/** The first rule that does not hold. */
export function brokenRule(claims: Claims, rules: ClaimRule[]): ClaimRule | undefined {
  return rules.find((rule) => !holds(rule, claimAt(claims, rule.claim)))
}

function holds(rule: ClaimRule, value: unknown): boolean {
  if ('equals' in rule) return value === rule.equals
  if ('oneOf' in rule) return rule.oneOf.some((one) => value === one)
  // RFC 8693 §4.2: a scope is a list with spaces between.
  const values: unknown[] = typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : []
  return values.includes(rule.contains)
}

/** RFC 6901. Own members only: `/constructor` points at nothing. */
export function claimAt(claims: Claims, pointer: string): unknown {
  let value: unknown = claims
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Claims)[name]
  }
  return value
}
