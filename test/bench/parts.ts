import { randomUUID } from 'node:crypto'
import { json } from 'node:stream/consumers'
import type { LambdaContext } from 'hono/aws-lambda'
import { handle } from 'hono/aws-lambda'
import { dynamoDb } from '../../functions/aws/dynamodb.ts'
import { callerVerifier } from '../../functions/caller/caller.ts'
import { keyFinder } from '../../functions/caller/keys.ts'
import type { Configuration } from '../../functions/config.ts'
import { jsonLog } from '../../functions/http/audit.ts'
import { deadlineIn } from '../../functions/http/deadline.ts'
import { seamClient } from '../../functions/seam/client.ts'
import { sealingKeysFrom, tokenSealer } from '../../functions/session/seal.ts'
import { vendingTable } from '../../functions/table/table.ts'
import { times } from '../../functions/times.ts'
import { wireVend } from '../../functions/wiring.ts'

/** Times the parts of a warm vend, in a process of its own; reads an order from its input and writes microseconds. */
export interface PartsOrder {
  configuration: Configuration
  seamApiKey: string
  tableName: string
  token: string
  vends: number
}

export type PartsTaken = Record<'whole' | 'verify' | 'read' | 'unseal', number[]>

const { configuration, seamApiKey, tableName, token, vends } = (await json(process.stdin)) as PartsOrder
const taken: PartsTaken = { whole: [], verify: [], read: [], unseal: [] }

function timed<Arguments extends unknown[], Result>(
  part: keyof PartsTaken,
  act: (...given: Arguments) => Promise<Result>,
): (...given: Arguments) => Promise<Result> {
  return async (...given) => {
    const startedAt = performance.now()
    const result = await act(...given)
    taken[part].push((performance.now() - startedAt) * 1000)
    return result
  }
}

const clock = Date.now
const client = dynamoDb({ environment: process.env, clock, noteSdk: () => {} }, times.dynamodb)
const table = vendingTable({ client, tableName })
const sealingKeys = sealingKeysFrom(JSON.stringify({ current: randomUUID() }))
const seal = tokenSealer(async () => sealingKeys)
const { app } = wireVend(configuration, times, {
  table: { ...table, readUser: timed('read', table.readUser) },
  seam: seamClient({ endpoint: configuration.seamEndpoint, apiKey: async () => seamApiKey, times }),
  seal: { ...seal, open: timed('unseal', seal.open) },
  fetch,
  clock,
  uuid: randomUUID,
  random: Math.random,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  log: jsonLog(() => {}),
  requestId: () => randomUUID(),
})
const findKeys = keyFinder({ store: table, fetch, clock, times })
const verifyCaller = callerVerifier({ issuers: configuration.issuers, findKeys, clock })
const verify = timed('verify', () => verifyCaller(`Bearer ${token}`, deadlineIn(times.vend, clock)))
const whole = timed('whole', async () => handle(app)(event, {} as LambdaContext))

const path = '/client-session'
const event = {
  version: '2.0',
  routeKey: `POST ${path}`,
  rawPath: path,
  rawQueryString: '',
  headers: { authorization: `Bearer ${token}`, origin: 'https://app.example', host: 'api.example' },
  requestContext: { domainName: 'api.example', http: { method: 'POST', path, protocol: 'HTTP/1.1' } },
  isBase64Encoded: false,
} as unknown as Parameters<ReturnType<typeof handle>>[0]

for (const part of ['warm-up', 'measured']) {
  for (const list of Object.values(taken)) list.length = 0
  for (let i = 0; i < vends; i++) {
    // One after the other and not within the whole, whose own verification cannot be timed from outside.
    await verify()
    const { statusCode } = await whole()
    if (statusCode >= 300) throw new Error(`${part}: ${statusCode}`)
  }
}
process.stdout.write(JSON.stringify(taken), () => process.exit(0))
