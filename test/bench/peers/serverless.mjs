import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { SeamHttp } from '@seamapi/http'
import { Hono } from 'hono'
import { handle } from 'hono/aws-lambda'
import { cors } from 'hono/cors'
import { createRemoteJWKSet, jwtVerify } from 'jose'

// The usual serverless stack: the client session is kept in a table and reused while it lives.

const { ISSUER, AUDIENCE, JWKS_URI, SEAM_API_KEY, SEAM_ENDPOINT, TABLE_NAME } = process.env
const seam = new SeamHttp({ apiKey: SEAM_API_KEY, endpoint: SEAM_ENDPOINT })
const keys = createRemoteJWKSet(new URL(JWKS_URI))
const table = DynamoDBDocumentClient.from(new DynamoDBClient())

const app = new Hono()
app.use(cors({ origin: 'https://app.example' }))

app.post('/client-session', async (c) => {
  const token = c.req.header('authorization')?.replace('Bearer ', '') ?? ''
  const verified = await jwtVerify(token, keys, { issuer: ISSUER, audience: AUDIENCE }).catch(() => null)
  if (verified === null) return c.json({ error: 'invalid_token' }, 401)
  const item = `user#${verified.payload.sub}`
  const { Item } = await table.send(new GetCommand({ TableName: TABLE_NAME, Key: { item } }))
  if (Item !== undefined && Date.parse(Item.expires_at) > Date.now() + 60_000)
    return c.json({ token: Item.token, expires_at: Item.expires_at })
  const session = await seam.clientSessions.getOrCreate({
    user_identifier_key: verified.payload.sub,
    connected_account_ids: Item?.connected_account_ids ?? [],
    expires_at: new Date(Date.now() + 3_600_000).toISOString(),
  })
  const { expires_at } = session
  await table.send(
    new PutCommand({ TableName: TABLE_NAME, Item: { ...Item, item, token: session.token, expires_at } }),
  )
  return c.json({ token: session.token, expires_at })
})

export const handler = handle(app)
