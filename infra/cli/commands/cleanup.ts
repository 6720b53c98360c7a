import type { CleanupReport } from '../../../functions/cleanup/report.ts'
import { deadlineIn } from '../../../functions/deadline.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import { times } from '../../../functions/times.ts'
import { localCleaner } from '../../local/cleaning.ts'
import { worldDynamoDbClient } from '../../local/dynamodb.ts'
import { functionInvoker } from '../aws/functions.ts'
import type { DeployedStack } from '../aws/stack.ts'
import { didNothing, reportTable } from '../cleanup-report.ts'
import { command } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { openLocalWorld } from '../reach.ts'
import type { Tool } from '../tool.ts'

/** As the cleanup function takes it. */
interface Order {
  dry_run: boolean
  all_users: boolean
  override_fuse: boolean
}

export const cleanup = command({
  group: 'bulk',
  about: 'clean up once, beside the schedule: end what is stale at Seam',
  options: {
    'dry-run': { about: 'say what a run would do, and change nothing' },
    'all-users': { about: 'look at every record instead of those that are due' },
    'override-fuse': { about: 'end also what the fuse would hold back' },
  },
  examples: ['cleanup --dry-run', 'cleanup --stack token-vending-prod --all-users'],
  async run(tool, _, options) {
    const order: Order = {
      dry_run: options['dry-run'],
      all_users: options['all-users'],
      override_fuse: options['override-fuse'],
    }
    const stack = await tool.deployedStack()
    const report = await (stack === undefined ? cleanUpHere(tool, order) : cleanUpStack(stack, order))
    await tool.show(report, () => reportTable(report))
    if (didNothing(report)) return exitCodes.nothingDone
    return report.alarms.length > 0 ? exitCodes.unexpected : exitCodes.done
  },
})

async function cleanUpStack(stack: DeployedStack, order: Order): Promise<CleanupReport> {
  const { invoke, close } = functionInvoker(stack, 'CleanupFunction')
  try {
    return JSON.parse(await invoke(JSON.stringify(order)))
  } finally {
    close()
  }
}

async function cleanUpHere(tool: Tool, order: Order): Promise<CleanupReport> {
  const { world, seamApiKey, configuration } = await openLocalWorld(tool.environment)
  const client = worldDynamoDbClient(world)
  const table = vendingTable({ client, tableName: world.table })
  const progress = tool.progress('cleanup')
  let read = 0
  try {
    const cleanUp = localCleaner(configuration, {
      table: {
        ...table,
        readUser(owner) {
          progress.tell(++read)
          return table.readUser(owner)
        },
      },
      seamApiKey,
    })
    return await cleanUp({
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
