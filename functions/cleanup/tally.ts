import type { Deadline } from '../http/deadline.ts'
import { problemOf } from '../http/problem.ts'
import type { Seam } from '../seam/client.ts'
import { SeamFailure } from '../seam/failure.ts'
import type { SessionDeps } from '../session/deps.ts'
import { isStillShown, type RetireDeps } from '../session/retire.ts'
import type { AccountTable, RunTable, Table, UserTable } from '../table/table.ts'
import type { Stale } from './fuse.ts'
import { isNobodysFailure, isRateLimit } from './one-user.ts'
import { type CleanupReport, count, newReport, type Stop } from './report.ts'

/** What one run is given, and what it counts: failures, what is left, and whether it is over. */

export interface CleanupDeps extends Omit<SessionDeps, 'seal' | 'workspace' | 'breakers'> {
  table: UserTable & AccountTable & Omit<RunTable, 'allUsers'> & Pick<Table, 'readSettings'>
  /** With one API key for the whole run: a 404 counts only under the key whose workspace has been confirmed. */
  seam: Seam
  rate: { callsPerSecond: number; concurrency: number }
}

export interface Order {
  /** By then everything has ended and the report is stored. */
  deadline: Deadline
  /** Changes nothing; the report is the plan. */
  dryRun?: boolean
  /** Looks at every record instead of those that are due, and tries again at once what has failed: after a restore of the table. */
  allUsers?: boolean
  /** Ends also what the fuse would hold back. */
  overrideFuse?: boolean
}

/** One run, filled in as it goes. */
export function newRun(deps: CleanupDeps & RetireDeps, order: Order, acting: Deadline) {
  const { dryRun = false, allUsers = false } = order
  const report: CleanupReport = newReport({ started_at: deps.clock(), dry_run: dryRun, all_users: allUsers })
  return {
    deps,
    order,
    report,
    /** When time is up, what is on its way still has to be recorded, and then the report. */
    acting,
    stale: [] as Stale[],
    failuresInARow: 0,
    /** Epoch ms: Seam's `Retry-After` binds the next run too. */
    notBefore: 0,
    /** Of the whole workspace, listed at most once. */
    knownAccounts: undefined as Promise<Set<string>> | undefined,
  }
}
export type Run = ReturnType<typeof newRun>

/** Then it is not about single users, and going on would only put all of them off. */
const mostFailuresInARow = 10

export function noteFailure(run: Run, since: number, error: unknown): void {
  const { report } = run
  if (isToldToWait(run, error) || isNobodysFailure(error)) {
    leave(run, since)
    return
  }
  report.failed++
  count(report.failures, causeOf(error))
  backlog(run, since)
  // A refusal is about one client session; it says that Seam is at work.
  const status = error instanceof SeamFailure ? error.httpStatus : 0
  const refused = isStillShown(error) || (status >= 400 && status < 500 && status !== 401)
  if (!refused && ++run.failuresInARow >= mostFailuresInARow) stop(run, 'failing')
}

export function isToldToWait(run: Run, error: unknown): boolean {
  if (!isRateLimit(error)) return false
  run.notBefore = run.deps.clock() + 1000 * (error.details.retryAfter ?? 1)
  stop(run, 'rate_limited')
  return true
}

/** Whether no further act may start. */
export function isOver(run: Run): boolean {
  const { times } = run.deps.terms
  if (run.acting.left() < times.seam + 2 * times.dynamodb) stop(run, 'out_of_time')
  return run.report.stopped !== undefined
}

export function stop({ report }: Run, why: Stop): void {
  report.stopped ??= why
}

export function leave(run: Run, since: number): void {
  run.report.left_for_next_time++
  backlog(run, since)
}

export function backlog({ report, deps }: Run, since: number): void {
  report.oldest_backlog = Math.max(report.oldest_backlog, deps.clock() - since)
}

/** In fixed words: what an error holds is not for a report. */
export function causeOf(error: unknown): string {
  const { code, details } = problemOf(error)
  return details.reason ?? code
}
