import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs'
import type { AccountAudit } from '../../../functions/log.ts'
import { awsError } from '../errors.ts'
import type { DeployedStack } from './stack.ts'

/** Milliseconds: longer than any of the log groups keeps a line. */
const keptAtMost = 401 * 24 * 60 * 60_000

/** The lines of a stack's audit log in which `words` stands, oldest first; found by CloudWatch. @throws Trouble */
export async function* stackAuditTrail(
  { outputs, aws }: DeployedStack,
  words: string,
  now: number,
): AsyncGenerator<AccountAudit> {
  const client = new CloudWatchLogsClient(aws)
  try {
    const groups = await Promise.all(
      outputs.AuditLogGroups.split(',').map((group) => linesOf(client, group, words, now)),
    )
    yield* groups.flat().sort((one, other) => one.at - other.at)
  } finally {
    client.destroy()
  }
}

async function linesOf(client: CloudWatchLogsClient, logGroupName: string, words: string, now: number) {
  const lines: AccountAudit[] = []
  let nextToken: string | undefined
  do {
    // A page may be empty and still not be the last.
    const page = await client
      .send(
        new FilterLogEventsCommand({
          logGroupName,
          filterPattern: JSON.stringify(words),
          startTime: now - keptAtMost,
          nextToken,
        }),
      )
      .catch((error: unknown) => {
        throw awsError(error, `read the log group ${logGroupName}`, 'logs:FilterLogEvents')
      })
    lines.push(...(page.events ?? []).flatMap(({ message = '' }) => accountLine(message) ?? []))
    nextToken = page.nextToken
  } while (nextToken !== undefined)
  return lines
}

/** The other lines of these groups are no changes of who may have what. */
function accountLine(message: string): AccountAudit | undefined {
  try {
    const line = JSON.parse(message) as AccountAudit
    return line.what === 'account' ? line : undefined
  } catch {
    return undefined
  }
}
