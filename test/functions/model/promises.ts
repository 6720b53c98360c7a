import type { Held } from './watch.ts'

/**
 * What acts have reported as done, and so must hold from then on, until an act that gives it back begins. An act that
 * gives and was under way while the other one was may have had the last word; then nothing is promised.
 */

export interface Giving {
  owner: string
  accounts: readonly string[]
  status?: boolean
  until?: boolean
  began: number
  /** When it was over, or given up; absent while it is under way. */
  over?: number
}

export interface Taking {
  owner: string
  began: number
  accounts?: readonly string[]
  /** Disabled or removed. */
  status?: boolean
  /** No live token outlasts this. */
  until?: number | undefined
  /** Every token that was handed out before the act began is dead. */
  tokens?: boolean
  /** What the very same act gives. */
  but?: Giving
}

interface Promised {
  withdrawn: Set<string>
  barred: boolean
  until: number
  dead: Set<string>
}

export function promiseKeeper(now: () => number) {
  const promised = new Map<string, Promised>()
  const givings: Giving[] = []

  function promisedTo(owner: string): Promised {
    let found = promised.get(owner)
    if (found === undefined) {
      found = { withdrawn: new Set(), barred: false, until: Number.POSITIVE_INFINITY, dead: new Set() }
      promised.set(owner, found)
    }
    return found
  }

  return {
    /** An act that gives begins; whoever began it says when it is over. */
    gives(giving: Omit<Giving, 'began'>): Giving {
      const begun: Giving = { ...giving, began: now() }
      givings.push(begun)
      const it = promisedTo(giving.owner)
      for (const id of giving.accounts) it.withdrawn.delete(id)
      if (giving.status) it.barred = false
      if (giving.until) it.until = Number.POSITIVE_INFINITY
      return begun
    },

    /** The record is gone; whoever comes now is somebody new. */
    startAnew(owner: string): void {
      const it = promisedTo(owner)
      it.barred = false
      it.until = Number.POSITIVE_INFINITY
    },

    /** The table is an earlier one, and knows of nothing. */
    forgetAll(): void {
      promised.clear()
      givings.length = 0
    },

    takes(taking: Taking, held: Iterable<Held>): void {
      const it = promisedTo(taking.owner)
      const meanwhile = givings.filter(
        (one) =>
          one !== taking.but &&
          one.owner === taking.owner &&
          (one.over === undefined || one.over >= taking.began),
      )
      for (const id of taking.accounts ?? [])
        if (!meanwhile.some(({ accounts }) => accounts.includes(id))) it.withdrawn.add(id)
      if (taking.status && !meanwhile.some(({ status }) => status)) it.barred = true
      if (taking.until !== undefined && !meanwhile.some(({ until }) => until)) it.until = taking.until
      if (!taking.tokens) return
      for (const { owner, since, session } of held)
        if (owner === taking.owner && since < taking.began) it.dead.add(session.client_session_id)
    },

    /** Which promise this live client session breaks. */
    broken({ owner, session }: Held): string | undefined {
      const it = promised.get(owner)
      if (it === undefined) return undefined
      if (it.barred) return 'lives, and its user is barred'
      if (it.dead.has(session.client_session_id)) return 'lives, and was reported as ended'
      if (session.expires_at > it.until) return 'outlasts the access'
      const id = session.connected_account_ids.find((one) => it.withdrawn.has(one))
      return id === undefined ? undefined : `opens ${id}, which was withdrawn`
    },
  }
}
