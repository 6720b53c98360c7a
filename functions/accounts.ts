import { newTrace, type Trace, type verdictCarrier } from './carrying-out.ts'
import type { Change } from './change.ts'
import type { Deadline } from './deadline.ts'
import { Problem } from './problem.ts'
import type { Table } from './table.ts'
import {
  grant,
  newUser,
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

/** What a change came to. `trouble`: the record has it, Seam could not be told; cleaning up will. */
export interface Consequence {
  user: User
  before: string[]
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
}

const mostRefusals = 5

export function accountKeeper(edges: Edges, terms: Terms, limits: { accountsPerUser: number }) {
  const { table, change, carryOut, clock } = edges

  return {
    /** Gives accounts to a user, who is recorded if need be; a live client session is widened in place, same token. */
    async grant(who: Who, accountIds: string[], deadline: Deadline): Promise<Consequence> {
      const deletedAccountIds: string[] = []
      const consequence = await alter(who.owner, deadline, {
        absent: () => newUser(who, clock()),
        // Holder first, user second and against the first read: whatever comes between, a deletion finds the holder.
        prepare: async () => {
          for (const id of accountIds)
            if ((await table.addHolder(id, who.owner)) === 'deleted' && !deletedAccountIds.includes(id))
              deletedAccountIds.push(id)
        },
        write: (user, now) => {
          const alive = accountIds.filter((id) => !deletedAccountIds.includes(id))
          const granted = grant(withdraw(user, deletedAccountIds, now), alive)
          if (granted.connected_account_ids.length > limits.accountsPerUser)
            throw new Problem('invalid_request', {
              detail: `A user may have at most ${limits.accountsPerUser} accounts; withdraw some first.`,
            })
          return granted
        },
      })
      return { ...consequence, deletedAccountIds }
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

  interface Altering {
    absent?: () => User
    prepare?: () => Promise<void>
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
      await prepare?.()
      const next = write(read, clock())
      const before = read.connected_account_ids
      if (next === read && read.revision !== undefined && !always)
        return { user: read, before, changed: false }
      const result = await change(read, next)
      if (result.written) return { user: result.user, before, changed: next !== read }
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
    const empty = user.user_identifier_key === undefined && user.ended.length === 0
    if (user.status === 'removed' && empty && user.revision !== undefined)
      await table.compareAndSet(user.owner, user.revision, undefined)
    return user
  }
}
