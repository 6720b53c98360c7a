import { constants, generateKeyPairSync, type KeyObject, type SignKeyObjectInput, sign } from 'node:crypto'
import type { JWK } from 'jose'

/** Tokens of any shape, honest and forged: a library that makes tokens would refuse to make most of these. */

export interface SigningKey {
  kid: string
  alg: string
  privateKey: KeyObject
  /** As its issuer publishes it. */
  jwk: JWK
}

const curves: Record<string, string> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }

export function signingKey(
  alg = 'ES256',
  { kid = alg, bits = 2048, exponent = 65_537 }: { kid?: string; bits?: number; exponent?: number } = {},
): SigningKey {
  const namedCurve = curves[alg]
  const { privateKey, publicKey } =
    namedCurve !== undefined
      ? generateKeyPairSync('ec', { namedCurve })
      : alg.startsWith('Ed')
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength: bits, publicExponent: exponent })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } as JWK
  return { kid, alg, privateKey, jwk }
}

/** A part of a token: an object becomes JSON, a text is taken as it is. */
export type Part = object | string

export function encoded(part: Part): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
}

/** Signs whatever it is given; `header` without `alg` and `kid` of its own gets the key's. */
export function compact(header: Part, payload: Part, key: SigningKey): string {
  const named = typeof header === 'string' ? header : { alg: key.alg, kid: key.kid, ...header }
  const input = `${encoded(named)}.${encoded(payload)}`
  return `${input}.${signatureOf(input, key).toString('base64url')}`
}

export function signatureOf(input: string, { alg, privateKey }: SigningKey): Buffer {
  const digest = alg.startsWith('Ed') ? null : `sha${alg.slice(2)}`
  const options: SignKeyObjectInput = { key: privateKey, dsaEncoding: 'ieee-p1363' }
  if (alg.startsWith('PS'))
    Object.assign(options, {
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    })
  return sign(digest, Buffer.from(input), options)
}
