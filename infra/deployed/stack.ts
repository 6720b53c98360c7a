import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { readOutputs, type StackOutputs } from '../outputs.ts'
import { AwsRefusal, awsTrouble, NoSuchStack } from './trouble.ts'

/** A stack that is deployed, as its outputs describe it. */
export interface DeployedStack {
  name: string
  outputs: StackOutputs
  /** For every client of AWS, so that a person is asked for credentials once. */
  aws: { region: string; credentials: CloudFormationClient['config']['credentials'] }
}

/** Who asks, and where, beside what AWS's own files say. */
export type AwsEnvironment = Partial<Record<'AWS_REGION' | 'AWS_DEFAULT_REGION', string>>

/** Looks a stack up in CloudFormation, which needs no more than its name. @throws Trouble */
export async function findStack(name: string, environment: AwsEnvironment): Promise<DeployedStack> {
  // The SDK knows the first alone, AWS's command line both.
  const chosen = environment.AWS_REGION || environment.AWS_DEFAULT_REGION
  const client = new CloudFormationClient(chosen ? { region: chosen } : {})
  try {
    const region = await client.config.region().catch(() => {
      throw new AwsRefusal('There is no AWS region: set AWS_REGION to the one that the stack is in.')
    })
    await client.config.credentials().catch(() => {
      throw new AwsRefusal(
        'There are no AWS credentials: sign in (aws sso login, aws configure), and set AWS_PROFILE if it is not the default one.',
      )
    })
    const outputs = await describe(client, name, region)
    return { name, outputs, aws: { region, credentials: client.config.credentials } }
  } finally {
    client.destroy()
  }
}

async function describe(client: CloudFormationClient, name: string, region: string): Promise<StackOutputs> {
  const { Stacks } = await client
    .send(new DescribeStacksCommand({ StackName: name }))
    .catch((error: unknown) => {
      // What CloudFormation answers for a name that it does not know, or that cannot be one.
      if (error instanceof Error && error.name === 'ValidationError')
        throw new NoSuchStack(
          `There is no stack ${JSON.stringify(name)} in ${region}, for these credentials.`,
        )
      throw awsTrouble(error, 'look up the stack', 'cloudformation:DescribeStacks')
    })
  const outputs = readOutputs(Stacks?.[0]?.Outputs ?? [])
  if (outputs === undefined)
    throw new NoSuchStack(
      `The stack ${JSON.stringify(name)} has no vending machine of this version: deploy it, then try again.`,
    )
  return outputs
}
