import { newTrace, type Trace, type verdictCarrier } from './carrying-out.ts'
import type { Change } from './change.ts'
import type { Deadline } from './deadline.ts'
import type { Holding, MappingChange } from './log.ts'
import { Problem } from './problem.ts'
import type { Table } from './table.ts'
import {
  grant,
  letGo,
  newUser,
  removable,
  setAccessUntil,
  setStatus,
  signOutEverywhere,
  type User,
  unconfirmed,
  withdraw,
} from './user.ts'
import { judge, type Terms } from './verdict.ts'

/**
 * Who may have what: the changes that webhooks and operators make to a user's record, each followed by the
 * verdict it leads to, carried out. Every act may be repeated, and then finishes what an earlier one could not.
 */

/** A subject, taken apart. */
export type Who = Pick<User, 'owner' | 'subject' | 'iss' | 'sub'>

/** What is wished for a record. What is absent stays as it is. */
export interface Wish {
  status?: 'active' | 'disabled'
  /** Epoch milliseconds; null: no end date. */
  access_until?: number | null
}

/** What a change came to. `trouble`: the record has it, Seam could not be told; cleaning up will. */
export interface Consequence {
  user: User
  /** The record as it was; absent when there was none. */
  before?: User
  changed: boolean
  /** Accounts that were not granted, because Seam has deleted them. */
  deletedAccountIds: string[]
  trace: Trace
  trouble?: Problem
}

interface Edges {
  table: Pick<Table, 'readUser' | 'compareAndSet' | 'addHolder' | 'markAccountDeleted'>
  change: Change
  carryOut: ReturnType<typeof verdictCarrier>
  clock: () => number
  /** Told of each change once it is written, before Seam is. */
  noteChange?: (change: MappingChange) => void
}

export type AccountKeeper = ReturnType<typeof accountKeeper>

const mostRefusals = 5

