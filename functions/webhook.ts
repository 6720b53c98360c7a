import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { handle } from 'hono/aws-lambda'
import { readConfiguration } from './config.ts'
import { jsonLog } from './log.ts'
import { webhookMachine } from './machine.ts'
import { sealingKeysFrom, tokenSealer } from './seal.ts'
import { seamClient } from './seam.ts'
import { secretReader } from './secrets.ts'
import { vendingTable } from './table/table.ts'
import { times } from './times.ts'

/** What the stack must provide; a missing or misspelt name does not compile there. */
export interface WebhookEnvironment {
  TABLE_NAME: string
  SEAM_API_KEY_SECRET_ARN: string
  SEALING_KEY_SECRET_ARN: string
  /** Its value: a JSON list of `whsec_…`. */
  SEAM_WEBHOOK_SECRETS_SECRET_ARN: string
}

const environment = process.env as unknown as WebhookEnvironment
const configuration = readConfiguration(TOKEN_VENDING_CONFIGURATION)
const clock = () => Date.now()

const client = new DynamoDBClient({
  maxAttempts: 2,
  requestHandler: { requestTimeout: times.dynamodb, throwOnRequestTimeout: true },
})
const readSecret = secretReader({ client: new SecretsManagerClient({ maxAttempts: 1 }), clock, times })

// Its log group is an audit log too: subjects stand in clear there, in the lines of changes alone.
const writeLine = (line: string) => process.stdout.write(`${line}\n`)

const { app } = webhookMachine(configuration, times, {
  table: vendingTable({ client, tableName: environment.TABLE_NAME }),
  seam: seamClient({
    endpoint: configuration.seamEndpoint,
    apiKey: (how, deadline) => readSecret(environment.SEAM_API_KEY_SECRET_ARN, how, deadline),
    times,
  }),
  seal: tokenSealer(async (deadline) =>
    sealingKeysFrom(await readSecret(environment.SEALING_KEY_SECRET_ARN, { fresh: false }, deadline)),
  ),
  readSecrets: (how, deadline) => readSecret(environment.SEAM_WEBHOOK_SECRETS_SECRET_ARN, how, deadline),
  clock,
  uuid: () => crypto.randomUUID(),
  random: Math.random,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  log: jsonLog(writeLine),
  auditLog: (change) => writeLine(JSON.stringify(change)),
  requestId: (c) => c.env.requestContext.requestId,
})

export const handler = handle(app)
