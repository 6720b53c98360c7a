import { createHmac, timingSafeEqual } from 'node:crypto'
import { parseJson } from '../caller/jws.ts'
import type { Audit } from '../http/audit.ts'
import type { Deadline } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'

/**
 * Svix's signatures, docs.svix.com/receiving/verifying-payloads/how-manual. Our own, because Svix's library and the
 * smaller one behind it read the clock themselves and sign a text, where this is given `now` and signs the bytes
 * that came; the tests hold it against theirs.
 */

/** Why a webhook is not to be believed; fixed words, for the log alone. */
export type SignatureFault = 'unsigned' | 'too_old' | 'too_new' | 'signature'

/** Milliseconds between Svix's clock and ours; what was overheard is worthless after that. */
const tolerance = 5 * 60_000

const most = { signatures: 10 }

export interface Signed {
  /** Reads one of the request's headers. */
  header: (name: string) => string | undefined
  /** As it came, to the byte. */
  body: Uint8Array
}

export interface WebhookSecretDeps {
  /** The value of the webhook secrets' secret; `fresh`: read it again, for what was kept has signed nothing here. */
  readSecrets: (how: { fresh: boolean }, deadline: Deadline) => Promise<string>
  clock: () => number
}

/** Throws a refusal, one for whatever is wrong, or an outage. */
export async function verifyWebhook(
  { readSecrets, clock }: WebhookSecretDeps,
  signed: Signed,
  deadline: Deadline,
  audit: Partial<Audit>,
): Promise<void> {
  const faultOf = async (fresh: boolean) =>
    signatureFault(webhookKeysFrom(await readSecrets({ fresh }, deadline)), signed, clock())
  const fault = await faultOf(false)
  // Somebody may just have rotated them.
  if (fault === undefined || (fault === 'signature' && (await faultOf(true)) === undefined)) return
  audit.fault = fault
  const detail = 'The webhook is not signed with a known secret, or not lately.'
  throw new Problem('invalid_request', { detail, reason: fault })
}

/** `now` in epoch milliseconds. Undefined: one of the keys has signed exactly this, lately. */
export function signatureFault(keys: Buffer[], signed: Signed, now: number): SignatureFault | undefined {
  // Svix's own names, and those of the standard that it follows.
  const header = (part: string) => signed.header(`svix-${part}`) ?? signed.header(`webhook-${part}`) ?? ''
  const [id, timestamp, signatures] = [header('id'), header('timestamp'), header('signature')]
  // The dots divide what is signed, so none may be inside of a part.
  if (!/^[^.\s]{1,256}$/.test(id) || !/^\d{1,12}$/.test(timestamp) || signatures === '') return 'unsigned'
  const age = now - Number(timestamp) * 1000
  if (age > tolerance) return 'too_old'
  if (age < -tolerance) return 'too_new'
  const given = signatures
    .split(' ', most.signatures)
    .filter((one) => one.startsWith('v1,'))
    .map((one) => Buffer.from(one.slice('v1,'.length)))
  const isSigned = keys.some((key) => {
    const hmac = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(signed.body)
    const expected = Buffer.from(hmac.digest('base64'))
    return given.some((one) => one.length === expected.length && timingSafeEqual(one, expected))
  })
  return isSigned ? undefined : 'signature'
}

/**
 * The keys in the value of the webhook secrets' secret: a JSON list of `whsec_…`, several while one is rotated.
 * Anything else is an outage, not a reason to believe nobody or, worse, everybody.
 */
export function webhookKeysFrom(secret: string): Buffer[] {
  const list = parseJson(secret)
  const keys = (Array.isArray(list) ? list : []).map((one) => {
    const [, encoded = ''] = /^whsec_([A-Za-z0-9+/]{22,}={0,2})$/.exec(String(one)) ?? []
    return Buffer.from(encoded, 'base64')
  })
  if (keys.length === 0 || keys.some(({ length }) => length < 16))
    throw new Problem('upstream_unavailable', {
      dependency: 'secrets',
      reason: 'webhook_secrets_are_no_list_of_whsec',
    })
  return keys
}
