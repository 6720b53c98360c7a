import type { JWK } from 'jose'
import type { Issuer } from '../config.ts'
import { type Deadline, signalWithin } from '../http/deadline.ts'
import type { Times } from '../times.ts'

/** Reads the identity providers' discovery documents and key sets. */

/** Why an issuer's keys are unavailable; fixed words, for the log. */
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

export interface KeySetDeps {
  fetch: typeof fetch
  times: Times
  /** Plain http to loopback addresses: the local world only. */
  loopback?: boolean
}

/**
 * The keys an issuer publishes now, in one attempt of `times.keySet` for discovery and keys together; throws
 * `KeySetError`. It calls the address in the configuration, or the one in the issuer's own discovery document
 * (OpenID Connect Discovery §4), over https and without following redirects: never one from a token.
 */
export async function fetchKeySet(
  { issuer, jwksUri }: Issuer,
  deps: KeySetDeps,
  deadline: Deadline,
): Promise<JWK[]> {
  const signal = signalWithin(deps.times.keySet, deadline)
  const document = await read(deps, jwksUri ?? (await discover(deps, issuer, signal)), signal)
  if (!isKeySet(document)) throw new KeySetError('not_a_key_set')
  return document.keys
}

async function discover(deps: KeySetDeps, issuer: string, signal: AbortSignal): Promise<string> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const found = await read(deps, address, signal)
  // §4.3: another issuer's document, served here by mistake or malice, must not lend us its keys.
  if (found.issuer !== issuer) throw new KeySetError('other_issuer')
  return String(found.jwks_uri)
}

async function read(
  deps: KeySetDeps,
  address: string,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  if (!isSafe(address, deps.loopback)) throw new KeySetError('plain_address')
  try {
    const headers = { accept: 'application/json' }
    const response = await deps.fetch(address, { redirect: 'error', headers, signal })
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

/** What jose can work with. Checks the sets that the table kept too. */
export function isKeySet(value: object): value is { keys: JWK[] } {
  return 'keys' in value && Array.isArray(value.keys) && value.keys.every(isObject)
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
  return Buffer.concat(chunks).toString()
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return value
  } catch {
    // Falls through: no input in the error.
  }
  throw new KeySetError('not_json')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
