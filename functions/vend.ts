import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { handle } from 'hono/aws-lambda'
import { readConfiguration } from './config.ts'
import { jsonLog } from './log.ts'
import { vendingMachine } from './machine.ts'
import { rehearse } from './rehearsal.ts'
import { sealingKeysFrom, tokenSealer } from './seal.ts'
import { seamClient } from './seam.ts'
import { secretReader } from './secrets.ts'
import { vendingTable } from './table/table.ts'
import { times } from './times.ts'

/** What the stack must provide; a missing or misspelt name does not compile there. */
export interface VendEnvironment {
  TABLE_NAME: string
  SEAM_API_KEY_SECRET_ARN: string
  SEALING_KEY_SECRET_ARN: string
}

const environment = process.env as unknown as VendEnvironment
const configuration = readConfiguration(TOKEN_VENDING_CONFIGURATION)
const clock = () => Date.now()

const client = new DynamoDBClient({
  maxAttempts: 2,
  requestHandler: { requestTimeout: times.dynamodb, throwOnRequestTimeout: true },
})
const readSecret = secretReader({ client: new SecretsManagerClient({ maxAttempts: 1 }), clock, times })

const writeLine = (line: string) => process.stdout.write(`${line}\n`)

const worlds = {
  table: vendingTable({ client, tableName: environment.TABLE_NAME }),
  seam: seamClient({
    endpoint: configuration.seamEndpoint,
    apiKey: (how, deadline) => readSecret(environment.SEAM_API_KEY_SECRET_ARN, how, deadline),
    times,
  }),
  seal: tokenSealer(async (deadline) =>
    sealingKeysFrom(await readSecret(environment.SEALING_KEY_SECRET_ARN, { fresh: false }, deadline)),
  ),
  fetch,
  clock,
  uuid: () => crypto.randomUUID(),
  random: Math.random,
  sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
}
const { app, recall } = vendingMachine(configuration, times, {
  ...worlds,
  log: jsonLog(writeLine),
  // Logins that a page has asked about. Many may read this log, so the owner stands for the subject.
  auditLog: ({ subject, ...change }) => writeLine(JSON.stringify(change)),
  requestId: (c) => c.env.requestContext.requestId,
})

export const handler = handle(app)

// Both give up by themselves, long before Lambda's 10 s for a start; with a dependency down the first caller hears of it.
await Promise.allSettled([recall(), rehearse(configuration, times, worlds)])
