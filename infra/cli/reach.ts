import { randomUUID } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { adminMachine } from '../../functions/admin/machine.ts'
import { adminCaller, type CallAdmin } from '../../functions/admin-client.ts'
import { readConfiguration } from '../../functions/config.ts'
import { deadlineIn } from '../../functions/deadline.ts'
import type { AccountAudit } from '../../functions/log.ts'
import { sealingKeysFrom, tokenSealer } from '../../functions/seal.ts'
import { seamClient } from '../../functions/seam.ts'
import { vendingTable } from '../../functions/table/table.ts'
import { times } from '../../functions/times.ts'
import { auditTrail, auditWriter } from '../local/audit-file.ts'
import { worldDynamoDbClient } from '../local/dynamodb.ts'
import { localFolder } from '../local/environment.ts'
import { openMemory } from '../local/memory.ts'
import { Trouble } from '../local/trouble.ts'
import { readRunningWorld, type WorldFile } from '../local/world-file.ts'
import { stackNameOf } from '../stage.ts'
import { stackAuditTrail } from './aws/audit-trail.ts'
import { functionInvoker } from './aws/functions.ts'
import { type AwsEnvironment, findStack } from './aws/stack.ts'
import { deployable } from './configuration.ts'
import { UsageError } from './errors.ts'

/** The world that the commands act in. */
export interface Reach {
  callAdmin: CallAdmin
  /** The lines of the audit log in which an account stands, and perhaps others. */
  auditTrail(accountId: string): AsyncIterable<AccountAudit>
  close(): void
}

export type Environment = Parameters<typeof localFolder>[0] &
  AwsEnvironment &
  Partial<Record<'NO_COLOR' | 'TERM', string>>

/** What `--stack` and `--stage` say. */
export interface Target {
  stack?: string | undefined
  stage?: string | undefined
}

/** Undefined: the local world. @throws UsageError when there is no such stage */
export function stackOf(folder: string, { stack, stage }: Target): string | undefined {
  if (stack === '') throw new UsageError('--stack: give the name of a stack.')
  if (stack !== undefined || stage === undefined) return stack
  return stackNameOf(deployable(folder, stage).configuration.deployment)
}

/** The local world that runs, and how to reach its parts. @throws Trouble */
export async function openLocalWorld(environment: Environment) {
  const folder = localFolder(environment)
  const world = await readRunningWorld(folder)
  const seamApiKey = world.seam_api_key ?? environment.SEAM_API_KEY
  if (!seamApiKey)
    throw new Trouble('This world uses a real Seam workspace: set SEAM_API_KEY to the key it runs with.')
  return { folder, world, seamApiKey, configuration: configurationOf(world) }
}

export const configurationOf = ({ configuration }: WorldFile) =>
  readConfiguration(configuration, { loopback: true })

/** Acts in the local world that runs, with the very code that the admin function runs. @throws Trouble */
export async function reachLocalWorld(environment: Environment): Promise<Reach> {
  const { folder, world, seamApiKey, configuration } = await openLocalWorld(environment)
  const { sealingKeySecret } = await openMemory(join(folder, 'memory.json'))
  const sealingKeys = sealingKeysFrom(sealingKeySecret)
  const client = worldDynamoDbClient(world)
  const administer = adminMachine(
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
  return {
    callAdmin: adminCaller({
      by: callerName(),
      async send(payload) {
        const request = { requestId: randomUUID(), deadline: deadlineIn(times.admin, Date.now) }
        return JSON.stringify(await administer(JSON.parse(payload), request))
      },
    }),
    auditTrail: () => auditTrail(folder),
    close: () => client.destroy(),
  }
}

/** Acts in a deployed stack, by invoking its admin function; AWS's own files and variables say who asks. @throws Trouble */
export async function reachStack(name: string, environment: Environment): Promise<Reach> {
  const stack = await findStack(name, environment)
  const { invoke, close } = functionInvoker(stack, 'AdminFunction')
  return {
    callAdmin: adminCaller({ by: callerName(), send: invoke }),
    auditTrail: (accountId) => stackAuditTrail(stack, accountId, Date.now()),
    close,
  }
}

function callerName(): string {
  return `${userInfo().username}@${hostname()}`.slice(0, 200)
}
