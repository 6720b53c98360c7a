import type { Refusal } from '../caller/caller.ts'
import { headerFault, isTime, mediaType, names } from '../caller/claims.ts'
import { isObject, type Jws } from '../caller/jws.ts'
import type { Issuer } from '../config.ts'

/**
 * What a provider’s token about an event must be. PURE. The rules for callers do not fit: an event has no `exp`, another
 * `aud` and another `typ`. OpenID Connect Back-Channel Logout 1.0 §2.4 and §2.6; RFC 8417; Shared Signals Framework 1.0.
 */

export type EventKind = 'backchannel-logout' | 'security-events'

/** Why it is refused: fixed words, never input. */
export type EventFault = Refusal | 'no_events' | 'nonce' | 'subject' | 'other_issuer'

export const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

/** Seconds after its `iat`; old senders write no `exp`. An old security event does no harm: it counts from its own time. */
const longestAge = { 'backchannel-logout': 900, 'security-events': Number.POSITIVE_INFINITY }
/** Besides none at all: many senders write the `typ` of any other token. */
const types = { 'backchannel-logout': ['logout+jwt', 'jwt'], 'security-events': ['secevent+jwt', 'jwt'] }

/** Judged by the body alone, since senders get the content type wrong: a compact JWT has no `=`, and a form has. */
export function deliveryIn(body: string): { kind: EventKind; token: string } {
  if (!body.includes('=')) return { kind: 'security-events', token: body.trim() }
  const [token = '', another] = new URLSearchParams(body).getAll('logout_token')
  return { kind: 'backchannel-logout', token: another === undefined ? token : '' }
}

/** `now` in epoch milliseconds. */
export function eventFault(
  { header: { typ, ...header }, claims }: Jws,
  kind: EventKind,
  issuer: Issuer,
  now: number,
): EventFault | undefined {
  const fault = headerFault(header, { ...issuer, typ: undefined })
  if (fault !== undefined) return fault
  if (typ !== undefined && !types[kind].includes(mediaType(String(typ)))) return 'type'
  if (!names(claims.aud, issuer.events?.audiences ?? [])) return 'audience'
  if (!isObject(claims.events) || Object.keys(claims.events).length === 0) return 'no_events'
  const untimely = timeFault(claims, issuer.clockToleranceSeconds, longestAge[kind], now / 1000)
  return untimely ?? (kind === 'backchannel-logout' ? logoutFault(claims, claims.events) : undefined)
}

/** In seconds. */
function timeFault(claims: Jws['claims'], tolerance: number, longest: number, now: number) {
  const { iat, exp = Number.POSITIVE_INFINITY } = claims
  if (iat === undefined) return 'issue_time_missing'
  if (!isTime(iat) || !(claims.exp === undefined || isTime(exp))) return 'time'
  if (now < iat - tolerance) return 'issued_in_the_future'
  if (now >= (exp as number) + tolerance) return 'expired'
  return now > iat + longest + tolerance ? 'too_old' : undefined
}

function logoutFault(claims: Jws['claims'], events: Record<string, unknown>) {
  // §2.4: so that no ID token can be taken for one.
  if (Object.hasOwn(claims, 'nonce')) return 'nonce'
  if (!isObject(events[logoutEvent])) return 'no_events'
  const given = [claims.sub, claims.sid].filter((one) => one !== undefined)
  return given.length > 0 && given.every((one) => typeof one === 'string') ? undefined : 'subject'
}

/** RFC 8935 §2.4; the others are an `invalid_request`. */
const errs: [err: string, reasons: (string | undefined)[]][] = [
  ['invalid_issuer', ['unknown_issuer', 'other_issuer']],
  ['invalid_audience', ['audience']],
  ['invalid_key', ['algorithm', 'unknown_key', 'signature']],
]

/** What the sender is told, as its specification wants it. */
export function refusalBody(kind: EventKind, reason: string | undefined) {
  const why = `The token is not accepted: ${reason}.`
  if (kind === 'backchannel-logout') return { error: 'invalid_request', error_description: why }
  const [err] = errs.find(([, reasons]) => reasons.includes(reason)) ?? ['invalid_request']
  return { err, description: why }
}
