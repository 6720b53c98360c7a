import { Agent } from 'node:https'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { Context } from 'hono'
import { jsonLog } from './log.ts'
import { sealingKeyReader, tokenSealer } from './seal.ts'
import { seamClient } from './seam.ts'
import { secretReader } from './secrets.ts'
import { itemGetter } from './table/get-item.ts'
import { vendingTable } from './table/table.ts'
import { type Times, times } from './times.ts'

/** The outside worlds as they are in Lambda, for the entries alone: like them it prints. */

/** What the stack must provide; a missing or misspelt name does not compile there. */
export interface Environment {
  TABLE_NAME: string
  SEAM_API_KEY_SECRET_ARN: string
  SEALING_KEY_SECRET_ARN: string
}

/** The SDK's two attempts at the table. An answer that has begun is waited for by its socket, no longer by the request. */
export function tablePatience({ dynamodb }: Times) {
  const requestHandler = { requestTimeout: dynamodb, socketTimeout: dynamodb, throwOnRequestTimeout: true }
  return { maxAttempts: 2, requestHandler }
}

/** The table's client, and on its connections the quick way to read. */
export function tableClient(times: Times, clock: () => number) {
  const { maxAttempts, requestHandler } = tablePatience(times)
  // The SDK's own default, but in our hands.
  const agent = new Agent({ keepAlive: true, maxSockets: 50 })
  const client = new DynamoDBClient({ maxAttempts, requestHandler: { ...requestHandler, httpsAgent: agent } })
  return { client, getItem: itemGetter({ client, agent, clock, patience: times.dynamodb }) }
}

/** For any entry. `secretAttempts`: of one reading, within its time. */
export function lambdaClients(
  { TABLE_NAME }: Pick<Environment, 'TABLE_NAME'>,
  clock: () => number,
  { secretAttempts = 1 } = {},
) {
  const secrets = new SecretsManagerClient({ maxAttempts: secretAttempts })
  return {
    configuration: TOKEN_VENDING_CONFIGURATION,
    where: { ...tableClient(times, clock), tableName: TABLE_NAME },
    readSecret: secretReader({ client: secrets, clock, times }),
    clock,
    uuid: () => crypto.randomUUID(),
    random: Math.random,
    sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    log: jsonLog((line) => process.stdout.write(`${line}\n`)),
  }
}

/** For an entry that acts for somebody: it may call Seam, and open and seal tokens. */
export function lambdaWorlds(environment: Environment, clock: () => number) {
  const clients = lambdaClients(environment, clock)
  const { configuration, readSecret, where } = clients
  return {
    ...clients,
    table: vendingTable(where),
    seam: seamClient({
      endpoint: configuration.seamEndpoint,
      apiKey: (how, deadline) => readSecret(environment.SEAM_API_KEY_SECRET_ARN, how, deadline),
      times,
    }),
    seal: tokenSealer(
      sealingKeyReader((deadline) =>
        readSecret(environment.SEALING_KEY_SECRET_ARN, { fresh: false }, deadline),
      ),
    ),
    fetch,
    requestId: (c: Context) => c.env.requestContext.requestId as string,
  }
}
