import { SeamHttp } from '@seamapi/http'
import express from 'express'
import jwt from 'jsonwebtoken'
import jwksRsa from 'jwks-rsa'
import serverless from 'serverless-http'

// What a team writes today: verify the token, ask Seam for this user's client session, hand it over.

const { ISSUER, AUDIENCE, JWKS_URI, SEAM_API_KEY, SEAM_ENDPOINT } = process.env
const seam = new SeamHttp({ apiKey: SEAM_API_KEY, endpoint: SEAM_ENDPOINT })
const keys = jwksRsa({ jwksUri: JWKS_URI, cache: true })

function verified(token) {
  return new Promise((resolve, reject) => {
    jwt.verify(
      token,
      (header, found) => keys.getSigningKey(header.kid, (error, key) => found(error, key?.getPublicKey())),
      { issuer: ISSUER, audience: AUDIENCE, algorithms: ['RS256'] },
      (error, claims) => (error ? reject(error) : resolve(claims)),
    )
  })
}

export const app = express()
app.use(express.json())

app.post('/client-session', async (request, response) => {
  const claims = await verified(request.headers.authorization?.replace('Bearer ', '') ?? '').catch(() => null)
  if (claims === null) {
    response.status(401).json({ error: 'invalid_token' })
    return
  }
  const session = await seam.clientSessions.getOrCreate({
    user_identifier_key: claims.sub,
    connected_account_ids: [],
    expires_at: new Date(Date.now() + 3_600_000).toISOString(),
  })
  response.json({ token: session.token, expires_at: session.expires_at })
})

export const handler = serverless(app)
