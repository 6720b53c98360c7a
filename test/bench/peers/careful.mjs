import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { SeamHttp } from '@seamapi/http'
import { Hono } from 'hono'
import { handle } from 'hono/aws-lambda'
import { cors } from 'hono/cors'
import { createRemoteJWKSet, jwtVerify } from 'jose'

// The usual serverless stack: the client session is kept in a table and reused while it lives.
// `seal`, `open`: how its token is kept; `audit`: is told of each answer.

const { ISSUER, AUDIENCE, JWKS_URI, SEAM_API_KEY, SEAM_ENDPOINT, TABLE_NAME } = process.env
const seam = new SeamHttp({ apiKey: SEAM_API_KEY, endpoint: SEAM_ENDPOINT })
const keys = createRemoteJWKSet(new URL(JWKS_URI))
const table = DynamoDBDocumentClient.from(new DynamoDBClient())

/** A handler for Lambda. */
export function careful({ kind = 'user', seal = asIs, open = asIs, audit = () => {} } = {}) {
  const app = new Hono()
  app.use(cors({ origin: 'https://app.example' }))

  app.post('/client-session', async (c) => {
    const token = c.req.header('authorization')?.replace('Bearer ', '') ?? ''
    const verified = await jwtVerify(token, keys, { issuer: ISSUER, audience: AUDIENCE }).catch(() => null)
    if (verified === null) {
      audit(c, 401)
      return c.json({ error: 'invalid_token' }, 401)
    }
    const item = `${kind}#${verified.payload.sub}`
    const { Item } = await table.send(new GetCommand({ TableName: TABLE_NAME, Key: { item } }))
    if (Item !== undefined && Date.parse(Item.expires_at) > Date.now() + 60_000) {
      audit(c, 200, verified.payload.sub, 'reuse')
      return c.json({ token: open(Item.token, item), expires_at: Item.expires_at })
    }
    const session = await seam.clientSessions.getOrCreate({
      user_identifier_key: verified.payload.sub,
      connected_account_ids: Item?.connected_account_ids ?? [],
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    })
    const { expires_at } = session
    await table.send(
      new PutCommand({
        TableName: TABLE_NAME,
        Item: { ...Item, item, token: seal(session.token, item), expires_at },
      }),
    )
    audit(c, 200, verified.payload.sub, 'create')
    return c.json({ token: session.token, expires_at })
  })

  return handle(app)
}

const asIs = (text) => text
