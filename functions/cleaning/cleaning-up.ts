import { newTrace, type Trace, verdictCarrier } from '../carrying-out.ts'
import { userChanger } from '../change.ts'
import type { Deadline } from '../deadline.ts'
import { pacer, sideBySide } from '../pacing.ts'
import { Problem } from '../problem.ts'
import type { Seal } from '../seal.ts'
import { type Seam, SeamFailure } from '../seam.ts'
import type { Settings, Table } from '../table/table.ts'
import { removable, settleable, type User, unconfirmed } from '../user.ts'
import { judge, type Terms } from '../verdict.ts'
import { holdsBack, isInferred, type Stale, timeBetween, tooMany } from './fuse.ts'
import { alarmsOf, type CleanupReport, count, newReport, type Stop } from './report.ts'
import { deletesFirst, dueSince, everyOwner, ownersDue } from './walking.ts'

/**
 * The scheduled act: ends what is stale. It asks the verdict that everybody asks, and whatever it changes at Seam
 * is changed by carrying that verdict out. So it may be cut short at any await, and two runs at once do no harm.
 */

export interface Edges {
  table: Pick<
    Table,
    'readUser' | 'compareAndSet' | 'readSettings' | 'dueOwners' | 'allOwners' | 'startRun' | 'endRun'
  > &
    Partial<Pick<Table, 'runEndsAt'>>
  /** With one API key for the whole run: a 404 counts only under the key whose workspace has been confirmed. */
  seam: Seam
  clock: () => number
  uuid: () => string
  random: () => number
  sleep: (ms: number) => Promise<void>
}

export interface Order {
  /** By then everything has ended and the report is stored. */
  deadline: Deadline
  /** Changes nothing; the report is the plan. */
  dryRun?: boolean
  /** Looks at every record instead of those that are due: after a restore of the table. */
  allUsers?: boolean
  /** Ends also what the fuse would hold back. */
  overrideFuse?: boolean
}

/** Never throws: what went wrong is in the report, and in its `alarms` when somebody should look. */
export type CleanUp = (order: Order) => Promise<CleanupReport>

const most = {
  /** Failures for one user; then it is tried once in the longest time, and listed. */
  attempts: 6,
  /** Then it is not about single users, and going on would only put all of them off. */
  failuresInARow: 10,
  /** Owners kept in memory while what was let go of is being ended. */
  stale: 20_000,
  readsAtOnce: 16,
}

