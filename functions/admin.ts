import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { Context } from 'aws-lambda'
import { adminMachine } from './admin/machine.ts'
import type { AdminAnswer } from './admin-client.ts'
import { readConfiguration } from './config.ts'
import { deadlineIn } from './deadline.ts'
import { sealingKeysFrom, tokenSealer } from './seal.ts'
import { seamClient } from './seam.ts'
import { secretReader } from './secrets.ts'
import { operatorTable } from './table/operator.ts'
import { vendingTable } from './table/table.ts'
import { times } from './times.ts'

/** What the stack must provide; a missing or misspelt name does not compile there. */
export interface AdminEnvironment {
  TABLE_NAME: string
  SEAM_API_KEY_SECRET_ARN: string
  SEALING_KEY_SECRET_ARN: string
}

const environment = process.env as unknown as AdminEnvironment
const configuration = readConfiguration(TOKEN_VENDING_CONFIGURATION)
const clock = () => Date.now()

const client = new DynamoDBClient({
  maxAttempts: 2,
  requestHandler: { requestTimeout: times.dynamodb, throwOnRequestTimeout: true },
})
const where = { client, tableName: environment.TABLE_NAME }
const readSecret = secretReader({ client: new SecretsManagerClient({ maxAttempts: 1 }), clock, times })
// This function's log group is the audit log: here alone subjects stand in clear, so few may read it.
const writeLine = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)

const administer = adminMachine(configuration, times, {
  table: { ...vendingTable(where), ...operatorTable(where) },
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
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  log: writeLine,
  auditLog: writeLine,
})

/** Invoked under IAM, never over HTTP: see `admin-client.ts` for what it takes and answers. */
export function handler(event: unknown, { awsRequestId }: Context): Promise<AdminAnswer> {
  return administer(event, { requestId: awsRequestId, deadline: deadlineIn(times.admin, clock) })
}
