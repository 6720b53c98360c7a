import { randomUUID } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { readConfiguration } from '../../functions/config.ts'
import { deadlineIn } from '../../functions/http/deadline.ts'
import { adminCaller } from '../../functions/operator/client.ts'
import { seamClient } from '../../functions/seam/client.ts'
import { sealingKeysFrom, tokenSealer } from '../../functions/session/seal.ts'
import { vendingTable } from '../../functions/table/table.ts'
import { times } from '../../functions/times.ts'
import { wireAdmin } from '../../functions/wiring.ts'
import { auditTrail, auditWriter } from '../local/audit-file.ts'
import { CliError } from '../local/cli-error.ts'
import { worldDynamoDbClient } from '../local/dynamodb.ts'
import { localFolder } from '../local/environment.ts'
import { openMemory } from '../local/memory.ts'
import { readRunningWorld, type WorldFile } from '../local/world-file.ts'
import { stackAuditTrail } from './aws/audit-trail.ts'
import { invokeFunction } from './aws/functions.ts'
import type { DeployedStack } from './aws/stack.ts'
import type { Environment, Reach } from './target.ts'

/** The local world that runs, and how to reach its parts. @throws CliError */
export async function openLocalWorld(environment: Environment) {
  const folder = localFolder(environment)
  const world = await readRunningWorld(folder)
  const seamApiKey = world.seam_api_key ?? environment.SEAM_API_KEY
  if (!seamApiKey)
    throw new CliError('This world uses a real Seam workspace: set SEAM_API_KEY to the key it runs with.')
  return { folder, world, seamApiKey, configuration: configurationOf(world) }
}

export const configurationOf = ({ configuration }: WorldFile) =>
  readConfiguration(configuration, { loopback: true })

/** Acts in the local world that runs, with the very code that the admin function runs. @throws CliError */
export async function reachLocalWorld(environment: Environment): Promise<Reach> {
  const { folder, world, seamApiKey, configuration } = await openLocalWorld(environment)
  const { sealingKeySecret } = await openMemory(join(folder, 'memory.json'))
  const sealingKeys = sealingKeysFrom(sealingKeySecret)
  const client = worldDynamoDbClient(world)
  const administer = wireAdmin(
    configuration,
    times,
    {
      table: vendingTable({ client, tableName: world.table }),
      seam: seamClient({ endpoint: world.seam, apiKey: async () => seamApiKey, times }),
      seal: tokenSealer(async () => sealingKeys),
      fetch,
      clock: Date.now,
      uuid: randomUUID,
      random: Math.random,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      log: () => {},
      auditLog: auditWriter(folder),
    },
    { loopback: true },
  )
  const send = async (payload: string) => {
    const request = { requestId: randomUUID(), deadline: deadlineIn(times.admin, Date.now) }
    return JSON.stringify(await administer(JSON.parse(payload), request))
  }
  return {
    callAdmin: adminCaller({ by: callerName(), send }),
    auditTrail: () => auditTrail(folder),
    close: () => client.destroy(),
  }
}

/** Acts in a deployed stack, by invoking its admin function; AWS's own files and variables say who asks. */
export async function reachStack({ outputs, aws }: DeployedStack): Promise<Reach> {
  const { Lambda } = await import('@aws-sdk/client-lambda')
  const client = new Lambda(aws)
  return {
    callAdmin: adminCaller({
      by: callerName(),
      send: (payload) => invokeFunction(client, outputs.AdminFunction, payload),
    }),
    auditTrail: (accountId) => stackAuditTrail({ outputs, aws }, accountId, Date.now()),
    close: () => client.destroy(),
  }
}

const callerName = () => `${userInfo().username}@${hostname()}`.slice(0, 200)
