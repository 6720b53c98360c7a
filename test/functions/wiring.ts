import { randomUUID } from 'node:crypto'
import { sdkAttempts } from '../../functions/aws/dynamodb-sdk.ts'
import { type ConfigurationInput, readConfiguration } from '../../functions/config.ts'
import type { AuditLog, Log } from '../../functions/http/audit.ts'
import { seamClient } from '../../functions/seam/client.ts'
import { sealingKeysFrom, tokenSealer } from '../../functions/session/seal.ts'
import { vendingTable } from '../../functions/table/table.ts'
import { type Times, times } from '../../functions/times.ts'
import { wireConnect, wireIdentityEvents, wireVend, wireWebhook } from '../../functions/wiring.ts'
import { localDynamoDbClient } from '../../infra/local/dynamodb.ts'
import { oneApi } from '../../infra/local/one-api.ts'

/** Where the outside clients are; plain data, so that it can be handed to another process. */
export interface Addresses {
  dynamoDb: string
  tableName: string
  seam: string
  seamApiKey: string
  issuer: string
  audience: string
  sealingKey: string
}

export type Machine = ReturnType<typeof wireOver>

interface Options {
  configuration?: Partial<ConfigurationInput>
  times?: Times
  clock?: () => number
  sleep?: (ms: number) => Promise<void>
  log?: Log
  auditLog?: AuditLog
}

/** What callers meet, as the entries would put it together, over clients that are somewhere on this computer. */
export function wireOver(addresses: Addresses, options: Options = {}) {
  const { configuration, speed, clients: shared } = clientsOver(addresses, options)
  const clients = { ...shared, fetch, loopback: true }
  const vend = wireVend(configuration, speed, clients)
  const connect = wireConnect(configuration, speed, clients)
  const identityEvents = wireIdentityEvents(configuration, speed, clients)
  return { ...vend, app: oneApi({ vend, connect, identityEvents }) }
}

/** What meets Seam's webhooks. `readSecrets`: the value of the webhook secrets' secret. */
export function wireWebhookOver(
  addresses: Addresses,
  options: Options & { readSecrets: (how: { fresh: boolean }) => Promise<string> },
) {
  const { configuration, speed, clients } = clientsOver(addresses, options)
  return wireWebhook(configuration, speed, { ...clients, readSecrets: options.readSecrets })
}

function clientsOver(addresses: Addresses, options: Options) {
  const { times: speed = times, clock = Date.now, log = () => {} } = options
  const configuration = readConfiguration(
    {
      deployment: 'test',
      issuers: [{ name: 'main', issuer: addresses.issuer, audiences: [addresses.audience] }],
      allowedOrigins: ['https://app.example'],
      seamEndpoint: addresses.seam,
      ...options.configuration,
    },
    { loopback: true },
  )
  const client = localDynamoDbClient(addresses.dynamoDb, sdkAttempts(speed.dynamodb))
  const clients = {
    table: vendingTable({ client, tableName: addresses.tableName }),
    seam: seamClient({
      endpoint: configuration.seamEndpoint,
      apiKey: async () => addresses.seamApiKey,
      times: speed,
    }),
    seal: tokenSealer(async () => sealingKeysFrom(addresses.sealingKey)),
    clock,
    uuid: randomUUID,
    random: Math.random,
    sleep: options.sleep ?? ((ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))),
    log,
    ...(options.auditLog && { auditLog: options.auditLog }),
    requestId: () => randomUUID(),
  }
  return { configuration, speed, clients }
}
