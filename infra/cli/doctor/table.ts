import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb'
import type { CleanupReport } from '../../../functions/cleanup/report.ts'
import type { Configuration } from '../../../functions/config.ts'
import { tableShape } from '../../../functions/table/shape.ts'
import { bad, type Finding, good, look, unknown } from './finding.ts'

/** Whether the table is the one that the code was written for. */
export async function tableFindings(
  client: DynamoDBClient,
  TableName: string,
  { isLocal }: { isLocal: boolean },
): Promise<Finding[]> {
  try {
    const { Table } = await client.send(new DescribeTableCommand({ TableName }))
    const { key, due } = tableShape
    const index = Table?.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === due.name)
    const names = (schema: { AttributeName?: string | undefined }[] = []) =>
      schema.map(({ AttributeName }) => AttributeName).join()
    const isRight =
      names(Table?.KeySchema) === key && names(index?.KeySchema) === `${due.partition},${due.sort}`
    return [
      isRight
        ? good('table', `${TableName} and its index`)
        : bad(
            'table',
            `${TableName} has other keys or no index "${due.name}"`,
            'let the stack make a new one',
          ),
      await timeToLiveFinding(client, TableName, isLocal),
      await backupFinding(client, TableName, isLocal),
    ]
  } catch (error) {
    return [
      bad(
        'table',
        `${TableName} cannot be described (${nameOf(error)})`,
        isLocal ? 'start the local world anew' : 'let these credentials dynamodb:DescribeTable',
      ),
    ]
  }
}

async function timeToLiveFinding(
  client: DynamoDBClient,
  TableName: string,
  isLocal: boolean,
): Promise<Finding> {
  const what = 'time to live'
  if (isLocal) return unknown(what, 'the local engine has none')
  try {
    const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName }))
    return TimeToLiveDescription?.AttributeName === tableShape.ttl
      ? good(what, `by "${tableShape.ttl}"`)
      : bad(what, 'is off, so old items stay for good', `switch it on for "${tableShape.ttl}"`)
  } catch (error) {
    return unknown(what, `the engine does not say (${nameOf(error)})`)
  }
}

async function backupFinding(client: DynamoDBClient, TableName: string, isLocal: boolean): Promise<Finding> {
  const what = 'point-in-time recovery'
  if (isLocal) return unknown(what, 'the local engine has none')
  try {
    const { ContinuousBackupsDescription } = await client.send(
      new DescribeContinuousBackupsCommand({ TableName }),
    )
    const status = ContinuousBackupsDescription?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus
    return status === 'ENABLED'
      ? good(what, 'is on')
      : bad(what, 'is off: a lost table would be lost for good', 'deploy again')
  } catch (error) {
    return unknown(
      what,
      `not checked (${nameOf(error)})`,
      'let these credentials dynamodb:DescribeContinuousBackups',
    )
  }
}

/** What the last run of cleaning up said, as JSON, and whether it was lately. */
export function cleanupFinding(
  json: string | undefined,
  { everyMinutes }: Configuration['cleanup'],
  now: number,
  cleanUp = 'npm run cleanup',
): Finding {
  const what = 'cleaning up'
  if (json === undefined)
    return look(what, 'has not run yet', `its first run comes within ${everyMinutes} minutes`)
  const { started_at, alarms }: CleanupReport = JSON.parse(json)
  const minutes = Math.round((now - started_at) / 60_000)
  if (alarms.length > 0) return bad(what, `says ${alarms.join(', ')}`, `${cleanUp} shows why`)
  return minutes > 3 * everyMinutes
    ? bad(
        what,
        `ran last ${minutes} minutes ago`,
        `its schedule is dead: see what it says, and run ${cleanUp}`,
      )
    : good(what, `ran ${minutes} minutes ago`)
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown'
}
