import { parseArgs } from 'node:util'
import type { CleanupReport } from '../../functions/cleaning/report.ts'
import { readConfiguration } from '../../functions/config.ts'
import { deadlineIn } from '../../functions/deadline.ts'
import { vendingTable } from '../../functions/table/table.ts'
import { times } from '../../functions/times.ts'
import { exitCodeOfTrouble, Misuse } from '../admin/exit-codes.ts'
import { cleanUpStack } from '../deployed/cleanup.ts'
import { endWithPipe } from '../pipe.ts'
import { localCleaner } from './cleaning.ts'
import { reportTable } from './cleanup-report.ts'
import { worldDynamoDbClient } from './dynamodb.ts'
import { localFolder } from './environment.ts'
import { Trouble } from './trouble.ts'
import { readRunningWorld } from './world-file.ts'

/** `npm run cleanup`: cleans up once, in the local world that runs or in a deployed stack. */

const usage = `npm run cleanup -- [options]

  --stack NAME     in a deployed stack, by its cleanup function
  --dry-run        say what a run would do, and change nothing
  --all-users      look at every record instead of those that are due
  --override-fuse  end also what the fuse would hold back
  --json           print the report as it is

Ends with 1 when somebody should look at the report, with 2 when it was not understood, with 4 when AWS refused,
with 6 when something is unavailable.`

endWithPipe(process)
try {
  const options = readOptions()
  if (options.help) console.log(usage)
  else {
    const report = await (options.stack === undefined
      ? cleanUpLocally(options)
      : cleanUpStack(
          options.stack,
          {
            dry_run: options['dry-run'],
            all_users: options['all-users'],
            override_fuse: options['override-fuse'],
          },
          process.env,
        ))
    console.log(options.json ? JSON.stringify(report, null, 2) : reportTable(report))
    process.exitCode = report.alarms.length > 0 ? 1 : 0
  }
} catch (error) {
  if (!(error instanceof Trouble)) throw error
  console.error(error.message)
  process.exitCode = exitCodeOfTrouble(error)
}

function readOptions() {
  const flag = { type: 'boolean', default: false } as const
  const stack = { type: 'string' } as const
  const options = { 'dry-run': flag, 'all-users': flag, 'override-fuse': flag, json: flag, help: flag, stack }
  try {
    return parseArgs({ options }).values
  } catch (error) {
    throw new Misuse(`${error instanceof Error ? error.message : error}\n\n${usage}`)
  }
}

async function cleanUpLocally(options: ReturnType<typeof readOptions>): Promise<CleanupReport> {
  const world = await readRunningWorld(localFolder(process.env))
  const seamApiKey = world.seam_api_key ?? process.env.SEAM_API_KEY
  if (!seamApiKey)
    throw new Trouble('This world uses a real Seam workspace: set SEAM_API_KEY to the key it runs with.')
  const client = worldDynamoDbClient(world)
  try {
    const cleanUp = localCleaner(readConfiguration(world.configuration, { loopback: true }), {
      table: vendingTable({ client, tableName: world.table }),
      seamApiKey,
    })
    return await cleanUp({
      deadline: deadlineIn(times.cleanup, Date.now),
      dryRun: options['dry-run'],
      allUsers: options['all-users'],
      overrideFuse: options['override-fuse'],
    })
  } finally {
    client.destroy()
  }
}
