import { join } from 'node:path'
import { readConfiguration } from '../../../functions/config.ts'
import { sealingKeysFrom } from '../../../functions/seal.ts'
import { seamClient } from '../../../functions/seam.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import { times } from '../../../functions/times.ts'
import { worldDynamoDbClient } from '../../local/dynamodb.ts'
import { localFolder } from '../../local/environment.ts'
import { openMemory } from '../../local/memory.ts'
import { Trouble } from '../../local/trouble.ts'
import { readWorldFile, type WorldFile } from '../../local/world-file.ts'
import type { Environment } from '../reach.ts'
import { warnings } from './configuration.ts'
import { endpointFindings } from './endpoint.ts'
import { bad, type Finding, good, unknown } from './finding.ts'
import { issuerFindings } from './issuers.ts'
import { seamFindings } from './seam.ts'
import { cleanupFinding, tableFindings } from './table.ts'
import { vendFindings } from './vend.ts'
import { webhookFindings } from './webhooks.ts'

/** The local world that runs, from its front door to its back rooms. */
export async function localFindings(environment: Environment, token: string | undefined): Promise<Finding[]> {
  const folder = localFolder(environment)
  let world: WorldFile
  try {
    world = await readWorldFile(folder)
  } catch (error) {
    if (!(error instanceof Trouble)) throw error
    return [bad('local world', 'does not run', error.message)]
  }
  const endpoint = await endpointFindings(world.api, [world.page])
  if (endpoint.some(({ what, state }) => what === 'endpoint' && state === 'bad')) {
    const left = `world.json in ${folder} names a world that has ended`
    return [...endpoint, bad('local world', left, 'npm start')]
  }
  const configuration = readConfiguration(world.configuration, { loopback: true })
  const client = worldDynamoDbClient(world)
  const table = vendingTable({ client, tableName: world.table })
  try {
    const settings = await table.readSettings()
    return [
      ...endpoint,
      ...warnings('configuration', configuration),
      ...(await issuerFindings(configuration)),
      ...(await tableFindings(client, world.table, { isLocal: true })),
      await sealingKeyFinding(folder),
      ...(await seamOf(world, environment, settings?.workspace_id)),
      ...(await deliveryFindings(world)),
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
    return bad(
      'sealing key',
      error instanceof Error ? error.message : 'is not there',
      'start the world afresh',
    )
  }
}

async function seamOf(world: WorldFile, environment: Environment, expected: string | undefined) {
  const apiKey = world.seam_api_key ?? environment.SEAM_API_KEY
  if (!apiKey)
    return [unknown('Seam API key', 'not checked', 'set SEAM_API_KEY to the key that this world runs with')]
  return seamFindings(seamClient({ endpoint: world.seam, apiKey: async () => apiKey, times }), expected)
}

/** A real workspace cannot reach this machine; the local Seam can be told to hold its webhooks back. */
async function deliveryFindings({
  api,
  seam,
  seam_api_key: apiKey,
  seam_control,
}: WorldFile): Promise<Finding[]> {
  if (apiKey === undefined || seam_control === undefined)
    return [
      unknown('webhook', 'a real workspace cannot reach this machine; logins are seen when the page asks'),
    ]
  const { webhooks } = (await (await fetch(seam_control)).json()) as { webhooks: { hold: boolean } }
  if (webhooks.hold)
    return [bad('webhook', 'the local Seam holds them back', `PATCH ${seam_control}/webhooks {"hold":false}`)]
  return webhookFindings({ endpoint: seam, apiKey }, api)
}
