import type { ProviderEvent } from '../accounts/acts.ts'
import { subjectOf } from '../caller/claims.ts'
import { isObject } from '../caller/jws.ts'
import type { Issuer } from '../config.ts'
import { bindingOfSid } from '../session/binding.ts'
import type { EventKind } from './token.ts'

/** What a verified event token means here. PURE. */

type Claims = Record<string, unknown>

export interface Meaning {
  /** The event’s own short name, if we know it. */
  type?: string
  /** Absent: accepted and counted, and nothing comes of it. */
  effect?: ProviderEvent
  /** As the issuer’s bearer tokens name the person; absent: nobody that we could know. */
  sub?: string | undefined
  reason?: 'unknown_event' | 'only_counted' | 'stream_stopped' | 'other_issuer'
}

export const secevent = 'https://schemas.openid.net/secevent/'
export const effects = new Map<string, Exclude<ProviderEvent['kind'], 'login_ended'>>([
  ['caep/event-type/session-revoked', 'signed_out'],
  ['risc/event-type/sessions-revoked', 'signed_out'],
  ['oauth/event-type/tokens-revoked', 'signed_out'],
  ['risc/event-type/account-disabled', 'disabled'],
  ['risc/event-type/account-enabled', 'enabled'],
  ['risc/event-type/account-purged', 'purged'],
])
const counted = [
  'ssf/event-type/verification',
  'risc/event-type/verification',
  'ssf/event-type/stream-updated',
]

export function meaningsOf(kind: EventKind, claims: Claims, issuer: Issuer): Meaning[] {
  // `event_timestamp` is in seconds or milliseconds, and is not trusted.
  const at = (claims.iat as number) * 1000
  if (kind === 'security-events')
    return Object.entries(claims.events as Claims).map(([uri, event]) =>
      securityEvent(uri.replace(secevent, ''), isObject(event) ? event : {}, { at, claims, issuer }),
    )
  const binding = bindingOfSid(claims.sid, issuer)
  const effect: ProviderEvent =
    binding === undefined ? { kind: 'signed_out', at } : { kind: 'login_ended', binding, at }
  return [{ type: kind, effect, sub: subjectOf(claims, issuer) }]
}

function securityEvent(
  name: string,
  { status, subject: inEvent }: Claims,
  { at, claims, issuer }: { at: number; claims: Claims; issuer: Issuer },
): Meaning {
  const type = name.split('/').at(-1) ?? ''
  if (counted.includes(name))
    return { type, reason: status === 'paused' || status === 'disabled' ? 'stream_stopped' : 'only_counted' }
  const kind = effects.get(name)
  if (kind === undefined) return { reason: 'unknown_event' }
  // RFC 9493; older senders have it in the event. Of a complex subject the user counts, whose `format` Okta leaves out.
  const whole = isObject(claims.sub_id) ? claims.sub_id : isObject(inEvent) ? inEvent : {}
  const subject = isObject(whole.user) ? whole.user : whole
  const isOurs = [undefined, issuer.issuer, issuer.events?.issuer].some((iss) => iss === subject.iss)
  if (!isOurs) return { type, reason: 'other_issuer' }
  return { type, effect: { kind, at }, sub: subjectOf(subject, issuer) }
}
