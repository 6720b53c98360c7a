import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { CleanupReport } from '../../functions/cleanup/report.ts'
import type { CleanUp } from '../../functions/cleanup/run.ts'
import type { Configuration } from '../../functions/config.ts'
import { deadlineIn } from '../../functions/http/deadline.ts'
import { seamClient } from '../../functions/seam/client.ts'
import type { Table } from '../../functions/table/table.ts'
import { cleanupTime, times } from '../../functions/times.ts'
import { wireCleanup } from '../../functions/wiring.ts'

/** Cleans up a local world as the deployed function does. */
export function localCleaner(
  configuration: Configuration,
  { table, seamApiKey }: { table: Table; seamApiKey: string },
): CleanUp {
  const seam = seamClient({ endpoint: configuration.seamEndpoint, apiKey: async () => seamApiKey, times })
  return wireCleanup(configuration, times, {
    table,
    seam,
    clock: Date.now,
    uuid: randomUUID,
    random: Math.random,
    sleep: (ms: number) => wait(ms),
  })
}

/** What the schedule does in the cloud. `end` does not wait for a run in progress: a run may be cut off anywhere. */
export function cleaningSchedule(
  cleanUp: CleanUp,
  { everyMinutes }: { everyMinutes: number },
  told: (report: CleanupReport) => void,
): { end(): void } {
  const ended = new AbortController()
  const { signal } = ended
  async function run(): Promise<void> {
    while (!signal.aborted) {
      await wait(everyMinutes * 60_000, undefined, { signal, ref: false })
      told(await cleanUp({ deadline: deadlineIn(cleanupTime(everyMinutes, times), Date.now) }))
    }
  }
  // Aborted while it waits.
  run().catch(() => undefined)
  return { end: () => ended.abort() }
}