export function accountKeeper(edges: Edges, terms: Terms, limits: { accountsPerUser: number }) {
  const { table, change, carryOut, clock, noteChange } = edges

  return {
    /** Gives accounts to a user, who is recorded if need be; a live client session is widened in place, same token. */
    grant: (who: Who, accountIds: string[], deadline: Deadline, wish: Wish = {}) =>
      hold(who, deadline, wish, accountIds, (held) => [...held, ...accountIds]),

    /** Makes these the user's accounts, and no others, in one write. */
    set: (who: Who, accountIds: string[], deadline: Deadline, wish: Wish = {}) =>
      hold(who, deadline, wish, accountIds, () => accountIds),

    /**
     * A person's new login: `to` gets the accounts and the end date of `from`, which is then removed. Repeatable
     * after a crash at any point; a `from` that is removed already is only finished.
     */
    async move(from: string, to: Who, deadline: Deadline): Promise<{ from: Consequence; to?: Consequence }> {
      let given: Consequence | undefined
      /** Of `to`, before the first round. */
      let own: string[] = []
      const removed = await alter(from, deadline, {
        prepare: async (read) => {
          if (read.status === 'removed') return
          await checkMove(read, to.owner)
          // What an earlier round gave and `from` has lost since.
          const lost = (given?.user.connected_account_ids ?? []).filter(
            (id) => !own.includes(id) && !read.connected_account_ids.includes(id),
          )
          if (lost.length > 0)
            await alter(to.owner, deadline, { write: (user, now) => withdraw(user, lost, now) })
          const { access_until } = read
          const wish = access_until === undefined ? {} : { access_until }
          const accounts = read.connected_account_ids
          const round = await hold(to, deadline, wish, accounts, (held) => [...held, ...accounts])
          if (given === undefined) own = round.before?.connected_account_ids ?? []
          given = round
        },
        write: (user, now) => (user.status === 'removed' ? user : setStatus(user, 'removed', now)),
      })
      return { from: removed, ...(given !== undefined && { to: given }) }
    },

    /** Takes accounts away; what the live client session opened with them is ended before this reports success. */
    withdraw: (owner: string, accountIds: string[], deadline: Deadline) =>
      alter(owner, deadline, { write: (user, now) => withdraw(user, accountIds, now) }),

    /** Disabled and removed users have no client session and get none. */
    setStatus: (owner: string, status: User['status'], deadline: Deadline) =>
      alter(owner, deadline, {
        write: (user, now) => (user.status === status ? user : setStatus(user, status, now)),
      }),

    /** `until` in epoch milliseconds; undefined: no end date. */
    setAccessUntil: (owner: string, until: number | undefined, deadline: Deadline) =>
      alter(owner, deadline, {
        write: (user, now) => (user.access_until === until ? user : setAccessUntil(user, until, now)),
      }),

    /** Ends the client session; the next request makes a new one. */
    endSession: (owner: string, deadline: Deadline) => alter(owner, deadline, { write: letGo }),

    /** Refuses the bearer tokens issued so far, and ends the client session. */
    signOutEverywhere: (owner: string, deadline: Deadline) =>
      alter(owner, deadline, { write: signOutEverywhere }),

    /**
     * Seam has deleted this account: the tombstone first, then every holder's record, also where there is nothing
     * to take, so that a grant on its way is refused. `finished` only when every delete is confirmed.
     */
    async accountDeleted(
      accountId: string,
      deadline: Deadline,
    ): Promise<{ owners: string[]; finished: boolean }> {
      const { owners } = await table.markAccountDeleted(accountId, clock())
      const records: User[] = []
      for (const owner of owners) {
        if (deadline.left() < terms.times.dynamodb) return { owners, finished: false }
        const write = (user: User, now: number) => withdraw(user, [accountId], now)
        const altered = await altering(owner, { write, always: true })
        if (altered !== undefined) records.push(altered.user)
      }
      let finished = true
      for (const user of records) {
        if (unconfirmed(user).length === 0) continue
        finished = (await carried(user, deadline, newTrace())).trouble === undefined && finished
      }
      return { owners, finished }
    },
  }

  /** Sees to it that a user holds what `wanted` makes of what is held; `named`: accounts that may be new to the user. */
  async function hold(
    who: Who,
    deadline: Deadline,
    wish: Wish,
    named: string[],
    wanted: (held: string[]) => string[],
  ): Promise<Consequence> {
    const deleted = new Set<string>()
    const consequence = await alter(who.owner, deadline, {
      absent: () => newUser(who, clock()),
      // Holder first, user second and against the first read: whatever comes between, a deletion finds the holder.
      prepare: async () => {
        for (const id of named) if ((await table.addHolder(id, who.owner)) === 'deleted') deleted.add(id)
      },
      write: (user, now) => {
        const held = wanted(user.connected_account_ids).filter((id) => !deleted.has(id))
        const gone = user.connected_account_ids.filter((id) => !held.includes(id))
        const next = wished(grant(withdraw(user, gone, now), held), wish, now)
        if (next.connected_account_ids.length > limits.accountsPerUser)
          throw new Problem('invalid_request', {
            detail: `A user may have at most ${limits.accountsPerUser} accounts; withdraw some first.`,
          })
        return next
      },
    })
    return { ...consequence, deletedAccountIds: [...deleted] }
  }

  async function checkMove(from: User, to: string): Promise<void> {
    if (to === from.owner) throw unmovable('a user cannot be moved to itself')
    if (from.status === 'disabled') throw unmovable('the user to move from is disabled; enable it first')
    const target = await table.readUser(to)
    if (target === undefined) return
    if (target.status !== 'active')
      throw unmovable(`the user to move to is ${target.status}; enable it first`)
    if (from.access_until !== undefined && target.access_until !== from.access_until)
      throw unmovable(
        'their access ends at different times; give the user to move to the same `--until` first',
      )
  }

  interface Altering {
    absent?: () => User
    /** Before the write, after the read that it is compared with. */
    prepare?: (read: User) => Promise<void>
    write: (user: User, now: number) => User
    /** Write also when nothing changes. */
    always?: boolean
  }

  async function alter(owner: string, deadline: Deadline, altering_: Altering): Promise<Consequence> {
    const altered = await altering(owner, altering_)
    if (altered === undefined)
      throw new Problem('not_found', { detail: 'There is no record of this subject.' })
    const trace = newTrace()
    const { user, trouble } = await carried(altered.user, deadline, trace)
    return { ...altered, user, trace, deletedAccountIds: [], ...(trouble && { trouble }) }
  }

  /** Read, change, compare-and-set; refused → again from the read. */
  async function altering(owner: string, { absent, prepare, write, always }: Altering) {
    for (let refusals = 0; refusals <= mostRefusals; refusals++) {
      const read = (await table.readUser(owner)) ?? absent?.()
      if (read === undefined) return undefined
      await prepare?.(read)
      const now = clock()
      const next = write(read, now)
      const before = read.revision === undefined ? {} : { before: read }
      if (next === read && read.revision !== undefined && !always)
        return { user: read, ...before, changed: false }
      const result = await change(read, next)
      if (!result.written) continue
      const changed = next !== read || read.revision === undefined
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

function wished(user: User, { status, access_until }: Wish, now: number): User {
  const standing = status === undefined || status === user.status ? user : setStatus(user, status, now)
  const until = access_until ?? undefined
  return access_until === undefined || until === standing.access_until
    ? standing
    : setAccessUntil(standing, until, now)
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

function unmovable(why: string): Problem {
  return new Problem('invalid_request', { detail: `Nothing was moved: ${why}.` })
}
