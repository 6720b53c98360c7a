import type { DynamoDB } from '@aws-sdk/client-dynamodb'
import type { CleanupReport } from '../../../functions/cleanup/report.ts'
import type { Configuration } from '../../../functions/config.ts'
import { tableShape } from '../../../functions/table/shape.ts'
import { asked, bad, check, type Finding, look, unknown } from './finding.ts'

/** Whether the table is the one that the code was written for. */
export async function tableFindings(
  client: DynamoDB,
  TableName: string,
  isLocal: boolean,
): Promise<Finding[]> {
  try {
    const { Table } = await client.describeTable({ TableName })
    const { key, due } = tableShape
    const index = Table?.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === due.name)
    const names = (schema: { AttributeName?: string | undefined }[] = []) =>
      schema.map(({ AttributeName }) => AttributeName).join()
    const isRight =
      names(Table?.KeySchema) === key && names(index?.KeySchema) === `${due.partition},${due.sort}`
    const otherwise = `${TableName} has other keys or no index "${due.name}"`
    const shape = check(
      'table',
      isRight,
      `${TableName} and its index`,
      otherwise,
      'let the stack make a new one',
    )
    const missing = ['time to live', 'point-in-time recovery'] as const
    if (isLocal) return [shape, ...missing.map((what) => unknown(what, 'the local engine has none'))]
    return [shape, await timeToLiveFinding(client, TableName), await backupFinding(client, TableName)]
  } catch (error) {
    const said = `${TableName} cannot be described (${nameOf(error)})`
    return [
      bad(
        'table',
        said,
        isLocal ? 'restart the local world' : 'let these credentials dynamodb:DescribeTable',
      ),
    ]
  }
}

function timeToLiveFinding(client: DynamoDB, TableName: string): Promise<Finding> {
  const what = 'time to live'
  const { ttl } = tableShape
  return asked(what, 'dynamodb:DescribeTimeToLive', async () => {
    const { TimeToLiveDescription } = await client.describeTimeToLive({ TableName })
    const isRight = TimeToLiveDescription?.AttributeName === ttl
    const otherwise = 'is off, so old items stay for good'
    return check(what, isRight, `by "${ttl}"`, otherwise, `switch it on for "${ttl}"`)
  })
}

function backupFinding(client: DynamoDB, TableName: string): Promise<Finding> {
  const what = 'point-in-time recovery'
  return asked(what, 'dynamodb:DescribeContinuousBackups', async () => {
    const { ContinuousBackupsDescription: backups } = await client.describeContinuousBackups({ TableName })
    const isOn = backups?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus === 'ENABLED'
    return check(what, isOn, 'is on', 'is off: a lost table would be lost for good', 'switch it on')
  })
}

/** What the last run of cleaning up said, as JSON, and whether it was lately. */
export function cleanupFinding(
  json: string | undefined,
  { everyMinutes }: Pick<Configuration['cleanup'], 'everyMinutes'>,
  now: number,
  cleanUp = 'npm run cleanup',
): Finding {
  const what = 'cleaning up'
  if (json === undefined)
    return look(what, 'has not run yet', `its first run comes within ${everyMinutes} minutes`)
  const { started_at, alarms = [] }: Partial<CleanupReport> & Pick<CleanupReport, 'started_at'> =
    JSON.parse(json)
  const minutes = Math.round((now - started_at) / 60_000)
  if (alarms.length > 0) return bad(what, `says ${alarms.join(', ')}`, `${cleanUp} shows why`)
  const todo = `its schedule is dead: see what it says, and run ${cleanUp}`
  const isLately = minutes <= 3 * everyMinutes
  return check(what, isLately, `ran ${minutes} minutes ago`, `ran last ${minutes} minutes ago`, todo)
}

const nameOf = (error: unknown) => (error instanceof Error ? error.name : 'unknown')
