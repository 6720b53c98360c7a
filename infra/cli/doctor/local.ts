import { join } from 'node:path'
import { sealingKeysFrom } from '../../../functions/session/seal.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import { CliError } from '../../local/cli-error.ts'
import { worldDynamoDbClient } from '../../local/dynamodb.ts'
import { localFolder } from '../../local/environment.ts'
import { openMemory } from '../../local/memory.ts'
import { readWorldFile, type WorldFile } from '../../local/world-file.ts'
import { configurationOf } from '../reach.ts'
import type { Environment } from '../target.ts'
import { warnings } from './configuration.ts'
import { endpointFindings, vendFindings } from './endpoint.ts'
import { bad, type Finding, good, unknown } from './finding.ts'
import { issuerFindings } from './issuers.ts'
import { workspaceFindings } from './seam.ts'
import { cleanupFinding, tableFindings } from './table.ts'

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
  if (endpoint[0]?.state === 'bad') {
    const left = `world.json in ${folder} names a world that has ended`
    return [...endpoint, bad('local world', left, 'npm start')]
  }
  const configuration = configurationOf(world)
  const client = worldDynamoDbClient(world)
  const table = vendingTable({ client, tableName: world.table })
  try {
    const settings = await table.readSettings()
    return [
      ...endpoint,
      ...warnings('configuration', configuration),
      ...(await issuerFindings(configuration)),
      ...(await tableFindings(client, world.table, true)),
      await sealingKeyFinding(folder),
      ...(await seamOf(world, environment, settings?.workspace_id)),
      cleanupFinding(await table.readReport(), configuration.cleanup, Date.now()),
      unknown('alarms', 'a local world has none'),
      ...(await vendFindings(world.api, token)),
    ]
  } finally {
    client.destroy()
  }
}

async function sealingKeyFinding(folder: string): Promise<Finding> {
  try {
    const { sealingKeySecret } = await openMemory(join(folder, 'memory.json'))
    sealingKeysFrom(sealingKeySecret)
    return good('sealing key', 'is there')
  } catch (error) {
    const said = error instanceof Error ? error.message : 'is not there'
    return bad('sealing key', said, 'delete the folder of the world and start it again')
  }
}

/** A real workspace cannot reach this machine; the local Seam can be told to hold its webhooks back. */
async function seamOf(
  { api, seam: endpoint, seam_api_key, seam_control }: WorldFile,
  environment: Environment,
  expected: string | undefined,
): Promise<Finding[]> {
  const apiKey = seam_api_key ?? environment.SEAM_API_KEY
  const [what, todo] = ['Seam API key', 'set SEAM_API_KEY to the key that this world runs with']
  if (!apiKey) return [unknown(what, 'not checked', todo)]
  const findings = (vending?: string) => workspaceFindings({ endpoint, apiKey }, expected, vending)
  if (seam_control === undefined) {
    const said = 'a real workspace cannot reach this machine; logins are seen when the page asks'
    return [...(await findings()), unknown('webhook', said)]
  }
  const { webhooks } = (await (await fetch(seam_control)).json()) as { webhooks: { hold: boolean } }
  if (!webhooks.hold) return findings(api)
  const patch = `PATCH ${seam_control}/webhooks {"hold":false}`
  return [...(await findings()), bad('webhook', 'the local Seam holds them back', patch)]
}
