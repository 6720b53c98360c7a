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
export function lambdaClients(environment: Environment & AwsEnvironment, clock: () => number) {
  const { TABLE_NAME: tableName, SEAM_API_KEY_SECRET_ARN, SEALING_KEY_SECRET_ARN } = environment
  const aws: AwsDeps = { environment, clock, noteSdk }
  const configuration = TOKEN_VENDING_CONFIGURATION
  const fetch = freshFetch(clock)
  const readSecret = secretReader({ getSecretValue: secretsManager(aws), clock, times })
  const readSealingKey = (deadline: Deadline) =>
    readSecret(SEALING_KEY_SECRET_ARN, { fresh: false }, deadline)
  const seamWith = (apiKey: Parameters<typeof seamClient>[0]['apiKey']) =>
    seamClient({ endpoint: configuration.seamEndpoint, apiKey, times, fetch })
  return {
    configuration,
    table: vendingTable({ client: dynamoDb(aws, times.dynamodb), tableName }),
    seamWith,
    seam: seamWith((how, deadline) => readSecret(SEAM_API_KEY_SECRET_ARN, how, deadline)),
    seal: tokenSealer(sealingKeyReader(readSealingKey)),
    readSecret,
    readSealingKey,
    clock,
    fetch,
    uuid: () => crypto.randomUUID(),
    random: Math.random,
    sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    log: jsonLog((line) => process.stdout.write(`${line}\n`)),
    requestId: (c: Context) => c.env.requestContext.requestId as string,
  }
}
