import { walkTombstone } from '../accounts/deleted.ts'
import { type Deadline, earlier } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import { entryStep, type User, unconfirmed } from '../record/user.ts'
import { withoutBackoff } from '../record/writes.ts'
import { newBreakers } from '../seam/breaker.ts'
import { rateLimit, sideBySide } from '../seam/rate-limit.ts'
import { type Act, newTrace } from '../session/deps.ts'
import type { Terms } from '../session/terms.ts'
import type { Settings } from '../table/small-items.ts'
import { deletesFirst, dueSince, everyOwner, itemsDue } from './due.ts'
import { holdsBack, isInferred, type Stale, timeBetween, tooMany } from './fuse.ts'
import { checkAccounts, isGivenUp, retireStale, settleUser, staleSessions } from './one-user.ts'
import { alarmsOf, type CleanupReport, count } from './report.ts'
import {
  backlog,
  type CleanupDeps,
  causeOf,
  isOver,
  isToldToWait,
  leave,
  newRun,
  noteFailure,
  type Order,
  type Run,
  stop,
} from './tally.ts'

/**
 * The scheduled run: deletes what was retired, and retires what is stale. It asks the verdict that everybody asks. It
 * may be cut short at any await, and two runs at once do no harm.
 */

/** A run with its deps. */
export type CleanUp = (order: Order) => Promise<CleanupReport>

const most = {
  /** Owners kept in memory while what was retired is being deleted. */
  stale: 20_000,
  readsAtOnce: 16,
  /** So many undeleted sessions of one user raise an alarm; they refuse nobody. */
  unconfirmed: 16,
}

/** Never throws: what went wrong is in the report, and in its `alarms` when somebody should look. */
export async function cleanUp(deps: CleanupDeps, order: Order): Promise<CleanupReport> {
  const { table, clock } = deps
  const { deadline, dryRun } = order
  const me = deps.uuid()
  const acting = { left: () => Math.max(0, deadline.left() - 4 * deps.terms.times.dynamodb) }
  const run = newRun(runDeps(deps, acting), order, acting)
  const { report } = run
  try {
    if (dryRun || (await table.startRun(me, clock(), clock() + deadline.left()))) await visitAll(run)
    else {
      stop(run, 'another_run')
      report.other_run_until = (await table.readRun()).lease_until
    }
  } catch (error) {
    if (!isToldToWait(run, error)) {
      count(report.failures, causeOf(error))
      stop(run, 'outage')
    }
  }
  report.took = clock() - report.started_at
  report.alarms = alarmsOf(report)
  if (!dryRun && report.stopped !== 'another_run')
    await table.endRun(me, Math.max(run.notBefore, clock()), JSON.stringify(report)).catch(() => undefined)
  return report
}

/**
 * Calls to Seam at the configured rate; a call's own time begins with its turn. Cleanup makes no client session and
 * hands out no token: it has no sealing key.
 */
function runDeps(deps: CleanupDeps, acting: Deadline) {
  const { seam, rate, terms, clock } = deps
  const { seam: callTakes } = terms.times
  const paced = rateLimit(deps, { callsPerSecond: rate.callsPerSecond, callTakes })
  const inTurn =
    <Params, Result>(call: (params: Params, within: Deadline) => Promise<Result>) =>
    (params: Params) =>
      paced(() => call(params, earlier(acting, callTakes, clock)), acting)
  return {
    ...deps,
    seam: { ...seam, delete: inTurn(seam.delete), list: inTurn(seam.list) },
    // Seen when the run began.
    workspace: { confirm: async () => undefined },
    breakers: newBreakers(),
  }
}

/** First what records have retired, then abandoned keys, then age. */
async function visitAll(run: Run): Promise<void> {
  const { deps, order, stale } = run
  const { table, clock, rate, terms } = deps
  const settings = await table.readSettings()
  if (settings === undefined) return stop(run, 'nothing_made_yet')
  await lookAtSeam(run, settings)
  if (isOver(run)) return
  for await (const { owners, accountIds } of order.allUsers ? everyOwner(table) : itemsDue(table, clock())) {
    if (isOver(run)) return
    for (const accountId of accountIds) await walkAccount(run, accountId)
    const due: User[] = []
    await sideBySide(owners, most.readsAtOnce, (owner) => look(run, owner, due))
    due.sort(deletesFirst(terms.times, clock()))
    await sideBySide(due, rate.concurrency, (user) => settle(run, user))
  }
  if (stale.length === 0 || isOver(run)) return
  // Once more, directly before anything is inferred.
  await lookAtSeam(run, settings)
  await endStale(run)
}

/** Law 5: whose workspace does the API key open, and is it as late there as here? */
async function lookAtSeam(run: Run, { workspace_id }: Settings): Promise<void> {
  const { clock, seam, terms } = run.deps
  const before = clock()
  const seen = await seam.getWorkspace(run.acting)
  if (seen.workspace_id !== workspace_id) return stop(run, 'other_workspace')
  const apart = timeBetween(seen.answered_at, before, clock())
  if (apart > terms.times.clocksApart && !run.order.overrideFuse) run.report.fuse = 'clocks_apart'
}

