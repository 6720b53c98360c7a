import { createHash, createHmac, createPublicKey, createSecretKey, verify } from 'node:crypto'
import { Agent, request } from 'node:https'

// The floor: no framework, no SDK, one key, one signed request to the table. Nobody should write this.

const { ISSUER, AUDIENCE, JWKS_URI, TABLE_NAME, AWS_REGION, AWS_SESSION_TOKEN } = process.env
const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL_DYNAMODB } = process.env
const agent = new Agent({ keepAlive: true })
const table = new URL(AWS_ENDPOINT_URL_DYNAMODB)
let keys

function send(url, options, body) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, ...options }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part) => {
        text += part
      })
      response.on('end', () => resolve(JSON.parse(text)))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

async function claimsOf(token) {
  const [header, payload, signature] = token.split('.')
  keys ??= new Map(
    (await send(new URL(JWKS_URI), {})).keys.map((key) => [key.kid, createPublicKey({ key, format: 'jwk' })]),
  )
  const { alg, kid } = JSON.parse(Buffer.from(header, 'base64url'))
  const key = keys.get(kid)
  if (alg !== 'RS256' || key === undefined) return undefined
  if (!verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url')))
    return undefined
  const claims = JSON.parse(Buffer.from(payload, 'base64url'))
  return claims.iss === ISSUER && claims.aud === AUDIENCE && claims.exp > Date.now() / 1000
    ? claims
    : undefined
}

// Node 24 takes bytes for a key object first, and finds out by exceptions.
const hmac = (key, text) => createHmac('sha256', createSecretKey(key, 'utf8')).update(text).digest()
const sha256 = (text) => createHash('sha256').update(text).digest('hex')

/** AWS Signature Version 4. */
function signed(target, body) {
  const now = new Date().toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const day = now.slice(0, 8)
  const scope = `${day}/${AWS_REGION}/dynamodb/aws4_request`
  const headers = {
    host: table.host,
    'x-amz-date': now,
    'x-amz-security-token': AWS_SESSION_TOKEN,
    'x-amz-target': `DynamoDB_20120810.${target}`,
  }
  const names = Object.keys(headers).join(';')
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`)
  const canonical = `POST\n/\n\n${lines.join('')}\n${names}\n${sha256(body)}`
  const key = [day, AWS_REGION, 'dynamodb', 'aws4_request'].reduce(hmac, `AWS4${AWS_SECRET_ACCESS_KEY}`)
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${now}\n${scope}\n${sha256(canonical)}`).toString('hex')
  const credential = `${AWS_ACCESS_KEY_ID}/${scope}`
  return {
    ...headers,
    'content-type': 'application/x-amz-json-1.0',
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`,
  }
}

/** @param item the key */
function read(item) {
  const body = JSON.stringify({ TableName: TABLE_NAME, Key: { item: { S: item } } })
  return send(table, { method: 'POST', headers: signed('GetItem', body) }, body)
}

export async function handler(event) {
  const claims = await claimsOf(event.headers.authorization?.slice(7) ?? '')
  if (claims === undefined) return { statusCode: 401, body: '{"error":"invalid_token"}' }
  const { Item } = await read(`floor#${claims.sub}`)
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify({ token: Item?.token?.S ?? 'none', expires_at: Item?.expires_at?.S ?? '' }),
  }
}
