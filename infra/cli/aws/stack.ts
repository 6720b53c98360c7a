import type { CloudFormation } from '@aws-sdk/client-cloudformation'
import type { Lambda } from '@aws-sdk/client-lambda'
import type { AccountAudit } from '../../../functions/http/audit.ts'
import { CliError } from '../../local/cli-error.ts'
import { readOutputs, type StackOutputs } from '../../stack/outputs.ts'
import { parsedJson } from '../../stage.ts'
import { awsError, Refused, UsageError } from '../errors.ts'

/** A stack that is deployed, as its outputs describe it. */
export interface DeployedStack {
  name: string
  outputs: StackOutputs
  /** For every client of AWS, so that a person is asked for credentials once. */
  aws: { region: string; credentials: CloudFormation['config']['credentials'] }
  client: CloudFormation
}

/** The region, beside what AWS's own files say. */
export type AwsEnvironment = Partial<Record<'AWS_REGION' | 'AWS_DEFAULT_REGION', string>>

/** The region and the credentials of the caller. @throws CliError when one of them is missing */
export async function signIn({ AWS_REGION, AWS_DEFAULT_REGION }: AwsEnvironment) {
  const { CloudFormation } = await import('@aws-sdk/client-cloudformation')
  // The SDK knows only the first, AWS's command line both.
  const given = AWS_REGION || AWS_DEFAULT_REGION
  const client = new CloudFormation(given ? { region: given } : {})
  const region = await client.config.region().catch(() => {
    throw new Refused('There is no AWS region: set AWS_REGION to the one that the stack is in.')
  })
  await client.config.credentials().catch(() => {
    throw new Refused(
      'There are no AWS credentials: sign in (aws sso login, aws configure), and set AWS_PROFILE if it is not the default one.',
    )
  })
  return { client, region }
}

/** Looks a stack up in CloudFormation, which needs no more than its name. @throws CliError */
export async function findStack(name: string, environment: AwsEnvironment): Promise<DeployedStack> {
  const { client, region } = await signIn(environment)
  const { Stacks } = await client.describeStacks({ StackName: name }).catch((error: unknown) => {
    // What CloudFormation answers for a name that it does not know, or that cannot be one.
    if (error instanceof Error && error.name === 'ValidationError')
      throw new UsageError(`There is no stack ${JSON.stringify(name)} in ${region}, for these credentials.`)
    throw awsError(error, 'look up the stack', 'cloudformation:DescribeStacks')
  })
  const outputs = readOutputs(Stacks?.[0]?.Outputs ?? [])
  if (outputs === undefined)
    throw new UsageError(
      `The stack ${JSON.stringify(name)} has no vending machine of this version: deploy it, then run this again.`,
    )
  return { name, outputs, aws: { region, credentials: client.config.credentials }, client }
}

export type SecretName = 'SeamApiKeySecret' | 'WebhookSecretsSecret' | 'SealingKeySecret'

/** Undefined: it has no value yet. @throws CliError */
export async function readSecret({ outputs, aws }: DeployedStack, name: SecretName) {
  const { SecretsManager } = await import('@aws-sdk/client-secrets-manager')
  try {
    const { SecretString } = await new SecretsManager(aws).getSecretValue({ SecretId: outputs[name] })
    return SecretString || undefined
  } catch (error) {
    // Of a secret that is there: no value has been put into it.
    if (error instanceof Error && error.name === 'ResourceNotFoundException') return undefined
    throw awsError(error, `read ${outputs[name]}`, 'secretsmanager:GetSecretValue')
  }
}

/** @throws CliError */
export async function writeSecret({ outputs, aws }: DeployedStack, name: SecretName, SecretString: string) {
  const { SecretsManager } = await import('@aws-sdk/client-secrets-manager')
  await new SecretsManager(aws)
    .putSecretValue({ SecretId: outputs[name], SecretString })
    .catch((error: unknown) => {
      throw awsError(error, `write ${outputs[name]}`, 'secretsmanager:PutSecretValue')
    })
}

/** Sends JSON to a function and returns its answer's JSON. @throws CliError, also when it ended without an answer */
export async function invokeFunction(client: Lambda, FunctionName: string, payload: string): Promise<string> {
  const { Payload, FunctionError } = await client
    .invoke({ FunctionName, Payload: payload })
    .catch((error: unknown) => {
      throw awsError(error, `invoke ${FunctionName}`, 'lambda:InvokeFunction')
    })
  const answer = new TextDecoder().decode(Payload)
  if (FunctionError === undefined) return answer
  const { errorType = FunctionError } = JSON.parse(answer) as { errorType?: string }
  throw new CliError(
    `${FunctionName} failed without an answer (${errorType}), so it is unknown what it did. See its log; run the command again to finish.`,
  )
}

/** Milliseconds: longer than any of the log groups keeps a line. */
const keptAtMost = 401 * 24 * 60 * 60_000

/** The lines of a stack's audit log in which `words` stands, in any order; found by CloudWatch. @throws CliError */
export async function* stackAuditTrail({ outputs, aws }: DeployedStack, words: string) {
  const { CloudWatchLogs, paginateFilterLogEvents } = await import('@aws-sdk/client-cloudwatch-logs')
  const client = new CloudWatchLogs(aws)
  const query = { filterPattern: JSON.stringify(words), startTime: Date.now() - keptAtMost }
  for (const logGroupName of outputs.AuditLogGroups.split(','))
    try {
      for await (const { events = [] } of paginateFilterLogEvents({ client }, { ...query, logGroupName }))
        for (const { message = '' } of events) {
          const line = parsedJson(message) as AccountAudit | undefined
          // The other lines of these groups are no changes of who may have what.
          if (line?.what === 'account') yield line
        }
    } catch (error) {
      throw awsError(error, `read the log group ${logGroupName}`, 'logs:FilterLogEvents')
    }
  client.destroy()
}
