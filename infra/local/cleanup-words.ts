import type { CleanupReport } from '../../functions/cleanup/report.ts'

/** What a run of cleanup came to, in a line for people. */
export function cleanupWords(report: CleanupReport): string {
  const { looked_at, ended, strays_ended, settled, failed, fuse, stopped, other_run_until } = report
  if (other_run_until !== undefined)
    return `another run is at work until ${new Date(other_run_until).toLocaleTimeString()}`
  const counts = Object.entries({ ...ended, 'strays ended': strays_ended, settled, failed })
  const words = counts.map(([name, count]) => count > 0 && `${count} ${name}`)
  return [`${looked_at} records looked at`, ...words, fuse, stopped].filter(Boolean).join(', ')
}
