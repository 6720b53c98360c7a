import type { DynamoDB } from '@aws-sdk/client-dynamodb'
import type { CleanupReport } from '../../../functions/cleanup/report.ts'
import { tableShape } from '../../../functions/table/shape.ts'
import { asked, bad, check, type Finding, look } from './finding.ts'

/** Whether the table is the one that the code was written for. */
export async function tableShapeFinding(client: DynamoDB, TableName: string): Promise<Finding> {
  try {
    const { Table } = await client.describeTable({ TableName })
    const { key, due } = tableShape
    const index = Table?.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === due.name)
    const names = (schema: { AttributeName?: string | undefined }[] = []) =>
      schema.map(({ AttributeName }) => AttributeName).join()
    const isRight =
      names(Table?.KeySchema) === key && names(index?.KeySchema) === `${due.partition},${due.sort}`
    const otherwise = `${TableName} has other keys or no index "${due.name}"`
    return check('table', isRight, `${TableName} and its index`, otherwise, 'let the stack make a new one')
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown'
    const todo = 'is it there, and do these credentials have dynamodb:DescribeTable?'
    return bad('table', `${TableName} cannot be described (${name})`, todo)
  }
}

/** What an adopted or a restored table may lack. */
export function tableSettingsFindings(client: DynamoDB, TableName: string): Promise<Finding[]> {
  const { ttl } = tableShape
  return Promise.all([
    asked('time to live', 'dynamodb:DescribeTimeToLive', async () => {
      const { TimeToLiveDescription: found } = await client.describeTimeToLive({ TableName })
      const otherwise = 'is off, so old items stay for good'
      const todo = `switch it on for "${ttl}"`
      return check('time to live', found?.AttributeName === ttl, `by "${ttl}"`, otherwise, todo)
    }),
    asked('point-in-time recovery', 'dynamodb:DescribeContinuousBackups', async () => {
      const { ContinuousBackupsDescription: found } = await client.describeContinuousBackups({ TableName })
      const isOn = found?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus === 'ENABLED'
      const otherwise = 'is off: a lost table would be lost for good'
      return check('point-in-time recovery', isOn, 'is on', otherwise, 'switch it on')
    }),
  ])
}

/** What the last run of cleaning up said, as JSON, and whether it was lately. */
export function cleanupFinding(json: string | undefined, everyMinutes: number, now: number): Finding {
  const what = 'cleaning up'
  if (json === undefined)
    return look(what, 'has not run yet', `its first run comes within ${everyMinutes} minutes`)
  // One of an earlier version has no alarms.
  const { started_at, alarms = [] }: CleanupReport = JSON.parse(json)
  const minutes = Math.round((now - started_at) / 60_000)
  if (alarms.length > 0) return bad(what, `says ${alarms.join(', ')}`, '`cleanup` shows why')
  const todo = 'its schedule is dead: see what it says, and run `cleanup`'
  const isLately = minutes <= 3 * everyMinutes
  return check(what, isLately, `ran ${minutes} minutes ago`, `ran last ${minutes} minutes ago`, todo)
}