export function cleaner(
  edges: Edges,
  terms: Terms,
  rate: { callsPerSecond: number; concurrency: number },
): CleanUp {
  const { table, clock } = edges
  const { times } = terms
  const change = userChanger({ compareAndSet: table.compareAndSet, uuid: edges.uuid }, terms)

  return async function cleanUp({ deadline, dryRun = false, allUsers = false, overrideFuse = false }) {
    const me = edges.uuid()
    const report = newReport({ started_at: clock(), dry_run: dryRun, all_users: allUsers })
    // When time is up, what is on its way still has to be recorded, and then the report.
    const acting: Deadline = { left: () => Math.max(0, deadline.left() - 4 * times.dynamodb) }
    const stale: Stale[] = []
    let inferred = 0
    const putOff = new Set<string>()
    let failuresInARow = 0
    /** Epoch ms: Seam's `Retry-After` binds the next run too. */
    let notBefore = 0

    try {
      if (dryRun || (await table.startRun(me, clock(), clock() + deadline.left()))) await run()
      else await leaveToOtherRun()
    } catch (error) {
      if (!toldToWait(error)) {
        count(report.failures, causeOf(error))
        stop('outage')
      }
    }
    report.took = clock() - report.started_at
    report.alarms = alarmsOf(report)
    if (!dryRun && report.stopped !== 'another_run')
      await table.endRun(me, Math.max(notBefore, clock()), JSON.stringify(report)).catch(() => undefined)
    return report

    async function leaveToOtherRun(): Promise<void> {
      stop('another_run')
      const until = await table.runEndsAt?.()
      if (until !== undefined) report.other_run_until = until
    }

    /** First what records have let go of, then abandoned leases, then age. */
    async function run(): Promise<void> {
      const settings = await table.readSettings()
      if (settings === undefined) return stop('nothing_made_yet')
      await lookAtSeam(settings)
      if (over()) return
      const carryOut = carrier(settings)
      for await (const owners of allUsers ? everyOwner(table) : ownersDue(table, clock())) {
        if (over()) return
        const letGo: User[] = []
        await sideBySide(owners, most.readsAtOnce, (owner) => look(owner, letGo))
        letGo.sort(deletesFirst(clock()))
        await sideBySide(letGo, rate.concurrency, (user) => endLetGo(user, carryOut))
      }
      if (stale.length === 0 || over()) return
      // Once more, directly before anything is inferred.
      await lookAtSeam(settings)
      await endStale(carryOut)
    }

    /** Law 5: whose workspace does the API key open, and is it as late there as here? */
    async function lookAtSeam({ workspace_id }: Settings): Promise<void> {
      const before = clock()
      const seen = await edges.seam.getWorkspace(acting)
      if (seen.workspace_id !== workspace_id) return stop('other_workspace')
      const apart = timeBetween(seen.answered_at, before, clock())
      if (apart > times.clocksApart && !overrideFuse) report.fuse = 'clocks_apart'
    }

    function carrier(settings: Settings): CarryOut {
      const paced = pacer(edges, { callsPerSecond: rate.callsPerSecond, callTakes: times.seam })
      const seam: Seam = {
        ...edges.seam,
        delete: (params, within) => paced(() => edges.seam.delete(params, within), within),
        list: (filter, within) => paced(() => edges.seam.list(filter, within), within),
      }
      const workspace = { settings: async () => settings, confirm: async () => undefined }
      // By a clock that is not to be trusted no grace is over: what was let go of is deleted, but not forgotten.
      const grace = report.fuse === 'clocks_apart' ? Number.POSITIVE_INFINITY : times.grace
      return verdictCarrier(
        { ...edges, readUser: table.readUser, change, seam, seal: noSeal, workspace },
        { ...terms, times: { ...times, grace } },
      )
    }

    /** The index may be stale: only the record itself is judged. */
    async function look(owner: string, letGo: User[]): Promise<void> {
      const now = clock()
      if (over()) return leave(now)
      try {
        const user = await table.readUser(owner)
        if (user === undefined) return
        report.looked_at++
        if (unconfirmed(user).length > 0 || settleable(user, times, now).length > 0 || removable(user))
          letGo.push(user)
        const { act, reason } = judge(user, terms, now, { asked: false })
        if (act !== 'end') return
        const since = dueSince(user, now)
        if (stale.length === most.stale) return leave(since)
        const candidate = { owner, since, reason, inferred: isInferred(user, reason, now) }
        if (candidate.inferred) inferred++
        stale.push(candidate)
      } catch (error) {
        await failed(owner, now, error)
      }
    }

    async function endLetGo(user: User, carryOut: CarryOut): Promise<void> {
      const deletes = unconfirmed(user).length
      if (dryRun) {
        count(report.ended, 'let_go', deletes)
        report.settled += settleable(user, times, clock()).length
        if (removable(user)) report.records_removed++
        return
      }
      await attempt(user.owner, dueSince(user, clock()), async (trace) => {
        const outcome = await carryOut(user, { asked: false, onlyLetGo: true, deadline: acting, trace })
        count(report.ended, 'let_go', deletes)
        report.settled += Math.max(0, user.ended.length - outcome.user.ended.length)
        return outcome.user
      })
    }

    async function endStale(carryOut: CarryOut): Promise<void> {
      if (!overrideFuse && tooMany(inferred, report.looked_at)) report.fuse ??= 'too_many'
      const later = ({ reason }: Stale) => Number(reason !== 'abandoned')
      stale.sort((one, other) => later(one) - later(other) || one.since - other.since)
      await sideBySide(stale, rate.concurrency, async (candidate) => {
        const { owner, since, reason } = candidate
        if (putOff.has(owner)) return
        if (holdsBack(report.fuse, candidate)) {
          report.held_back++
          return backlog(since)
        }
        if (dryRun) return count(report.ended, reason)
        await attempt(owner, since, async (trace) => {
          const user = await table.readUser(owner)
          if (user === undefined) return undefined
          const outcome = await carryOut(user, { asked: false, deadline: acting, trace })
          const ended = trace.verdicts.find(({ act }) => act === 'end')
          if (ended !== undefined) count(report.ended, ended.reason)
          return outcome.user
        })
      })
    }

    /** One user's act, and what follows from it; what goes wrong with one is no reason to leave the others. */
    async function attempt(
      owner: string,
      since: number,
      act: (trace: Trace) => Promise<User | undefined>,
    ): Promise<void> {
      if (over()) return leave(since)
      const trace = newTrace()
      try {
        const user = await act(trace)
        failuresInARow = 0
        if (user !== undefined) await tidy(user)
      } catch (error) {
        await failed(owner, since, error)
      }
      report.already_gone += trace.already_gone
      report.strays_ended += trace.strays
    }

    async function tidy(user: User): Promise<void> {
      if (removable(user) && user.revision !== undefined) {
        const { written } = await table.compareAndSet(user.owner, user.revision, undefined)
        if (written) report.records_removed++
      } else if (user.attempts > 0) await change(user, { ...user, attempts: 0 })
    }

    async function failed(owner: string, since: number, error: unknown): Promise<void> {
      // Somebody else is at work on this record, or there was no time left: nothing has failed.
      if (toldToWait(error) || (error instanceof Problem && error.code === 'busy')) return leave(since)
      report.failed++
      count(report.failures, causeOf(error))
      backlog(since)
      if (++failuresInARow >= most.failuresInARow) stop('failing')
      if (!dryRun) await putOffNextTime(owner)
    }

    function toldToWait(error: unknown): boolean {
      if (!(error instanceof SeamFailure) || error.httpStatus !== 429) return false
      notBefore = clock() + 1000 * (error.details.retryAfter ?? 1)
      stop('rate_limited')
      return true
    }

    /** Tried again later and later, at times that differ from user to user. */
    async function putOffNextTime(owner: string): Promise<void> {
      putOff.add(owner)
      try {
        const user = await table.readUser(owner)
        if (user === undefined) return
        const attempts = user.attempts + 1
        if (attempts >= most.attempts) report.given_up.push(owner)
        const wait = attempts >= most.attempts ? times.retryAtMost : times.retry * 2 ** (attempts - 1)
        const notDueBefore = Math.ceil(clock() + wait * (0.75 + edges.random() / 2))
        await change(user, { ...user, attempts }, { notDueBefore })
      } catch (error) {
        // A record that cannot be understood cannot be put off either, and will not heal by itself.
        if (!(error instanceof Problem)) report.given_up.push(owner)
      }
    }

    /** Whether no further act may start. */
    function over(): boolean {
      if (acting.left() < times.seam + 2 * times.dynamodb) stop('out_of_time')
      return report.stopped !== undefined
    }

    function stop(why: Stop): void {
      report.stopped ??= why
    }

    function leave(since: number): void {
      report.left_for_next_time++
      backlog(since)
    }

    function backlog(since: number): void {
      report.oldest_backlog = Math.max(report.oldest_backlog, clock() - since)
    }
  }
}

type CarryOut = ReturnType<typeof verdictCarrier>

/** Cleaning up makes no client session and hands out no token, so it is given no key to open one. */
const noSeal: Seal = { seal: refuse, open: refuse }

async function refuse(): Promise<never> {
  throw new Error('cleaning up neither seals nor opens a token')
}

/** In fixed words: what an error holds is not for a report. */
function causeOf(error: unknown): string {
  if (error instanceof Problem) return error.details.reason ?? error.code
  return error instanceof Error ? error.name : 'unknown'
}
