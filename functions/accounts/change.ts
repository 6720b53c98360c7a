import { isDeepStrictEqual } from 'node:util'
import type { Holding, MappingChange } from '../http/audit.ts'
import { type Deadline, earlier } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import { type UpdateDeps, updateUser } from '../record/update.ts'
import { newUser, pending, type Subject, type User } from '../record/user.ts'
import { widenSessions } from '../session/carry-out.ts'
import { letOthersWrite, newTrace, type SessionDeps, type Trace } from '../session/deps.ts'
import { deleteRetired } from '../session/retire.ts'
import type { AccountTable, UserTable } from '../table/table.ts'

/**
 * How any change of who may have what is made: read, write against what was read, then have Seam follow. Every act may
 * be repeated, and then finishes what an earlier one could not.
 */

export interface AccountDeps extends SessionDeps {
  table: UserTable & AccountTable
  accountsPerUser: number
  /** Called for each change once it is written, before Seam is. */
  noteChange?: (change: MappingChange, act: ToldAct) => void
}

export type ChangeDeps = UpdateDeps &
  Pick<SessionDeps, 'table' | 'sleep' | 'random'> &
  Pick<AccountDeps, 'noteChange'>

/** What a change came to. `failure`: the record has it, but Seam could not be told; cleanup or the next vend will tell it. */
export interface ChangeResult {
  user: User
  /** The record as it was; absent when there was none. */
  before?: User
  changed: boolean
  /** Accounts that were not granted, because Seam has deleted them. */
  deletedAccountIds: string[]
  trace: Trace
  failure?: Problem
}

type Effect = 'gives' | 'takes' | 'both'
type ToldAct = 'connect' | 'account_deleted'

export interface RecordChange {
  /** For a subject without a record; else `not_found`. */
  absent?: Subject
  /** Before the write, after the read that it is compared with. */
  prepare?: (read: User) => Promise<void>
  /** `now`: taken again for each attempt. Throws what the record forbids. */
  write: (user: User, now: number) => User
  /** What gives widens live sessions; what only gives does not wait for what earlier acts retired. Absent: `takes`. */
  effect?: Effect
  /** Nothing is written, or asked of Seam, where nothing changes: for what no act in flight can undo. */
  onlyIfChanged?: boolean
  /** Milliseconds; all calls to Seam end within this time. */
  seamTime?: number
  /** By Seam's word, for the audit log; absent: `connect`. */
  act?: ToldAct
  /** Of the sessions that it retires: which binding's must be confirmed as deleted. Absent: all. */
  binding?: string
}

const most = { refusals: 12 }

/** Changes a record, then deletes what was retired and widens what is live. */
export async function changeUser(
  deps: AccountDeps,
  owner: string,
  change: RecordChange,
  deadline: Deadline,
): Promise<ChangeResult> {
  const written = await changeRecord(deps, owner, change, deadline)
  if (written === undefined) throw unrecorded()
  const { retired, unwritten, ...result } = written
  const { effect = 'takes' } = change
  if (unwritten && pending(result.user, deps.terms.times, deps.clock()).length > 0)
    return { ...result, deletedAccountIds: [], trace: newTrace(), failure: problemFrom(undefined) }
  const scope = { ...change, takes: retired || effect !== 'gives', widens: effect !== 'takes' }
  return { ...result, deletedAccountIds: [], ...(await followUp(deps, result.user, deadline, scope)) }
}

/**
 * Read, change, compare-and-set; refused → again from the read. Written also when nothing changes: an earlier act that
 * was given up, and gives what this one takes, may still be on its way to the table; a new revision refuses it.
 */
export async function changeRecord(
  deps: ChangeDeps,
  owner: string,
  { absent, prepare, write, onlyIfChanged, act = 'connect' }: RecordChange,
  deadline: Deadline,
) {
  let created = false
  for (let refusals = 0; refusals <= most.refusals; refusals++) {
    await letOthersWrite(deps, refusals)
    let read = await deps.table.readUser(owner)
    checkTime(deadline)
    if (read === undefined) {
      if (absent === undefined) return undefined
      // Empty, and before anything is prepared: whoever deletes an account must find a record of every holder.
      const fresh = newUser(absent, deps.clock())
      const first = await updateUser(deps, fresh, fresh)
      if (!first.written) continue
      read = first.user
      created = true
    }
    await prepare?.(read)
    checkTime(deadline)
    const now = deps.clock()
    const next = write(read, now)
    if (onlyIfChanged && isDeepStrictEqual(next, read))
      return { user: read, before: read, changed: false, retired: false, unwritten: true }
    const result = await updateUser(deps, read, next)
    if (!result.written) continue
    const before = created ? undefined : read
    const retired = next.retired.length > read.retired.length
    const [held, holds] = [holding(read), holding(result.user)]
    const changed = created || retired || !isDeepStrictEqual(held, holds)
    const { subject } = result.user
    if (changed) deps.noteChange?.({ at: now, owner, subject, before: before && held, after: holds }, act)
    return { user: result.user, before, changed, retired, unwritten: false }
  }
  throw new Problem('busy', { reason: 'refused_writes' })
}

function checkTime(deadline: Deadline): void {
  if (deadline.left() <= 0) throw new Problem('busy', { reason: 'no_time_to_write' })
}

/** Deletes what stands in the way of success, and widens live sessions; no token is opened. */
export async function followUp(
  deps: SessionDeps,
  read: User,
  deadline: Deadline,
  scope: { takes: boolean; widens: boolean } & Pick<RecordChange, 'binding' | 'seamTime'>,
): Promise<{ user: User; trace: Trace; failure?: Problem }> {
  const { takes, widens, binding, seamTime = Number.POSITIVE_INFINITY } = scope
  const trace = newTrace()
  const act = { deadline, trace, calls: earlier(deadline, seamTime, deps.clock) }
  try {
    let user = read
    let undeleted: Problem | undefined
    if (takes) {
      const ended = await deleteRetired(deps, read, act, binding)
      user = ended.user
      const left = pending(user, deps.terms.times, deps.clock(), binding)
      if (left.length > 0) undeleted = problemFrom(ended.failure)
    }
    if (!widens) return { user, trace, failure: undeleted }
    const widened = await widenSessions(deps, user, act)
    return { user: widened.user, trace, failure: undeleted ?? widened.failure }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return { user: (await deps.table.readUser(read.owner)) ?? read, trace, failure: error }
  }
}

/** Why an undeleted session stays: an outage, also where Seam refuses, for it is never the caller's fault. */
function problemFrom(failure: unknown): Problem {
  if (failure !== undefined && !(failure instanceof Problem)) throw failure
  if (failure !== undefined && failure.code !== 'upstream_rejected') return failure
  const reason = failure?.details.reason ?? 'unconfirmed'
  return new Problem('upstream_unavailable', { dependency: 'seam', reason })
}

function holding(user: User): Holding {
  const { status, connected_account_ids, access_until, not_before, user_identity_id } = user
  return { status, connected_account_ids, access_until, not_before, user_identity_id }
}

export function unrecorded(): Problem {
  return new Problem('not_found', { detail: 'There is no record of this subject.' })
}

export function refuseRemoved({ status }: User): void {
  if (status !== 'removed') return
  throw new Problem('invalid_request', { detail: 'This user is removed; `grant` makes them active again.' })
}
