import { randomUUID } from 'node:crypto'
import { handle } from 'hono/aws-lambda'
import { readConfiguration } from '../../../functions/config.ts'
import { type Audit, jsonLog } from '../../../functions/log.ts'
import { vendingMachine } from '../../../functions/machine.ts'
import { sealingKeysFrom, tokenSealer } from '../../../functions/seal.ts'
import { seamClient } from '../../../functions/seam.ts'
import { vendingTable } from '../../../functions/table.ts'
import { times } from '../../../functions/times.ts'
import { createTable, localDynamoDbClient, startDynamoDb } from '../../../infra/local/dynamodb.ts'
import { startSeam } from '../../../infra/local/seam/workspace.ts'
import { compact, type Part, type SigningKey } from '../signing.ts'
import { audience, type IssuerName, ownKeys, startIssuers } from './issuers.ts'

/** What an attack is made of; time stands still, so that every edge of it can be met exactly. */
export interface AttackedWorld {
  /** Epoch seconds. */
  now: number
  address: Record<IssuerName, string>
  attacker: { address: string; requests: string[] }
  /** What an honest token says. */
  claims(more?: Record<string, unknown>, from?: IssuerName): Record<string, unknown>
  /** An honest token, but for what is said here. */
  token(more?: Record<string, unknown>, header?: Part, key?: SigningKey): string
  /** An honest token of another issuer than `main`. */
  tokenFrom(issuer: IssuerName, more?: Record<string, unknown>, header?: Part): string
  doors: Record<Door, (request: StrangeRequest) => Promise<Response>>
  /** Every decision, and every line as written. */
  log: Audit[]
  lines: string[]
  close(): Promise<void>
}

/** Where a request comes in: the app itself, or Lambda's event as the HTTP API makes it. */
export type Door = 'app' | 'event'
export const doors: Door[] = ['app', 'event']

export interface StrangeRequest {
  method?: string
  /** With the query. */
  path?: string
  /** A name may come twice. */
  headers?: [name: string, value: string][]
  body?: string
}

/** In everything a stranger sends, and in nothing that we answer or write. */
export const marker = 'INTRUDER'

export async function startAttackedWorld(): Promise<AttackedWorld> {
  const now = Math.floor(Date.now() / 1000)
  const clock = () => now * 1000
  const [engine, seam, issuers] = await Promise.all([startDynamoDb(), startSeam({ clock }), startIssuers()])
  const client = localDynamoDbClient(engine.endpoint, { maxAttempts: 2 })
  await createTable(client, 'attacked')
  const table = vendingTable({ client, tableName: 'attacked' })
  const sealing = await sealingKeysFrom(JSON.stringify({ current: randomUUID() }))
  const configuration = readConfiguration(
    {
      deployment: 'attacked',
      issuers: issuers.settings,
      allowedOrigins: ['https://app.example', 'https://app.example:8443'],
      seamEndpoint: seam.url,
    },
    { loopback: true },
  )
  const log: Audit[] = []
  const lines: string[] = []
  const write = jsonLog((line) => lines.push(line))
  const { app } = vendingMachine(
    configuration,
    times,
    {
      table,
      seam: seamClient({ endpoint: seam.url, apiKey: async () => seam.apiKey, times }),
      seal: tokenSealer(async () => sealing),
      fetch,
      clock,
      uuid: randomUUID,
      random: Math.random,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      log: (audit) => {
        log.push(audit)
        write(audit)
      },
      requestId: () => randomUUID(),
    },
    { loopback: true },
  )

  // What an attacker, or a restored backup, may have left in the table. These issuers cannot be asked.
  const stored = (name: IssuerName, more: object = {}) =>
    table.writeKeySet(name, {
      issuer: issuers.address[name],
      keys: [ownKeys[name].jwk],
      fetched_at: now * 1000,
      ...more,
    })
  await stored('stored-elsewhere', { issuer: issuers.address.main })
  await stored('stored-moved', { jwks_uri: `${issuers.attacker.address}/jwks` })
  await stored('stored-old', { fetched_at: (now - 86_400) * 1000 })
  await stored('stored-future', { fetched_at: (now + 61) * 1000 })

  const claims: AttackedWorld['claims'] = (more = {}, from = 'main') => ({
    iss: issuers.address[from],
    aud: audience,
    sub: 'ada',
    iat: now - 10,
    exp: now + 3600,
    nonce: marker,
    ...more,
  })
  const lambda = handle(app)
  return {
    now,
    address: issuers.address,
    attacker: issuers.attacker,
    claims,
    token: (more = {}, header = {}, key = ownKeys.main) => compact(header, claims(more), key),
    tokenFrom: (issuer, more = {}, header = {}) => compact(header, claims(more, issuer), ownKeys[issuer]),
    doors: {
      app: async (request) => app.fetch(asRequest(request)),
      event: async (request) => {
        // biome-ignore lint/suspicious/noExplicitAny: Hono's own type for an event asks for far more than it reads.
        const result: any = await lambda(asEvent(request) as any, {} as any)
        const headers = new Headers(result.headers)
        const body = result.isBase64Encoded ? Buffer.from(result.body, 'base64').toString() : result.body
        return new Response(result.statusCode === 204 ? null : body, { status: result.statusCode, headers })
      },
    },
    log,
    lines,
    async close() {
      client.destroy()
      await Promise.all([issuers.close(), seam.close(), engine.close()])
    },
  }
}

function asRequest({
  method = 'POST',
  path = '/client-session',
  headers = [],
  body,
}: StrangeRequest): Request {
  const joined = new Headers()
  for (const [name, value] of headers) joined.append(name, value)
  return new Request(`https://vending.example${path}`, {
    method,
    headers: joined,
    ...(body !== undefined && { body }),
  })
}

/** Payload format 2.0: lower-case names, equal ones joined by commas, the query apart. */
function asEvent({ method = 'POST', path = '/client-session', headers = [], body }: StrangeRequest) {
  const [rawPath = '', rawQueryString = ''] = path.split('?')
  const joined: Record<string, string> = { host: 'vending.example' }
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    joined[key] = joined[key] === undefined ? value : `${joined[key]},${value}`
  }
  if (body !== undefined) joined['content-length'] ??= String(Buffer.byteLength(body))
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    headers: joined,
    requestContext: {
      domainName: 'vending.example',
      requestId: randomUUID(),
      stage: '$default',
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'stranger' },
    },
    body: body ?? null,
    isBase64Encoded: false,
  }
}