/** The index may be stale: only the record itself is judged. */
async function look(run: Run, owner: string, due: User[]): Promise<void> {
  const { deps, order, report, stale } = run
  const now = deps.clock()
  if (isOver(run)) return leave(run, now)
  try {
    const found = await deps.table.readUser(owner)
    if (found === undefined) return
    // Whoever asks for everybody wants to know what is left now; after a restore, before vending opens.
    const user = order.allUsers ? withoutBackoff(found) : found
    report.looked_at++
    if (unconfirmed(user).length >= most.unconfirmed) report.unconfirmed.push(owner)
    if (isDue(deps.terms, user, now)) due.push(user)
    const since = dueSince(user, now)
    for (const { binding, reason } of staleSessions(deps, user, now)) {
      if (stale.length === most.stale) return leave(run, since)
      stale.push({ owner, binding, since, reason, inferred: isInferred(user, binding, reason, now) })
    }
  } catch (error) {
    noteFailure(run, now, error)
    // A record that cannot be understood will not heal by itself.
    if (!(error instanceof Problem)) report.given_up.push(owner)
  }
}

function isDue({ times }: Terms, user: User, now: number): boolean {
  return (
    user.unchecked_since !== undefined ||
    user.retired.some((entry) => entryStep(entry, times, now) !== 'wait')
  )
}

async function settle(run: Run, user: User): Promise<void> {
  const { deps, order, report } = run
  const since = dueSince(user, deps.clock())
  await attempt(run, since, async () => {
    if (order.dryRun) return foresee(run, user)
    await settleRetired(run, user, since)
    if (user.unchecked_since === undefined) return
    run.knownAccounts ??= deps.seam.listConnectedAccountIds(run.acting).then((ids) => new Set(ids))
    await checkAccounts(deps, user, await run.knownAccounts)
    report.accounts_checked++
  })
}

function foresee({ deps, report }: Run, user: User): void {
  const steps = user.retired.map((entry) => entryStep(entry, deps.terms.times, deps.clock()))
  count(report.ended, 'let_go', steps.filter((step) => step === 'delete').length)
  report.settled += steps.filter((step) => step === 'look' || step === 'forget').length
}

async function settleRetired(run: Run, user: User, since: number): Promise<void> {
  const { report } = run
  const act = newAct(run)
  const settled = await settleUser(run.deps, user, act, howToSettle(run))
  count(report.ended, 'let_go', settled.deleted)
  report.settled += settled.forgotten
  report.already_gone += act.trace.already_gone
  report.strays_ended += act.trace.strays
  if (settled.failure === undefined) run.failuresInARow = 0
  else noteFailure(run, since, settled.failure)
  if (isGivenUp(settled.user)) report.given_up.push(user.owner)
}

const newAct = ({ acting }: Run): Act => ({ deadline: acting, trace: newTrace() })

/** By a clock that is not to be trusted no grace is over: what was retired is deleted, but not forgotten. */
const howToSettle = ({ report }: Run) => ({ deletesOnly: report.fuse === 'clocks_apart' })

async function endStale(run: Run): Promise<void> {
  const { deps, report, order, stale } = run
  const { length: inferred } = stale.filter((candidate) => candidate.inferred)
  if (!order.overrideFuse && tooMany(inferred, report.looked_at)) report.fuse ??= 'too_many'
  const later = ({ reason }: Stale) => Number(reason !== 'abandoned')
  stale.sort((one, other) => later(one) - later(other) || one.since - other.since)
  const { kept = [], ending = [] } = Object.groupBy(stale, (candidate) =>
    holdsBack(report.fuse, candidate) ? 'kept' : 'ending',
  )
  report.held_back += kept.length
  for (const { since } of kept) backlog(run, since)
  if (order.dryRun) {
    for (const { reason } of ending) count(report.ended, reason)
    return
  }
  const byOwner = Map.groupBy(ending, ({ owner }) => owner)
  await sideBySide(byOwner, deps.rate.concurrency, ([owner, candidates]) =>
    endSessionsOf(run, owner, candidates),
  )
}

async function endSessionsOf(run: Run, owner: string, candidates: Stale[]): Promise<void> {
  const { deps, report } = run
  const since = Math.min(...candidates.map((candidate) => candidate.since))
  const isChosen = (binding: string) => candidates.some((candidate) => candidate.binding === binding)
  await attempt(run, since, async () => {
    const { user, ended } = await retireStale(deps, owner, isChosen, run.acting)
    for (const reason of ended) count(report.ended, reason)
    if (user === undefined || ended.length === 0) return
    const { failure } = await settleUser(deps, user, newAct(run), howToSettle(run))
    if (failure !== undefined) throw failure
    run.failuresInARow = 0
  })
}

/** Goes on with an account's deletion where time ran out. */
async function walkAccount(run: Run, accountId: string): Promise<void> {
  const { deps, report, order } = run
  const now = deps.clock()
  if (order.dryRun) return
  await attempt(run, now, async () => {
    const standing = await deps.table.readTombstone(accountId)
    if (standing === undefined || standing.settled) return
    const { settled } = await walkTombstone(deps, accountId, standing.tombstone, run.acting)
    if (settled) report.accounts_settled++
    else leave(run, now)
  })
}

/** What is due since `since`, unless the run is over. What fails does not hold up the others. */
async function attempt(run: Run, since: number, act: () => Promise<void>): Promise<void> {
  if (isOver(run)) return leave(run, since)
  try {
    await act()
  } catch (error) {
    noteFailure(run, since, error)
  }
}
