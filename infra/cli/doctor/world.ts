import type { DynamoDB } from '@aws-sdk/client-dynamodb'
import { vendingTable } from '../../../functions/table/table.ts'
import type { SeamAccess } from '../setup/seam.ts'
import { endpointFindings, vendFindings } from './endpoint.ts'
import { type Finding, unknown } from './finding.ts'
import { workspaceFindings } from './seam.ts'
import { cleanupFinding, tableShapeFinding } from './table.ts'

interface World {
  endpoint: string
  origins: string[]
  client: DynamoDB
  tableName: string
  /** Absent: there is no API key. */
  seam?: SeamAccess | undefined
  /** Whether Seam can reach the endpoint. */
  hearsSeam: boolean
  everyMinutes: number
  token: string | undefined
}

/** What a stack and a local world have alike, from the front door to the back rooms. */
export async function* worldFindings(world: World): AsyncGenerator<Finding[]> {
  const { endpoint, client, tableName, seam, everyMinutes } = world
  const answers = await endpointFindings(endpoint, world.origins)
  yield answers
  yield [await tableShapeFinding(client, tableName)]
  const table = vendingTable({ client, tableName })
  const settings = await table.readSettings().catch(() => undefined)
  if (seam !== undefined)
    yield await workspaceFindings(seam, settings?.workspace_id, world.hearsSeam ? endpoint : undefined)
  yield [
    await table.readReport().then(
      (report) => cleanupFinding(report, everyMinutes, Date.now()),
      () => unknown('cleaning up', 'its report cannot be read', 'let these credentials dynamodb:GetItem'),
    ),
  ]
  if (answers[0]?.state === 'good') yield await vendFindings(endpoint, world.token)
}
