import type { DynamoDB } from '@aws-sdk/client-dynamodb'
import type { CleanupReport } from '../../../functions/cleanup/report.ts'
import type { Configuration } from '../../../functions/config.ts'
import { tableShape } from '../../../functions/table/keys.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import type { SeamAccess } from '../setup/seam.ts'
import { endpointFindings, vendFindings } from './endpoint.ts'
import { bad, check, type Finding, look, unknown } from './finding.ts'
import { workspaceFindings } from './seam.ts'

interface World {
  endpoint: string
  client: DynamoDB
  tableName: string
  /** Absent: there is no API key. */
  seam?: SeamAccess | undefined
  /** Whether Seam can reach the endpoint. */
  hearsSeam: boolean
}

/** What a stack and a local world have alike, from the front door to the back rooms. */
export async function* worldFindings(
  { endpoint, client, tableName, seam, hearsSeam }: World,
  configuration: Configuration | undefined,
  token: string | undefined,
): AsyncGenerator<Finding> {
  const answers = await endpointFindings(endpoint, configuration?.allowedOrigins ?? [])
  yield* answers
  yield tableShapeFinding(client, tableName)
  const table = vendingTable({ client, tableName })
  const settings = await table.readSettings().catch(() => undefined)
  if (seam !== undefined)
    yield* await workspaceFindings(seam, settings?.workspace_id, hearsSeam ? endpoint : undefined)
  yield table.readRun().then(
    ({ last_report }) => cleanupFinding(last_report, configuration?.cleanup.everyMinutes ?? 5, Date.now()),
    () => unknown('cleaning up', 'its report cannot be read', 'let these credentials dynamodb:GetItem'),
  )
  if (answers[0]?.state === 'good') yield* await vendFindings(endpoint, token)
}

/** Whether the table is the one that the code was written for. */
async function tableShapeFinding(client: DynamoDB, TableName: string): Promise<Finding> {
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
