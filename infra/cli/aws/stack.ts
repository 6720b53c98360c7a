import type { CloudFormation } from '@aws-sdk/client-cloudformation'
import { readOutputs, type StackOutputs } from '../../stack/outputs.ts'
import { awsError, Refused, UsageError } from '../errors.ts'

/** A stack that is deployed, as its outputs describe it. */
export interface DeployedStack {
  name: string
  outputs: StackOutputs
  /** For every client of AWS, so that a person is asked for credentials once. */
  aws: { region: string; credentials: CloudFormation['config']['credentials'] }
}

/** Who asks, and where, beside what AWS's own files say. */
export type AwsEnvironment = Partial<Record<'AWS_REGION' | 'AWS_DEFAULT_REGION', string>>

/** Where whoever asks is signed in. @throws CliError when they are not, or nobody knows where */
export async function signIn({ AWS_REGION, AWS_DEFAULT_REGION }: AwsEnvironment) {
  const { CloudFormation } = await import('@aws-sdk/client-cloudformation')
  // The SDK knows the first alone, AWS's command line both.
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
  client.destroy()
  const outputs = readOutputs(Stacks?.[0]?.Outputs ?? [])
  if (outputs === undefined)
    throw new UsageError(
      `The stack ${JSON.stringify(name)} has no vending machine of this version: deploy it, then try again.`,
    )
  return { name, outputs, aws: { region, credentials: client.config.credentials } }
}
