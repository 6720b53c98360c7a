import type { CleanupReport } from '../../functions/cleanup/report.ts'

/** What a run of cleanup did, in a line for people; empty: nothing. */
export function cleanupWords(report: CleanupReport): string {
  const { ended, strays_ended, settled, failed, fuse, stopped, other_run_until: until } = report
  const counts = Object.entries({ ...ended, strays_ended, settled, failed })
  const words = counts.map(([name, count]) => count > 0 && `${count} ${name}`)
  const other = until !== undefined && `another run is at work until ${new Date(until).toLocaleTimeString()}`
  return [...words, fuse, other || stopped].filter(Boolean).join(', ')
}
