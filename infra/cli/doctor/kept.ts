import type { CloudFormation } from '@aws-sdk/client-cloudformation'
import { asked, type Finding, look } from './finding.ts'

/** What deleted stacks of this name have left, and none uses. `used`: the table of the one that there is. */
export async function keptFindings(client: CloudFormation, name: string, used?: string) {
  const { paginateListStacks } = await import('@aws-sdk/client-cloudformation')
  const deleted = { StackStatusFilter: ['DELETE_COMPLETE' as const] }
  const permissions = 'cloudformation:ListStacks and DescribeStackResources'
  const found = await asked('kept data', permissions, async () => {
    const findings: Finding[] = []
    for await (const { StackSummaries = [] } of paginateListStacks({ client }, deleted))
      for (const { StackName, StackId = '' } of StackSummaries)
        if (StackName === name) findings.push(...(await keptBy(client, StackId, used)))
    return findings
  })
  return [found].flat()
}

async function keptBy(client: CloudFormation, StackName: string, used: string | undefined) {
  const { StackResources = [] } = await client.describeStackResources({ StackName })
  const skipped = StackResources.filter(({ ResourceStatus }) => ResourceStatus === 'DELETE_SKIPPED')
  // CDK's ids end with a hash.
  const kept = (name: RegExp) =>
    skipped.flatMap(({ LogicalResourceId = '', PhysicalResourceId = '' }) =>
      name.test(LogicalResourceId.slice(0, -8)) ? PhysicalResourceId : [],
    )
  const [table] = kept(/Table$/)
  if (table === undefined || table === used || !(await isThere(client, table))) return []
  const [, partition, , region, account] = StackName.split(':')
  const existing = {
    tableArn: `arn:${partition}:dynamodb:${region}:${account}:table/${table}`,
    sealingKeySecretArn: kept(/SealingKey$/)[0],
    auditLogGroups: kept(/(Admin|Webhook|Connect|Events)Log$/),
  }
  const said = `the table ${table} of a deleted stack is used by nobody`
  const todo = `to use it, deploy with "existing": ${JSON.stringify(existing)} in tokenVendingStack; otherwise delete it`
  return [look('kept data', said, todo)]
}

/** CloudFormation remembers for 90 days what somebody may have deleted since. */
async function isThere({ config }: CloudFormation, TableName: string): Promise<boolean> {
  const { DynamoDB } = await import('@aws-sdk/client-dynamodb')
  const client = new DynamoDB({ region: config.region, credentials: config.credentials })
  return client
    .describeTable({ TableName })
    .then(() => true)
    .catch((error: unknown) => !(error instanceof Error && error.name === 'ResourceNotFoundException'))
    .finally(() => client.destroy())
}
