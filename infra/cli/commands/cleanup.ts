import type { CleanupReport, Stop } from '../../../functions/cleanup/report.ts'
import { command } from '../command.ts'
import { exitCodes } from '../errors.ts'
import { duration, sheet } from '../print.ts'
import { when } from '../times.ts'

export const cleanup = command({
  about: 'clean up once, beside the schedule: end what is stale at Seam',
  options: {
    'dry-run': { about: 'say what a run would do, and change nothing' },
    'all-users': { about: 'look at every record instead of those that are due, without backoff' },
    'override-fuse': { about: 'end also what the fuse would hold back' },
  },
  examples: ['cleanup --dry-run', 'cleanup --stack token-vending-prod --all-users'],
  async run(tool, _, options) {
    const progress = tool.progress('cleanup')
    const report = await (await tool.reach()).cleanUp(options, (count) => progress.tell(count))
    const exitCode = report.alarms.length > 0 ? exitCodes.unexpected : exitCodes.done
    return tool.show(report, () => reportTable(report), didNothing(report) ? exitCodes.nothingDone : exitCode)
  },
})

const sentences: Record<Stop | NonNullable<CleanupReport['fuse']>, string> = {
  another_run: 'Another run is at work, or Seam has asked to wait; try again in a few minutes.',
  nothing_made_yet: 'No client session was ever made here, so there is nothing to clean up.',
  out_of_time: 'Time was up; the next run goes on.',
  rate_limited: 'Seam answered 429, so it stopped early; the next run goes on when Seam allows it.',
  other_workspace:
    'The API key opens another workspace than the one these records belong to; nothing was deleted or forgotten.',
  failing: 'Ten failures in a row, so it stopped; the next run tries again.',
  outage: 'The table or Seam is unavailable.',
  clocks_apart:
    'This clock and Seam’s are more than 30 seconds apart, so nothing was ended that only a clock says should end. Set the clock, or override the fuse.',
  too_many:
    'More live client sessions would have ended on inference alone than a run may end by itself. Look at them with a dry run, then override the fuse.',
}

const sum = (counts: Record<string, number>) =>
  Object.values(counts).reduce((total, count) => total + count, 0)

const cleaned = (report: CleanupReport) =>
  sum(report.ended) + report.strays_ended + report.settled + report.accounts_settled

/** Another run or the fuse kept it from doing anything; a dry run does what it should. */
function didNothing(report: CleanupReport): boolean {
  const isKept = report.stopped === 'another_run' || report.fuse !== undefined
  return isKept && !report.dry_run && cleaned(report) === 0
}

/** A report for a person: what was done, the numbers as in JSON, and why it stopped. */
export function reportTable(report: CleanupReport): string {
  const { started_at, dry_run, all_users, fuse, stopped, other_run_until: until, ...numbers } = report
  if (until !== undefined)
    return `Another run is at work until ${when(until).slice(11, 16)} UTC, or Seam has asked to wait until then. Nothing was done.`
  const oldest_backlog = duration(report.oldest_backlog)
  const shown = { ...numbers, oldest_backlog, took: duration(report.took) }
  const why = [fuse, stopped].flatMap((word) => (word === undefined ? [] : [sentences[word]]))
  return [`${titleOf(report)}\n`, sheet(shown), ...why.map((sentence) => `\n${sentence}`)].join('\n')
}

function titleOf(report: CleanupReport): string {
  if (report.dry_run) return 'What a run would do; nothing was changed.'
  return cleaned(report) > 0 ? 'Cleaned up.' : 'Nothing was cleaned up.'
}
