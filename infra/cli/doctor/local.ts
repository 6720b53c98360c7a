import { vendingTable } from '../../../functions/table/table.ts'
import { CliError } from '../../local/cli-error.ts'
import { worldDynamoDbClient } from '../../local/dynamodb.ts'
import { localFolder } from '../../local/environment.ts'
import { readWorldFile, type WorldFile } from '../../local/world-file.ts'
import { configurationOf } from '../reach.ts'
import type { Environment } from '../target.ts'
import { warnings } from './configuration.ts'
import { endpointFindings, vendFindings } from './endpoint.ts'
import { bad, type Finding, unknown } from './finding.ts'
import { issuerFindings } from './issuers.ts'
import { workspaceFindings } from './seam.ts'
import { cleanupFinding, tableShapeFinding } from './table.ts'

/** The local world that runs, from its front door to its back rooms. */
export async function localFindings(environment: Environment, token: string | undefined): Promise<Finding[]> {
  const folder = localFolder(environment)
  let world: WorldFile
  try {
    world = await readWorldFile(folder)
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    return [bad('local world', 'does not run', error.message)]
  }
  const endpoint = await endpointFindings(world.api, [world.page])
  if (endpoint[0]?.state === 'bad')
    return [bad('local world', `world.json in ${folder} names a world that has ended`, 'npm start')]
  const configuration = configurationOf(world)
  const client = worldDynamoDbClient(world)
  const table = vendingTable({ client, tableName: world.table })
  try {
    const settings = await table.readSettings()
    return [
      ...endpoint,
      ...warnings('configuration', configuration),
      ...(await issuerFindings(configuration)),
      await tableShapeFinding(client, world.table, 'restart the local world'),
      ...(await seamFindings(world, environment, settings?.workspace_id)),
      cleanupFinding(await table.readReport(), configuration.cleanup.everyMinutes, Date.now()),
      ...(await vendFindings(world.api, token)),
    ]
  } finally {
    client.destroy()
  }
}

async function seamFindings(
  { api, seam: endpoint, seam_api_key, seam_control }: WorldFile,
  environment: Environment,
  expected: string | undefined,
): Promise<Finding[]> {
  const apiKey = seam_api_key ?? environment.SEAM_API_KEY
  const todo = 'set SEAM_API_KEY to the key that this world runs with'
  if (!apiKey) return [unknown('Seam API key', 'not checked', todo)]
  // A real workspace cannot reach this machine: logins are seen when the page asks.
  return workspaceFindings({ endpoint, apiKey }, expected, seam_control === undefined ? undefined : api)
}
