import type { CleanupReport } from '../../functions/cleaning/report.ts'

const sentences = {
  another_run: 'Another run is at work, or Seam has asked to wait; try again in a few minutes.',
  nothing_made_yet: 'No client session was ever made here, so there is nothing to clean up.',
  out_of_time: 'Time was up; the next run goes on.',
  rate_limited: 'Seam answered 429, so it stopped early; the next run goes on when Seam allows it.',
  other_workspace:
    'The API key opens another workspace than the one these records belong to; nothing was deleted or forgotten.',
  failing: 'Ten failures in a row, so it stopped; the next run tries again.',
  outage: 'The table or Seam could not be had.',
  clocks_apart:
    'This clock and Seam’s are more than 30 seconds apart, so nothing was ended that only a clock says should end. Set the clock, or override the fuse.',
  too_many:
    'More live client sessions would have ended on inference alone than a run may end by itself. Look at them with a dry run, then override the fuse.',
} as const

/** A report for a person: one line per number that says something. */
export function reportTable(report: CleanupReport): string {
  const rows: [string, number | string, string?][] = [
    ['looked at', report.looked_at, report.all_users ? 'every record' : 'what was due'],
    ['ended', sum(report.ended), listed(report.ended)],
    ['already gone at Seam', report.already_gone],
    ['strays ended', report.strays_ended],
    ['settled', report.settled, 'let-go keys that nothing shows under any more'],
    ['records removed', report.records_removed],
    ['failed', report.failed, listed(report.failures)],
    ['given up for a day', report.given_up.length, report.given_up.join(', ')],
    ['held back by the fuse', report.held_back],
    ['left for next time', report.left_for_next_time],
    ['oldest backlog', duration(report.oldest_backlog)],
    ['took', duration(report.took)],
  ]
  const lines = rows.map(([name, value, what]) =>
    `  ${name.padEnd(22)}${String(value).padStart(8)}   ${value !== 0 && what ? what : ''}`.trimEnd(),
  )
  const why = [report.fuse, report.stopped].flatMap((word) => (word === undefined ? [] : [sentences[word]]))
  const title = report.dry_run ? 'What a run would do; nothing was changed.' : 'Cleaned up.'
  return [title, '', ...lines, ...(why.length > 0 ? ['', ...why] : []), ''].join('\n')
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}

function listed(counts: Record<string, number>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
}

function duration(ms: number): string {
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`
}
