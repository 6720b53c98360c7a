import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { newReport } from '../../functions/cleanup/report.ts'
import { readConfiguration } from '../../functions/config.ts'
import { deadlineIn } from '../../functions/http/deadline.ts'
import { adminCaller } from '../../functions/operator/client.ts'
import { vendingTable } from '../../functions/table/table.ts'
import { times } from '../../functions/times.ts'
import { wireAdmin, wireCleanup } from '../../functions/wiring.ts'
import { auditTrail } from '../local/audit-file.ts'
import { CliError } from '../local/cli-error.ts'
import { callAdminOf, localClients } from '../local/clients.ts'
import { worldDynamoDbClient } from '../local/dynamodb.ts'
import { localFolder } from '../local/environment.ts'
import { openMemory } from '../local/memory.ts'
import { readRunningWorld, type WorldFile } from '../local/world-file.ts'
import { type DeployedStack, invokeFunction, stackAuditTrail } from './aws/stack.ts'
import type { Environment, Reach } from './target.ts'

/** Where commands act: the local world, with the code that the functions run, or a stack, by invoking its functions. */

export const configurationOf = ({ configuration }: WorldFile) =>
  readConfiguration(configuration, { loopback: true })

/** The local world that runs. @throws CliError */
export async function reachLocalWorld(environment: Environment): Promise<Reach> {
  const folder = localFolder(environment)
  const world = await readRunningWorld(folder)
  const apiKey = world.seam_api_key ?? environment.SEAM_API_KEY
  if (!apiKey)
    throw new CliError('This world uses a real Seam workspace: set SEAM_API_KEY to the key it runs with.')
  const configuration = configurationOf(world)
  const { sealingKeySecret } = await openMemory(join(folder, 'memory.json'))
  // A command has a minute.
  const client = worldDynamoDbClient(world, times.admin / 6)
  const table = vendingTable({ client, tableName: world.table })
  const clients = localClients(table, { endpoint: world.seam, apiKey }, { folder, sealingKeySecret })
  return {
    callAdmin: callAdminOf(wireAdmin(configuration, times, clients), callerName()),
    auditTrail: () => auditTrail(folder),
    cleanUp({ dry_run: dryRun, all_users: allUsers, override_fuse: overrideFuse }, tell) {
      let count = 0
      const readUser = (owner: string) => {
        tell(++count)
        return table.readUser(owner)
      }
      const cleanUp = wireCleanup(configuration, times, { ...clients, table: { ...table, readUser } })
      return cleanUp({ deadline: deadlineIn(times.cleanup, Date.now), dryRun, allUsers, overrideFuse })
    },
    close: () => client.destroy(),
  }
}

/** A stack, by invoking its functions. AWS's own files and variables give the credentials. */
export async function reachStack(stack: DeployedStack): Promise<Reach> {
  const { Lambda } = await import('@aws-sdk/client-lambda')
  const client = new Lambda(stack.aws)
  const { AdminFunction, CleanupFunction } = stack.outputs
  const send = (payload: string) => invokeFunction(client, AdminFunction, payload)
  return {
    callAdmin: adminCaller({ by: callerName(), send }),
    auditTrail: (accountId) => stackAuditTrail(stack, accountId),
    async cleanUp(order) {
      const report = JSON.parse(await invokeFunction(client, CleanupFunction, JSON.stringify(order)))
      // A stack of an earlier version leaves out what it does not count.
      return { ...newReport(report), ...report }
    },
    close: () => client.destroy(),
  }
}

const callerName = () => `${userInfo().username}@${hostname()}`.slice(0, 200)
