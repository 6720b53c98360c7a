import type { JWK } from 'jose'
import type { Issuer } from '../config.ts'
import { type Deadline, signalWithin } from '../deadline.ts'
import type { Times } from '../times.ts'

/** The edge to the identity providers: their discovery documents and key sets, and nothing else of theirs. */

/** Why an issuer's keys could not be had; fixed words, for the log. */
export type KeySetFault =
  | 'plain_address'
  | 'timeout'
  | 'unreachable'
  | 'status'
  | 'too_large'
  | 'not_json'
  | 'other_issuer'
  | 'not_a_key_set'

export class KeySetError extends Error {
  override readonly name = 'KeySetError'
  readonly fault: KeySetFault

  constructor(fault: KeySetFault) {
    super(fault)
    this.fault = fault
  }
}

/** Bytes. Entra's, with a certificate to each key, has about 20,000. */
const longestDocument = 128 * 1024

/**
 * The keys an issuer publishes now, in one attempt of `times.keySet` for discovery and keys together; throws
 * `KeySetError`. Asked is the address in the configuration, or the one that the issuer's own discovery document
 * names (OpenID Connect Discovery §4), over https and without following redirects: never one out of a token.
 */
export async function fetchKeySet(
  { issuer, jwksUri }: Issuer,
  edges: { fetch: typeof fetch; times: Times; loopback?: boolean },
  deadline: Deadline,
): Promise<JWK[]> {
  const signal = signalWithin(edges.times.keySet, deadline)
  const document = await read(jwksUri ?? (await discover()))
  if (!isKeySet(document)) throw new KeySetError('not_a_key_set')
  return document.keys

  async function discover(): Promise<string> {
    const found = await read(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
    // §4.3: another issuer's document, served here by mistake or malice, must not lend us its keys.
    if (found.issuer !== issuer) throw new KeySetError('other_issuer')
    return String(found.jwks_uri)
  }

  async function read(address: string): Promise<Record<string, unknown>> {
    if (!isSafe(address, edges.loopback)) throw new KeySetError('plain_address')
    try {
      const headers = { accept: 'application/json' }
      const response = await edges.fetch(address, { redirect: 'error', headers, signal })
      if (response.status !== 200) {
        await response.body?.cancel()
        throw new KeySetError('status')
      }
      return parse(await limitedText(response))
    } catch (error) {
      if (error instanceof KeySetError) throw error
      throw new KeySetError(signal.aborted ? 'timeout' : 'unreachable')
    }
  }
}

/** What jose can work with; also asked of a set that the table kept. */
export function isKeySet(value: object): value is { keys: JWK[] } {
  return 'keys' in value && Array.isArray(value.keys) && value.keys.every(isObject)
}

/** Whoever can change the answer on its way can sign in as anybody. */
function isSafe(address: string, loopback = false): boolean {
  const url = URL.parse(address)
  if (url?.protocol === 'https:') return true
  return loopback && url?.protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)
}

async function limitedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > longestDocument) throw new KeySetError('too_large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return value
  } catch {
    // Falls through: what was read is nobody's business.
  }
  throw new KeySetError('not_json')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
