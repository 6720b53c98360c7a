import { importJWK, type JWK } from 'jose'
import { isKeyId, type KeyFault } from './claims.ts'

/** Which published keys may verify a token. The key finder asks here, and the doctor, key by key. */

const curves: Record<string, string> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }
/** With one of these anybody can sign, or factor the modulus. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const
/** Bits; what OpenSSL verifies with, from RFC 7518 §3.3's least on. */
const [shortest, longest] = [2048, 16_384]

/** Tried for one token: without `kid` any may have signed it, and some issuers publish one `kid` several times. */
const mostCandidates = 16

/** The keys that a header may mean; or none, and why. */
export async function matchingKeys(
  published: JWK[],
  { alg, kid }: { alg: string; kid?: string },
): Promise<{ keys: CryptoKey[]; fault?: KeyFault }> {
  const named = published.filter((jwk) => kid === undefined || jwk.kid === kid)
  const found = await Promise.all(named.map((jwk) => usableKey(jwk, alg)))
  const keys = found.filter((one) => typeof one !== 'string').slice(0, mostCandidates)
  return { keys, fault: faultIn(found) }
}

/** Why there is no key among these. That one is of another algorithm is the least to be said. */
export function faultIn(found: (CryptoKey | KeyFault)[]): KeyFault | undefined {
  const faults = found.filter((one) => typeof one === 'string')
  if (faults.length < found.length) return undefined
  return faults.find((fault) => fault !== 'key_of_another_algorithm') ?? faults[0]
}

const imported = new WeakMap<JWK, Map<string, Promise<CryptoKey | KeyFault>>>()

/** Imported once for each algorithm. */
export function usableKey(jwk: JWK, alg: string): Promise<CryptoKey | KeyFault> {
  const byAlgorithm = imported.get(jwk) ?? new Map<string, Promise<CryptoKey | KeyFault>>()
  imported.set(jwk, byAlgorithm)
  const key = byAlgorithm.get(alg) ?? importKey(jwk, alg)
  byAlgorithm.set(alg, key)
  return key
}

async function importKey(jwk: JWK, alg: string): Promise<CryptoKey | KeyFault> {
  const fault = statedFault(jwk, alg)
  if (fault !== undefined) return fault
  const { kty, crv, x, y, n, e } = jwk
  const members = kty === 'RSA' ? { kty, n, e } : kty === 'EC' ? { kty, crv, x, y } : { kty, crv, x }
  try {
    const key = (await importJWK(members as JWK, alg)) as CryptoKey
    return kty === 'RSA' ? (rsaFault(key.algorithm as RsaKeyAlgorithm) ?? key) : key
  } catch {
    return 'key_malformed'
  }
}

/** By what the key says of itself (RFC 7517 §4). */
function statedFault(jwk: JWK, alg: string): KeyFault | undefined {
  const { kty, crv, use, key_ops, kid } = jwk
  const isOfKind = /^[RP]S/.test(alg)
    ? kty === 'RSA'
    : alg.startsWith('ES')
      ? kty === 'EC' && crv === curves[alg]
      : kty === 'OKP' && crv === 'Ed25519'
  if (!isOfKind || (jwk.alg !== undefined && jwk.alg !== alg)) return 'key_of_another_algorithm'
  if (use !== undefined && use !== 'sig') return 'key_may_not_verify'
  if (key_ops !== undefined && !(Array.isArray(key_ops) && key_ops.includes('verify')))
    return 'key_may_not_verify'
  if (privateMembers.some((name) => jwk[name] !== undefined)) return 'key_private'
  return kid === undefined || isKeyId(kid) ? undefined : 'key_malformed'
}

/** With an exponent of 1 a signature is its own padding, which anybody can write. */
function rsaFault({ modulusLength, publicExponent }: RsaKeyAlgorithm): KeyFault | undefined {
  if (modulusLength < shortest) return 'key_too_short'
  if (modulusLength > longest) return 'key_malformed'
  const exponent = BigInt(`0x0${Buffer.from(publicExponent).toString('hex')}`)
  return exponent >= 65_537n && exponent < 2n ** 64n && exponent % 2n === 1n ? undefined : 'key_exponent'
}
