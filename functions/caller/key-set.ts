import type { JWK } from 'jose'
import { type Deadline, signalWithin } from '../http/deadline.ts'
import type { Times } from '../times.ts'
import { isObject, parseJson } from './jws.ts'

/** Reads the identity providers' discovery documents and key sets. */

/** Why an issuer's keys are unavailable; fixed words, for the log. */
export type KeySetFault =
  | 'plain_address'
  | 'timeout'
  | 'unreachable'
  | 'redirect'
  | 'status'
  | 'too_large'
  | 'not_json'
  | 'other_issuer'
  | 'not_a_key_set'

export class KeySetError extends Error {
  override readonly name = 'KeySetError'
  readonly fault: KeySetFault
  /** Where a redirect leads: for the operator, never for the log. */
  readonly target: string | undefined

  constructor(fault: KeySetFault, target?: string) {
    super(fault)
    this.fault = fault
    this.target = target
  }
}

/** Bytes. Entra's, with a certificate to each key, has about 20,000. */
const longestDocument = 128 * 1024

export interface KeySetDeps {
  fetch: typeof fetch
  times: Times
  /** Plain http to loopback addresses: the local world only. */
  loopback?: boolean
}

/**
 * The keys published at an address of the configuration, or of an issuer's own discovery document: over https and
 * without following redirects, never one from a token. Throws `KeySetError`; so does `discover`.
 */
export async function fetchKeySet(deps: KeySetDeps, address: string, deadline: Deadline): Promise<JWK[]> {
  const keys = keysIn(await read(deps, address, deadline))
  if (keys === undefined) throw new KeySetError('not_a_key_set')
  return keys
}

/** Where an issuer says that its keys are (OpenID Connect Discovery §4). */
export async function discover(deps: KeySetDeps, issuer: string, deadline: Deadline): Promise<string> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const found = await read(deps, address, deadline)
  // §4.3: another issuer's document, served here by mistake or malice, must not lend us its keys.
  if (found.issuer !== issuer) throw new KeySetError('other_issuer')
  const { jwks_uri } = found
  if (typeof jwks_uri !== 'string' || !isSafe(jwks_uri, deps.loopback)) throw new KeySetError('plain_address')
  return jwks_uri
}

async function read(deps: KeySetDeps, address: string, deadline: Deadline): Promise<Record<string, unknown>> {
  if (!isSafe(address, deps.loopback)) throw new KeySetError('plain_address')
  const signal = signalWithin(deps.times.keySet, deadline)
  try {
    const headers = { accept: 'application/json' }
    const response = await deps.fetch(address, { redirect: 'manual', headers, signal })
    if (response.status !== 200) {
      await response.body?.cancel()
      const target = response.headers.get('location')
      if (target === null || response.status >= 400) throw new KeySetError('status')
      throw new KeySetError('redirect', URL.parse(target, address)?.href)
    }
    const document = parseJson(await limitedText(response))
    if (isObject(document)) return document
    throw new KeySetError('not_json')
  } catch (error) {
    if (error instanceof KeySetError) throw error
    const timedOut = error instanceof Error && error.name === 'TimeoutError'
    throw new KeySetError(timedOut ? 'timeout' : 'unreachable')
  }
}

/**
 * The keys of a set, the table's too. What is no object is left out (RFC 7517 §5), and so is a member that is null: some
 * serialisers write every member of their class.
 */
export function keysIn({ keys }: { keys?: unknown }): JWK[] | undefined {
  if (!Array.isArray(keys)) return undefined
  const withoutNulls = (key: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(key).filter(([, value]) => value !== null))
  return keys.filter(isObject).map((key) => withoutNulls(key) as JWK)
}

/** Anyone who can change the answer in transit can sign in as anybody. */
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
  // Leaves out a byte order mark.
  return new TextDecoder().decode(Buffer.concat(chunks))
}
