import { createRemoteJWKSet, generateKeyPair, jwtVerify, SignJWT } from 'jose'

// The yardstick: a token server that does no I/O. It verifies one token and signs another.

const { ISSUER, AUDIENCE, JWKS_URI } = process.env
const keys = createRemoteJWKSet(new URL(JWKS_URI))
const own = generateKeyPair('ES256')

export async function handler(event) {
  const token = event.headers.authorization?.slice(7) ?? ''
  const verified = await jwtVerify(token, keys, { issuer: ISSUER, audience: AUDIENCE }).catch(() => null)
  if (verified === null) return { statusCode: 401, body: '{"error":"invalid_token"}' }
  const { privateKey } = await own
  const signed = await new SignJWT({ sub: verified.payload.sub })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey)
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify({ token: signed, expires_in: 3600 }),
  }
}
