import type { SignatureFault } from '../caller/caller.ts'
import { type ClaimsFault, headerFault, isTime, mediaType, names } from '../caller/claims.ts'
import type { Jws, JwsFault } from '../caller/jws.ts'
import type { Issuer } from '../config.ts'
import type { Times } from '../times.ts'

/**
 * What a provider’s token about an event must be. PURE. The rules for callers do not fit: an event has no `exp`, another
 * `aud` and another `typ`. OpenID Connect Back-Channel Logout 1.0 §2.4 and §2.6; RFC 8417; Shared Signals Framework 1.0.
 */

export type EventKind = 'backchannel-logout' | 'security-events'

export interface Delivery {
  kind: EventKind
  token: string
}

/** Why it is refused: fixed words, never input. */
export type EventFault =
  | JwsFault
  | ClaimsFault
  | SignatureFault
  | 'unknown_issuer'
  | 'issued_in_the_future'
  | 'no_events'
  | 'nonce'
  | 'subject'
  | 'other_issuer'

export const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

/** Besides none at all: many senders write the `typ` of any other token. */
const types = { 'backchannel-logout': ['logout+jwt', 'jwt'], 'security-events': ['secevent+jwt', 'jwt'] }

/** Judged by the body alone, since senders get the content type wrong: a compact JWT has no `=`, and a form has. */
export function deliveryIn(body: string): Delivery {
  if (!body.includes('=')) return { kind: 'security-events', token: body.trim() }
  const [token = '', another] = new URLSearchParams(body).getAll('logout_token')
  return { kind: 'backchannel-logout', token: another === undefined ? token : '' }
}

/** `now` in epoch milliseconds. */
export function eventFault(
  { header, claims }: Jws,
  kind: EventKind,
  issuer: Issuer,
  times: Times,
  now: number,
): EventFault | undefined {
  const { typ, ...untyped } = header
  const fault = headerFault(untyped, { ...issuer, typ: undefined })
  if (fault !== undefined) return fault
  if (typ !== undefined && !(typeof typ === 'string' && types[kind].includes(mediaType(typ)))) return 'type'
  if (!names(claims.aud, issuer.events?.audiences ?? [])) return 'audience'
  if (!isObject(claims.events) || Object.keys(claims.events).length === 0) return 'no_events'
  const longest = kind === 'backchannel-logout' ? times.logoutToken / 1000 : Number.POSITIVE_INFINITY
  return (
    timeFault(claims, issuer.clockToleranceSeconds, longest, now / 1000) ??
    (kind === 'backchannel-logout' ? logoutFault(claims, claims.events) : undefined)
  )
}

/** In seconds. An old security event does no harm: each counts from its own time. */
function timeFault(
  { iat, exp, nbf }: Jws['claims'],
  tolerance: number,
  longest: number,
  now: number,
): EventFault | undefined {
  if (iat === undefined) return 'issue_time_missing'
  if (!isTime(iat) || !(exp === undefined || isTime(exp)) || !(nbf === undefined || isTime(nbf)))
    return 'time'
  if (now < iat - tolerance) return 'issued_in_the_future'
  if (nbf !== undefined && now < nbf - tolerance) return 'not_yet_valid'
  if (exp !== undefined && now >= exp + tolerance) return 'expired'
  return now > iat + longest + tolerance ? 'too_old' : undefined
}

function logoutFault(claims: Jws['claims'], events: Record<string, unknown>): EventFault | undefined {
  // §2.4: so that no ID token can be taken for one.
  if (Object.hasOwn(claims, 'nonce')) return 'nonce'
  if (!Object.hasOwn(events, logoutEvent) || !isObject(events[logoutEvent])) return 'no_events'
  const given = [claims.sub, claims.sid].filter((one) => one !== undefined)
  return given.length > 0 && given.every((one) => typeof one === 'string') ? undefined : 'subject'
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** RFC 8935 §2.4; the others are an `invalid_request`. */
const errs: Partial<Record<string, string>> = {
  unknown_issuer: 'invalid_issuer',
  other_issuer: 'invalid_issuer',
  audience: 'invalid_audience',
  algorithm: 'invalid_key',
  unknown_key: 'invalid_key',
  signature: 'invalid_key',
}

/** What the sender is told, as its specification wants it. */
export function refusalBody(kind: EventKind, reason = 'unknown') {
  const why = `The token is not accepted: ${reason}.`
  if (kind === 'backchannel-logout') return { error: 'invalid_request', error_description: why }
  return { err: errs[reason] ?? 'invalid_request', description: why }
}
