import { randomUUID } from 'node:crypto'
import type { JWTHeaderParameters } from 'jose'
import { logoutEvent } from '../../functions/identity-events/token.ts'

/** What the local identity provider can tell of a person, at `POST {issuer}/send`. */

const secevent = 'https://schemas.openid.net/secevent'
const uris = {
  'backchannel-logout': logoutEvent,
  'session-revoked': `${secevent}/caep/event-type/session-revoked`,
  'sessions-revoked': `${secevent}/risc/event-type/sessions-revoked`,
  'tokens-revoked': `${secevent}/oauth/event-type/tokens-revoked`,
  'account-disabled': `${secevent}/risc/event-type/account-disabled`,
  'account-enabled': `${secevent}/risc/event-type/account-enabled`,
  'account-purged': `${secevent}/risc/event-type/account-purged`,
  verification: `${secevent}/ssf/event-type/verification`,
}
export type ProviderEventKind = keyof typeof uris
export const providerEventKinds = Object.keys(uris) as ProviderEventKind[]

/** Who listens, and the `aud` that it knows us by. */
export interface EventReceiver {
  url: string
  audience: string
}

export interface EventToSend {
  kind: ProviderEventKind
  sub: string
  /** One login, of a `backchannel-logout`; absent: all of them. */
  sid?: string | undefined
}

type Sign = (claims: Record<string, unknown>, header: Partial<JWTHeaderParameters>) => Promise<string>

/** The receiver's status. */
export async function sendEvent(
  sign: Sign,
  { url, audience: aud }: EventReceiver,
  { kind, sub, sid }: EventToSend,
  iss: string,
  now: number,
): Promise<number> {
  const isLogout = kind === 'backchannel-logout'
  const iat = Math.floor(now / 1000)
  const claims = { iss, aud, iat, jti: randomUUID(), events: { [uris[kind]]: {} } }
  const token = isLogout
    ? await sign({ ...claims, exp: iat + 120, sub, ...(sid && { sid }) }, { typ: 'logout+jwt' })
    : await sign({ ...claims, sub_id: { format: 'iss_sub', iss, sub } }, { typ: 'secevent+jwt' })
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': isLogout ? 'application/x-www-form-urlencoded' : 'application/secevent+jwt' },
    body: isLogout ? `logout_token=${token}` : token,
  })
  await response.body?.cancel()
  return response.status
}
