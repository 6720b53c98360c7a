import { DynamoDB } from '@aws-sdk/client-dynamodb'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { apiKeyIn } from '../../../functions/api-key.ts'
import type { Configuration } from '../../../functions/config.ts'
import { sealingKeysFrom } from '../../../functions/seal.ts'
import { seamClient } from '../../../functions/seam.ts'
import { webhookKeysFrom } from '../../../functions/svix.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import { times } from '../../../functions/times.ts'
import type { DeployedStack } from '../aws/stack.ts'
import { awsError } from '../errors.ts'
import { alarmFinding } from './alarms.ts'
import { endpointFindings } from './endpoint.ts'
import { bad, type Finding, good, unknown } from './finding.ts'
import { seamFindings } from './seam.ts'
import { cleanupFinding, tableFindings } from './table.ts'
import { vendFindings } from './vend.ts'
import { webhookFindings } from './webhooks.ts'

/** A deployed stack, from its endpoint to its table, its secrets and Seam behind it. In parts, so that a person sees how it goes. */
export async function* stackFindings(
  stack: DeployedStack,
  configuration: Pick<Configuration, 'allowedOrigins' | 'cleanup'>,
  token: string | undefined,
): AsyncGenerator<Finding[]> {
  const { name, outputs, aws } = stack
  const { Endpoint, Table, SeamEndpoint } = outputs
  yield [good('stack', `${name} in ${aws.region}`)]
  const answers = await endpointFindings(Endpoint, configuration.allowedOrigins)
  yield answers

  const client = new DynamoDB(aws)
  const secrets = new SecretsManagerClient(aws)
  try {
    yield await tableFindings(client, Table, { isLocal: false })
    const table = vendingTable({ client, tableName: Table })
    const settings = await table.readSettings().catch(() => undefined)

    const setUp = `npm run setup -- --stack ${name}`
    const apiKey = await readSecret(secrets, outputs.SeamApiKeySecret)
    if (apiKey.value === undefined) yield [missing('Seam API key', apiKey, setUp)]
    else {
      const { value } = apiKey
      const seam = seamClient({ endpoint: SeamEndpoint, apiKey: async () => value, times })
      yield await seamFindings(seam, settings?.workspace_id)
      const key = apiKeyIn(value)
      if (key !== undefined) yield await webhookFindings({ endpoint: SeamEndpoint, apiKey: key }, Endpoint)
    }
    const webhookSecrets = await readSecret(secrets, outputs.WebhookSecretsSecret)
    yield [shapeFinding('webhook secrets', webhookSecrets, setUp, webhookKeysFrom)]
    const sealingKey = await readSecret(secrets, outputs.SealingKeySecret)
    yield [sealingKeyFinding(sealingKey)]

    const cleanUp = `npm run cleanup -- --stack ${name}`
    try {
      yield [cleanupFinding(await table.readReport(), configuration.cleanup, Date.now(), cleanUp)]
    } catch {
      yield [unknown('cleaning up', 'its report cannot be read', 'let these credentials dynamodb:GetItem')]
    }
    yield [await alarmFinding(stack)]
    if (answers[0]?.state === 'good') yield await vendFindings(Endpoint, token)
  } finally {
    client.destroy()
    secrets.destroy()
  }
}

/** A secret's value, or why it cannot be had: it has none yet, or AWS says no. */
interface Read {
  value?: string
  trouble?: string
}

async function readSecret(client: SecretsManagerClient, SecretId: string): Promise<Read> {
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId }))
    return SecretString ? { value: SecretString } : {}
  } catch (error) {
    // What Secrets Manager answers while there is no value.
    if (error instanceof Error && error.name === 'ResourceNotFoundException') return {}
    return { trouble: awsError(error, 'read the secret', 'secretsmanager:GetSecretValue').message }
  }
}

function missing(what: string, { trouble }: Read, todo: string): Finding {
  return trouble === undefined ? bad(what, 'is not stored', todo) : unknown(what, 'not checked', trouble)
}

function shapeFinding(what: string, read: Read, todo: string, parse: (value: string) => unknown): Finding {
  if (read.value === undefined) return missing(what, read, todo)
  try {
    parse(read.value)
    return good(what, 'are of the right shape')
  } catch {
    return bad(what, 'are not a JSON list of "whsec_…"', todo)
  }
}

function sealingKeyFinding(read: Read): Finding {
  const todo = 'put {"current": "<32 or more random characters>"} there; sealed tokens are then replaced'
  if (read.value === undefined) return missing('sealing key', read, todo)
  try {
    sealingKeysFrom(read.value)
    return good('sealing key', 'is of the right shape')
  } catch {
    return bad('sealing key', 'is of another shape', todo)
  }
}
