import type { AccountAudit } from '../../../functions/http/audit.ts'
import { parsedJson } from '../../stage.ts'
import { awsError } from '../errors.ts'
import type { DeployedStack } from './stack.ts'

/** Milliseconds: longer than any of the log groups keeps a line. */
const keptAtMost = 401 * 24 * 60 * 60_000

/** The lines of a stack's audit log in which `words` stands, in any order; found by CloudWatch. @throws CliError */
export async function* stackAuditTrail(
  { outputs, aws }: Pick<DeployedStack, 'outputs' | 'aws'>,
  words: string,
  now: number,
): AsyncGenerator<AccountAudit> {
  const { CloudWatchLogs, paginateFilterLogEvents } = await import('@aws-sdk/client-cloudwatch-logs')
  const client = new CloudWatchLogs(aws)
  const query = { filterPattern: JSON.stringify(words), startTime: now - keptAtMost }
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
