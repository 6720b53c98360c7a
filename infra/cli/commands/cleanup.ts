import type { CleanupReport } from '../../../functions/cleanup/report.ts'
import { invokeFunction } from '../aws/functions.ts'
import type { DeployedStack } from '../aws/stack.ts'
import { didNothing, type Order, reportTable } from '../cleanup-report.ts'
import { command } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'

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
    const report =
      stack === undefined
        ? await (await import('../local-cleanup.ts')).cleanUpHere(tool, order)
        : await cleanUpStack(stack, order)
    await tool.show(report, () => reportTable(report))
    if (didNothing(report)) return exitCodes.nothingDone
    return report.alarms.length > 0 ? exitCodes.unexpected : exitCodes.done
  },
})

async function cleanUpStack({ outputs, aws }: DeployedStack, order: Order): Promise<CleanupReport> {
  const { Lambda } = await import('@aws-sdk/client-lambda')
  const client = new Lambda(aws)
  try {
    return JSON.parse(await invokeFunction(client, outputs.CleanupFunction, JSON.stringify(order)))
  } finally {
    client.destroy()
  }
}
