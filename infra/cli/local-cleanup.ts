import type { CleanupReport } from '../../functions/cleanup/report.ts'
import { deadlineIn } from '../../functions/http/deadline.ts'
import { vendingTable } from '../../functions/table/table.ts'
import { times } from '../../functions/times.ts'
import { localCleaner } from '../local/cleaning.ts'
import { worldDynamoDbClient } from '../local/dynamodb.ts'
import type { Order } from './cleanup-report.ts'
import { openLocalWorld } from './reach.ts'
import type { Tool } from './tool.ts'

/** One run of cleaning up in the local world that runs, counted as it reads the records. */
export async function cleanUpHere(tool: Tool, order: Order): Promise<CleanupReport> {
  const { world, seamApiKey, configuration } = await openLocalWorld(tool.environment)
  const client = worldDynamoDbClient(world)
  const table = vendingTable({ client, tableName: world.table })
  const progress = tool.progress('cleanup')
  let read = 0
  const counting = {
    ...table,
    readUser(owner: string) {
      progress.tell(++read)
      return table.readUser(owner)
    },
  }
  try {
    return await localCleaner(configuration, { table: counting, seamApiKey })({
      deadline: deadlineIn(times.cleanup, Date.now),
      dryRun: order.dry_run,
      allUsers: order.all_users,
      overrideFuse: order.override_fuse,
    })
  } finally {
    progress.end()
    client.destroy()
  }
}
