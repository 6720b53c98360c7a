import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { type CleanupReport, newReport } from '../../functions/cleanup/report.ts'
import { readConfiguration } from '../../functions/config.ts'
import type { AccountAudit } from '../../functions/http/audit.ts'
import { deadlineIn } from '../../functions/http/deadline.ts'
import { adminCaller, type CallAdmin } from '../../functions/operator/client.ts'
import { vendingTable } from '../../functions/table/table.ts'
import { times } from '../../functions/times.ts'
import { wireAdmin, wireCleanup } from '../../functions/wiring.ts'
import { CliError } from '../local/cli-error.ts'
import { callAdminOf, localClients } from '../local/clients.ts'
import { worldDynamoDbClient } from '../local/dynamodb.ts'
import { localFolder } from '../local/environment.ts'
import { auditTrail, openMemory, readRunningWorld } from '../local/files.ts'
import { type DeployedStack, invokeFunction, stackAuditTrail } from './aws/stack.ts'

/** Where commands act: the local world, with the code that the functions run, or a stack, by invoking its functions. */

/** The world that a command acts in. */
export interface Reach {
  callAdmin: CallAdmin
  /** The lines of the audit log in which an account stands, and perhaps others. */
  auditTrail(accountId: string): AsyncIterable<AccountAudit>
  /** One run beside the schedule. `tell`: how many records it has read, where that can be seen. */
  cleanUp(
    order: Partial<Record<'dryRun' | 'allUsers' | 'overrideFuse', boolean>>,
    tell: (count: number) => void,
  ): Promise<CleanupReport>
  close(): void
}

export type LocalEnvironment = Parameters<typeof localFolder>[0]

/** The local world that runs. @throws CliError */
export async function openLocalWorld(environment: LocalEnvironment) {
  const folder = localFolder(environment)
  const file = await readRunningWorld(folder)
  const apiKey = file.seam_api_key ?? environment.SEAM_API_KEY
  if (!apiKey)
    throw new CliError('This world uses a real Seam workspace: set SEAM_API_KEY to the key it runs with.')
  const configuration = readConfiguration(file.configuration, { loopback: true })
  // A command has a minute.
  const client = worldDynamoDbClient(file, times.admin / 6)
  return { folder, file, configuration, client, seam: { endpoint: file.seam, apiKey } }
}

export async function reachLocalWorld(environment: LocalEnvironment): Promise<Reach> {
  const { folder, file, configuration, client, seam } = await openLocalWorld(environment)
  const { sealingKeySecret } = await openMemory(join(folder, 'memory.json'))
  const table = vendingTable({ client, tableName: file.table })
  const clients = localClients(table, { url: file.seam, apiKey: seam.apiKey }, { folder, sealingKeySecret })
  return {
    callAdmin: callAdminOf(wireAdmin(configuration, times, clients), callerName()),
    auditTrail: () => auditTrail(folder),
    cleanUp(order, tell) {
      let count = 0
      const readUser = (owner: string) => {
        tell(++count)
        return table.readUser(owner)
      }
      const cleanUp = wireCleanup(configuration, times, { ...clients, table: { ...table, readUser } })
      return cleanUp({ deadline: deadlineIn(times.cleanup, Date.now), ...order })
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
    async cleanUp({ dryRun: dry_run, allUsers: all_users, overrideFuse: override_fuse }) {
      const order = JSON.stringify({ dry_run, all_users, override_fuse })
      const report = JSON.parse(await invokeFunction(client, CleanupFunction, order))
      // A stack of an earlier version leaves out what it does not count.
      return { ...newReport(report), ...report }
    },
    close: () => client.destroy(),
  }
}

const callerName = () => `${userInfo().username}@${hostname()}`.slice(0, 200)
