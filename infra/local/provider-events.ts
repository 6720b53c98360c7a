import { randomUUID } from 'node:crypto'
import * as z from 'zod/v4-mini'
import { effects, secevent } from '../../functions/identity-events/meaning.ts'
import { logoutEvent } from '../../functions/identity-events/token.ts'

/** What the local identity provider can tell of a person, at `POST {issuer}/send`. */

const uris = new Map([
  ['backchannel-logout', logoutEvent],
  ...[...effects.keys()].map((name) => [name.split('/').at(-1), secevent + name] as [string, string]),
])
export const providerEventKinds = [...uris.keys()]

export const eventToSend = z.strictObject({
  sub: z.string(),
  kind: z.enum(providerEventKinds),
  /** One login, of a `backchannel-logout`; absent: all of them. */
  sid: z.optional(z.string()),
})
export type EventToSend = z.infer<typeof eventToSend>

/** To `to`, whose status it resolves with. */
export async function sendEvent(
  sign: (claims: object, header: { typ: string }) => Promise<string>,
  to: { url: string; audience: string },
  { kind, sub, sid, iss, iat }: EventToSend & { iss: string; iat: number },
): Promise<number> {
  const claims = { iss, aud: to.audience, iat, jti: randomUUID(), events: { [uris.get(kind) ?? kind]: {} } }
  const body =
    kind === 'backchannel-logout'
      ? `logout_token=${await sign({ ...claims, exp: iat + 120, sub, sid: sid ?? null }, { typ: 'logout+jwt' })}`
      : await sign({ ...claims, sub_id: { format: 'iss_sub', iss, sub } }, { typ: 'secevent+jwt' })
  const type = kind === 'backchannel-logout' ? 'x-www-form-urlencoded' : 'secevent+jwt'
  const headers = { 'content-type': `application/${type}` }
  const response = await fetch(to.url, { method: 'POST', headers, body })
  await response.body?.cancel()
  return response.status
}
