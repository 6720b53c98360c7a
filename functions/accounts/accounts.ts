import type { Trace } from '../carrying-out.ts'
import type { Deadline } from '../deadline.ts'
import { Problem } from '../problem.ts'
import type { Table } from '../table/table.ts'
import {
  grant,
  letGo,
  newUser,
  setAccessUntil,
  setStatus,
  signOutEverywhere,
  type User,
  withdraw,
} from '../user.ts'
import type { Terms } from '../verdict.ts'
import { type AlteringEdges, recordAlterer, unrecorded } from './altering.ts'
import { accountDeleter } from './deletion.ts'

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

interface Edges extends AlteringEdges {
  table: Pick<Table, 'readUser' | 'compareAndSet' | 'addHolder' | 'markAccountDeleted' | 'markSettled'>
}

export type AccountKeeper = ReturnType<typeof accountKeeper>

export function accountKeeper(edges: Edges, terms: Terms, limits: { accountsPerUser: number }) {
  const { table, clock } = edges
  const alterer = recordAlterer(edges, terms)
  const { alter } = alterer

  return {
    /** Gives accounts to a user, who is recorded if need be; a live client session is widened in place, same token. */
    grant: (who: Who, accountIds: string[], deadline: Deadline, wish: Wish = {}) =>
      hold(who, deadline, wish, accountIds, (held) => [...held, ...accountIds]),

    /** As `grant`, for whoever has a record that is not removed; throws `not_found` where there is none. */
    connect: (owner: string, accountIds: string[], deadline: Deadline) =>
      hold({ owner }, deadline, {}, accountIds, (held) => [...held, ...accountIds]),

    /** Makes these the user's accounts, and no others, in one write. */
    set: (who: Who, accountIds: string[], deadline: Deadline, wish: Wish = {}) =>
      hold(who, deadline, wish, accountIds, () => accountIds, true),

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
        always: true,
      })
      return { from: removed, ...(given !== undefined && { to: given }) }
    },

    /** Takes accounts away; what the live client session opened with them is ended before this reports success. */
    withdraw: (owner: string, accountIds: string[], deadline: Deadline) =>
      alter(owner, deadline, { write: (user, now) => withdraw(user, accountIds, now), always: true }),

    /** Disabled and removed users have no client session and get none. */
    setStatus: (owner: string, status: User['status'], deadline: Deadline) =>
      alter(owner, deadline, {
        write: (user, now) => (user.status === status ? user : setStatus(user, status, now)),
        always: true,
      }),

    /** `until` in epoch milliseconds; undefined: no end date. */
    setAccessUntil: (owner: string, until: number | undefined, deadline: Deadline) =>
      alter(owner, deadline, {
        write: (user, now) => (user.access_until === until ? user : setAccessUntil(user, until, now)),
        always: true,
      }),

    /** Ends the client session; the next request makes a new one. */
    endSession: (owner: string, deadline: Deadline) => alter(owner, deadline, { write: letGo }),

    /** Refuses the bearer tokens issued so far, and ends the client session. */
    signOutEverywhere: (owner: string, deadline: Deadline) =>
      alter(owner, deadline, { write: signOutEverywhere }),

    /** Seam has deleted this account; see deletion.ts. */
    accountDeleted: accountDeleter({ table, clock }, alterer, terms.times),
  }

  /** Sees to it that a user holds what `wanted` makes of what is held; `named`: accounts that may be new to the user. */
  async function hold(
    who: Who | { owner: string },
    deadline: Deadline,
    wish: Wish,
    named: string[],
    wanted: (held: string[]) => string[],
    always = Object.keys(wish).length > 0,
  ): Promise<Consequence> {
    const deleted = new Set<string>()
    const consequence = await alter(who.owner, deadline, {
      ...('subject' in who && { absent: () => newUser(who, clock()) }),
      // Holder first, user second and against the first read: whatever comes between, a deletion finds the holder.
      prepare: async () => {
        for (const id of named) if ((await table.addHolder(id, who.owner)) === 'deleted') deleted.add(id)
      },
      write: (user, now) => {
        if (!('subject' in who) && user.status === 'removed') throw unrecorded()
        const held = wanted(user.connected_account_ids).filter((id) => !deleted.has(id))
        const gone = user.connected_account_ids.filter((id) => !held.includes(id))
        const next = wished(grant(withdraw(user, gone, now), held), wish, now)
        if (next.connected_account_ids.length > limits.accountsPerUser)
          throw new Problem('invalid_request', {
            detail: `A user may have at most ${limits.accountsPerUser} accounts; withdraw some first.`,
          })
        return next
      },
      always,
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
}

function wished(user: User, { status, access_until }: Wish, now: number): User {
  const standing = status === undefined || status === user.status ? user : setStatus(user, status, now)
  const until = access_until ?? undefined
  return access_until === undefined || until === standing.access_until
    ? standing
    : setAccessUntil(standing, until, now)
}

function unmovable(why: string): Problem {
  return new Problem('invalid_request', { detail: `Nothing was moved: ${why}.` })
}
