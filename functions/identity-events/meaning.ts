import type { ProviderEvent } from '../accounts/acts.ts'
import { subjectOf } from '../caller/claims.ts'
import { eventIssuer } from '../caller/owner.ts'
import type { Issuer } from '../config.ts'
import { bindingOfSid } from '../session/binding.ts'
import { type EventKind, isObject } from './token.ts'

/** What a verified event token means here. PURE. */

type Claims = Record<string, unknown>

export interface Meaning {
  /** The event’s own short name, if we know it. */
  type?: string
  /** Absent: accepted and counted, and nothing comes of it. */
  effect?: ProviderEvent
  /** As the issuer’s bearer tokens name the person; absent: the event names nobody that we could know. */
  sub?: string
  reason?: 'unknown_event' | 'only_counted' | 'stream_stopped'
}

const secevent = 'https://schemas.openid.net/secevent/'
const effects: Record<string, Exclude<ProviderEvent['kind'], 'login_ended'>> = {
  'caep/event-type/session-revoked': 'signed_out',
  'risc/event-type/sessions-revoked': 'signed_out',
  'oauth/event-type/tokens-revoked': 'signed_out',
  'risc/event-type/account-disabled': 'disabled',
  'risc/event-type/account-enabled': 'enabled',
  'risc/event-type/account-purged': 'purged',
}
const counted = [
  'ssf/event-type/verification',
  'risc/event-type/verification',
  'ssf/event-type/stream-updated',
]

/** Undefined: it is about another issuer’s person. */
export function meaningsOf(kind: EventKind, claims: Claims, issuer: Issuer): Meaning[] | undefined {
  // `event_timestamp` is in seconds or milliseconds, and is not trusted.
  const at = (claims.iat as number) * 1000
  if (kind === 'security-events') {
    const events = Object.entries(claims.events as Claims)
    const meanings = events.map(([uri, event]) => securityEvent(uri, event, at, claims, issuer))
    return meanings.every((meaning) => meaning !== undefined) ? meanings : undefined
  }
  const sub = subjectOf(claims, issuer)
  const binding = bindingOfSid(claims.sid, issuer)
  const effect: ProviderEvent =
    binding === undefined ? { kind: 'signed_out', at } : { kind: 'login_ended', binding, at }
  return [{ type: kind, effect, ...(sub !== undefined && { sub }) }]
}

function securityEvent(
  uri: string,
  event: unknown,
  at: number,
  claims: Claims,
  issuer: Issuer,
): Meaning | undefined {
  const name = uri.startsWith(secevent) ? uri.slice(secevent.length) : ''
  const type = name.split('/').at(-1) ?? ''
  if (counted.includes(name)) {
    const status = type === 'stream-updated' && isObject(event) ? event.status : undefined
    return { type, reason: status === 'paused' || status === 'disabled' ? 'stream_stopped' : 'only_counted' }
  }
  const kind = Object.hasOwn(effects, name) ? effects[name] : undefined
  if (kind === undefined) return { reason: 'unknown_event' }
  const subject = subjectIn(claims.sub_id) ?? subjectIn(isObject(event) ? event.subject : undefined)
  if (subject === undefined) return { type, effect: { kind, at } }
  const { iss = issuer.issuer } = subject
  if (iss !== issuer.issuer && iss !== eventIssuer(issuer)) return undefined
  const sub = subjectOf(subject, issuer)
  return { type, effect: { kind, at }, ...(sub !== undefined && { sub }) }
}

/** RFC 9493. Of a complex subject the user counts; Okta leaves out its `format`. */
function subjectIn(value: unknown): Claims | undefined {
  if (!isObject(value)) return undefined
  return isObject(value.user) ? value.user : value
}
