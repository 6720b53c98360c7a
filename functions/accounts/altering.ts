import { newTrace, type Trace, type verdictCarrier } from '../carrying-out.ts'
import type { Change } from '../change.ts'
import type { Deadline } from '../deadline.ts'
import type { Holding, MappingChange } from '../log.ts'
import { Problem } from '../problem.ts'
import type { Table } from '../table/table.ts'
import { removable, type User, unconfirmed } from '../user.ts'
import { judge, type Terms } from '../verdict.ts'
import type { Consequence } from './accounts.ts'

/** How any change of a user's record is made: read, write against what was read, then the verdict it leads to. */

export interface AlteringEdges {
  table: Pick<Table, 'readUser' | 'compareAndSet'>
  change: Change
  carryOut: ReturnType<typeof verdictCarrier>
  clock: () => number
  /** Told of each change once it is written, before Seam is. */
  noteChange?: (change: MappingChange) => void
}

export interface Altering {
  absent?: () => User
  /** Before the write, after the read that it is compared with. */
  prepare?: (read: User) => Promise<void>
  write: (user: User, now: number) => User
  /**
   * Write also when nothing changes: an earlier act that was given up, and gives what this one takes, may still be
   * on its way to the table; a new revision refuses it.
   */
  always?: boolean
}

export type RecordAlterer = ReturnType<typeof recordAlterer>

const mostRefusals = 5

export function recordAlterer(edges: AlteringEdges, terms: Terms) {
  const { table, change, carryOut, clock, noteChange } = edges

  return { alter, altering, carried }

  async function alter(owner: string, deadline: Deadline, altering_: Altering): Promise<Consequence> {
    const altered = await altering(owner, altering_)
    if (altered === undefined) throw unrecorded()
    const trace = newTrace()
    const { user, trouble } = await carried(altered.user, deadline, trace)
    return { ...altered, user, trace, deletedAccountIds: [], ...(trouble && { trouble }) }
  }

  /** Read, change, compare-and-set; refused → again from the read. */
  async function altering(owner: string, { absent, prepare, write, always }: Altering) {
    let made = false
    for (let refusals = 0; refusals <= mostRefusals; refusals++) {
      let read = await table.readUser(owner)
      if (read === undefined) {
        const fresh = absent?.()
        if (fresh === undefined) return undefined
        // Before anything else is prepared: who deletes an account must find a record of every holder.
        const first = await change(fresh, fresh)
        if (!first.written) continue
        read = first.user
        made = true
      }
      await prepare?.(read)
      const now = clock()
      const next = write(read, now)
      const before = made ? {} : { before: read }
      if (next === read && !made && !always) return { user: read, ...before, changed: false }
      const result = await change(read, next)
      if (!result.written) continue
      const changed = next !== read || made
      if (changed) noteChange?.(mappingChange(before.before, result.user, now))
      return { user: result.user, ...before, changed }
    }
    throw new Problem('busy', { reason: 'refused_writes' })
  }

  /** Ends what must end, or widens what is live; nobody asked for a token, so none is made. */
  async function carried(
    user: User,
    deadline: Deadline,
    trace: Trace,
  ): Promise<{ user: User; trouble?: Problem }> {
    const asked = widens(user)
    try {
      const outcome = await carryOut(user, { asked, deadline, trace })
      const reason = leftUndone(outcome.user)
      if (reason === undefined) return { user: await forgetRemoved(outcome.user) }
      return { user: outcome.user, trouble: new Problem('upstream_unavailable', { reason }) }
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      return { user: (await table.readUser(user.owner)) ?? user, trouble: error }
    }
  }

  function widens(user: User): boolean {
    return judge(user, terms, clock(), { asked: true }).act === 'widen'
  }

  function leftUndone(user: User): string | undefined {
    if (unconfirmed(user).length > 0) return 'unconfirmed'
    return widens(user) ? 'not_widened' : undefined
  }

  /** A removed record goes once nothing leads from it to Seam any more. */
  async function forgetRemoved(user: User): Promise<User> {
    if (removable(user) && user.revision !== undefined)
      await table.compareAndSet(user.owner, user.revision, undefined)
    return user
  }
}

function mappingChange(before: User | undefined, after: User, at: number): MappingChange {
  const { owner, subject } = after
  return { at, owner, subject, ...(before && { before: holding(before) }), after: holding(after) }
}

function holding({ status, connected_account_ids, access_until, not_before }: User): Holding {
  return {
    status,
    connected_account_ids,
    ...(access_until !== undefined && { access_until }),
    ...(not_before !== undefined && { not_before }),
  }
}

export function unrecorded(): Problem {
  return new Problem('not_found', { detail: 'There is no record of this subject.' })
}
