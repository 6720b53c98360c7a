import type { Context } from 'hono'
import type { AwsDeps } from '../aws/caller.ts'
import { dynamoDb } from '../aws/dynamodb.ts'
import type { AwsEnvironment } from '../aws/endpoint.ts'
import { secretReader } from '../aws/secrets.ts'
import { secretsManager } from '../aws/secrets-manager.ts'
import { jsonLog } from '../http/audit.ts'
import { freshFetch } from '../http/connections.ts'
import type { Deadline } from '../http/deadline.ts'
import { noteSdk } from '../http/steps.ts'
import { seamClient } from '../seam/client.ts'
import { sealingKeyReader, tokenSealer } from '../session/seal.ts'
import { vendingTable } from '../table/table.ts'
import { times } from '../times.ts'
import type { Environment } from './environment.ts'

/** The outside clients as they are in Lambda, for the entries alone: like them it prints. */
export function lambdaClients(variables: object, clock: () => number) {
  const environment = variables as Environment & AwsEnvironment
  const aws: AwsDeps = { environment, clock, noteSdk }
  const configuration = TOKEN_VENDING_CONFIGURATION
  const fetch = freshFetch(clock)
  const readSecret = secretReader({ getSecretValue: secretsManager(aws), clock, times })
  // A function that may not read a secret does not know where it is, and never asks.
  const readerOf =
    (arn = '') =>
    (how: { fresh: boolean }, deadline: Deadline) =>
      readSecret(arn, how, deadline)
  const readApiKey = readerOf(environment.SEAM_API_KEY_SECRET_ARN)
  const readSealingKey = readerOf(environment.SEALING_KEY_SECRET_ARN)
  const log = jsonLog((line) => process.stdout.write(`${line}\n`))
  const seamWith = (apiKey: typeof readApiKey) =>
    seamClient({ endpoint: configuration.seamEndpoint, apiKey, times, fetch })
  return {
    configuration,
    table: vendingTable({ client: dynamoDb(aws, times.dynamodb), tableName: environment.TABLE_NAME }),
    seamWith,
    seam: seamWith(readApiKey),
    seal: tokenSealer(sealingKeyReader((deadline) => readSealingKey({ fresh: false }, deadline))),
    readApiKey,
    readSealingKey,
    readWebhookSecrets: readerOf(environment.SEAM_WEBHOOK_SECRETS_SECRET_ARN),
    clock,
    fetch,
    uuid: () => crypto.randomUUID(),
    random: Math.random,
    sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    log,
    // Subjects stand in clear in the lines of changes: few may read the log group of a function that writes them.
    auditLog: log,
    requestId: (c: Context) => c.env.requestContext.requestId as string,
  }
}
