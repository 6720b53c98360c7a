import { randomUUID } from 'node:crypto'
import { handle } from 'hono/aws-lambda'
import { readConfiguration } from '../../../functions/config.ts'
import { type Audit, jsonLog } from '../../../functions/http/audit.ts'
import { seamClient } from '../../../functions/seam/client.ts'
import { sealingKeysFrom, tokenSealer } from '../../../functions/session/seal.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import { times } from '../../../functions/times.ts'
import { wireConnect, wireVend } from '../../../functions/wiring.ts'
import { createTable, localDynamoDbClient } from '../../../infra/local/dynamodb.ts'
import { oneApi } from '../../../infra/local/one-api.ts'
import { startSeam } from '../../../infra/local/seam/workspace.ts'
import { startDynamoDb } from '../../dynamodb.ts'
import { passed, wrote } from '../../leaks.ts'
import { patient } from '../patient.ts'
import { compact, type Part, type SigningKey } from '../signing.ts'
import { type Bundled, startBundled } from './bundled.ts'
import { internetOf } from './internet.ts'
import {
  address,
  attackerAddress,
  audience,
  type IssuerName,
  ownKeys,
  settings,
  startIssuers,
} from './issuers.ts'

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

/** Where a request comes in: the app itself, Lambda's event as the HTTP API makes it, or that in the bundle that is deployed. */
export const doors = ['app', 'event', 'bundle'] as const
export type Door = (typeof doors)[number]

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
  const tableName = 'attacked'
  await createTable(client, tableName)
  const table = vendingTable({ client, tableName })
  const sealingSecret = JSON.stringify({ current: randomUUID() })
  passed(sealingSecret)
  const sealing = sealingKeysFrom(sealingSecret)
  const hosts = { ...issuers.hosts, 'seam.example': seam.url }
  const configuration = readConfiguration({
    deployment: 'attacked',
    issuers: settings,
    allowedOrigins: ['https://app.example', 'https://app.example:8443'],
    seamEndpoint: 'https://seam.example',
  })
  const log: Audit[] = []
  const lines: string[] = []
  const write = (line: string) => {
    wrote(line)
    lines.push(line)
    log.push(JSON.parse(line))
  }
  const internet = internetOf(hosts)
  const clients: Parameters<typeof wireVend>[2] = {
    table,
    seam: seamClient({
      endpoint: configuration.seamEndpoint,
      apiKey: async () => seam.apiKey,
      fetch: internet,
      times: patient,
    }),
    seal: tokenSealer(async () => sealing),
    fetch: internet,
    clock,
    uuid: randomUUID,
    random: Math.random,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    log: jsonLog(write),
    requestId: () => randomUUID(),
  }
  const app = oneApi({
    vend: wireVend(configuration, times, clients),
    connect: wireConnect(configuration, times, clients),
  })

  // What an attacker, or a restored backup, may have left in the table. These issuers cannot be asked.
  const stored = (name: IssuerName, more: object = {}) =>
    table.writeKeySet(name, {
      issuer: address[name],
      keys: [ownKeys[name].jwk],
      fetched_at: now * 1000,
      ...more,
    })
  await stored('stored-elsewhere', { issuer: address.main })
  await stored('stored-moved', { jwks_uri: `${attackerAddress}/jwks` })
  await stored('stored-old', { fetched_at: (now - 86_400) * 1000 })
  await stored('stored-future', { fetched_at: (now + 61) * 1000 })

  const claims: AttackedWorld['claims'] = (more = {}, from = 'main') => ({
    iss: address[from],
    aud: audience,
    sub: 'ada',
    iat: now - 10,
    exp: now + 3600,
    nonce: marker,
    ...more,
  })
  const handler = handle(app)
  const bundles: Partial<Record<'vend' | 'connect', Bundled>> = {}
  const bundledHandler = async (event: ReturnType<typeof asEvent>) => {
    const entry = event.rawPath.startsWith('/connect-webview') ? 'connect' : 'vend'
    bundles[entry] ??= await startBundled(entry, configuration, {
      hosts,
      now,
      write,
      environment: {
        TABLE_NAME: tableName,
        AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint,
        secrets: { SEAM_API_KEY_SECRET_ARN: seam.apiKey, SEALING_KEY_SECRET_ARN: sealingSecret },
      },
    })
    return bundles[entry].handle(event)
  }
  return {
    now,
    address,
    attacker: { address: attackerAddress, requests: issuers.attackerRequests },
    claims,
    token: (more = {}, header = {}, key = ownKeys.main) => compact(header, claims(more), key),
    tokenFrom: (issuer, more = {}, header = {}) => compact(header, claims(more, issuer), ownKeys[issuer]),
    doors: {
      app: async (request) => app.fetch(asRequest(request)),
      // biome-ignore lint/suspicious/noExplicitAny: Hono's type of an event asks for far more than Hono reads.
      event: async (request) => asResponse(await handler(asEvent(request) as any, {} as any)),
      bundle: async (request) => asResponse(await bundledHandler(asEvent(request))),
    },
    log,
    lines,
    async close() {
      client.destroy()
      await Promise.all([
        ...Object.values(bundles).map((it) => it.close()),
        issuers.close(),
        seam.close(),
        engine.close(),
      ])
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

interface Result {
  statusCode: number
  headers: Record<string, string>
  body: string
  isBase64Encoded: boolean
}

function asResponse(result: unknown): Response {
  const { statusCode: status, headers, body, isBase64Encoded } = result as Result
  const text = isBase64Encoded ? Buffer.from(body, 'base64').toString() : body
  return new Response(status === 204 ? null : text, { status, headers })
}
