import type { Context } from 'hono'
import type { AwsDeps } from '../aws/caller.ts'
import { dynamoDb } from '../aws/dynamodb.ts'
import type { AwsEnvironment } from '../aws/endpoint.ts'
import { secretReader } from '../aws/secrets.ts'
import { secretsManager } from '../aws/secrets-manager.ts'
import { jsonLog } from '../http/audit.ts'
import { freshFetch } from '../http/connections.ts'
import { noteSdk } from '../http/steps.ts'
import { seamClient } from '../seam/client.ts'
import { sealingKeyReader, tokenSealer } from '../session/seal.ts'
import { vendingTable } from '../table/table.ts'
import { times } from '../times.ts'
import type { Environment } from './environment.ts'

/** The outside clients as they are in Lambda, for the entries alone: like them it prints. */

/** For any entry. */
export function sharedClients(
  environment: Pick<Environment, 'TABLE_NAME'> & AwsEnvironment,
  clock: () => number,
) {
  const aws: AwsDeps = { environment, clock, noteSdk }
  const configuration = TOKEN_VENDING_CONFIGURATION
  const fetch = freshFetch(clock)
  return {
    configuration,
    table: vendingTable({ client: dynamoDb(aws, times.dynamodb), tableName: environment.TABLE_NAME }),
    seamWith: (apiKey: ReadApiKey) =>
      seamClient({ endpoint: configuration.seamEndpoint, apiKey, times, fetch }),
    readSecret: secretReader({ getSecretValue: secretsManager(aws), clock, times }),
    clock,
    fetch,
    uuid: () => crypto.randomUUID(),
    random: Math.random,
    sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    log: jsonLog((line) => process.stdout.write(`${line}\n`)),
  }
}

type ReadApiKey = Parameters<typeof seamClient>[0]['apiKey']

/** For an entry that acts for somebody: it may call Seam, and open and seal tokens. */
export function lambdaClients(environment: Environment & AwsEnvironment, clock: () => number) {
  const clients = sharedClients(environment, clock)
  const { readSecret, seamWith } = clients
  return {
    ...clients,
    seam: seamWith((how, deadline) => readSecret(environment.SEAM_API_KEY_SECRET_ARN, how, deadline)),
    seal: tokenSealer(
      sealingKeyReader((deadline) =>
        readSecret(environment.SEALING_KEY_SECRET_ARN, { fresh: false }, deadline),
      ),
    ),
    requestId: (c: Context) => c.env.requestContext.requestId as string,
  }
}
