import { randomUUID } from 'node:crypto'
import type { CleanupReport } from '../../functions/cleanup/report.ts'
import type { CleanUp } from '../../functions/cleanup/run.ts'
import { deadlineIn } from '../../functions/http/deadline.ts'
import type { Table } from '../../functions/table/table.ts'
import { cleanupTime, times } from '../../functions/times.ts'

/** What the schedule does in the cloud, and the same cleanup for others. `end` cuts runs short, so that each gives back its lease. */
export function cleaningSchedule(
  clean: CleanUp,
  { everyMinutes }: { everyMinutes: number },
  told: (report: CleanupReport) => void = () => {},
): { cleanUp: CleanUp; end(): Promise<void> } {
  let isOver = false
  const running = new Set<Promise<unknown>>()
  const cleanUp: CleanUp = (order) => {
    const deadline = { left: () => (isOver ? 0 : order.deadline.left()) }
    const run = clean({ ...order, deadline }).finally(() => running.delete(run))
    running.add(run)
    return run
  }
  const timer = setInterval(() => {
    const deadline = deadlineIn(cleanupTime(everyMinutes, times), Date.now)
    // The next run tries again.
    cleanUp({ deadline }).then(told, () => {})
  }, everyMinutes * 60_000).unref()
  return {
    cleanUp,
    async end() {
      isOver = true
      clearInterval(timer)
      await Promise.all(running)
    },
  }
}

/** A killed world cannot give back the lease of its cleanup. Only for a world that holds the folder: no run is at work. */
export async function endKilledRun(table: Table): Promise<void> {
  const { lease_until: until = 0 } = await table.readRun()
  const now = Date.now()
  // Taken over as if it had run out, and given back at once.
  if (until > now) await table.startRun(randomUUID(), until, now)
}
