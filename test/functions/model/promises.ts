import type { Held } from './watch.ts'

/**
 * What acts have reported as done, and so must hold from then on, until an act that gives it back begins. An act that
 * gives and was under way while the other one was may have had the last word; then nothing is promised.
 */

export interface Giving {
  owner: string
  accounts: readonly string[]
  /** It lifts a disable, or brings a removed user back; or removes a user, who comes back without any. */
  status?: 'enable' | 'revive' | 'remove'
  until?: boolean
  /** A login's own time: a withdrawal after that is stronger, also if it began before the login was told. */
  at?: number
  began: number
  /** When it was over, or given up; absent while it is under way. */
  over?: number
}

export interface Taking {
  owner: string
  began: number
  accounts?: readonly string[]
  /** Because Seam has deleted them: promised until an operator lifts that. */
  deleted?: boolean
  status?: 'disabled' | 'removed'
  /** By the identity provider, at this time of its own; `status` is `disabled`. */
  providerAt?: number
  /** No live token outlasts this. */
  until?: number | undefined
  /** Every token that was handed out before the act began is dead; of one login, or of all. */
  tokens?: boolean
  binding?: string
  /** What the very same act gives. */
  but?: Giving
}

const isReviving = ({ status, over }: Giving) => status === 'revive' && over === undefined

const active = { disabled: false, disabledAt: undefined }

interface Promised {
  /** By account: when the act began that took it away. */
  withdrawn: Map<string, number>
  deleted: Map<string, number>
  disabled: boolean
  /** When the provider disabled this user. */
  disabledAt: number | undefined
  /** Of the latest that the provider has said of the status, whether it has arrived or not. */
  statusAt: number
  removed: boolean
  /** A remove has begun: who is brought back since is active. */
  removing: boolean
  until: number
  dead: Set<string>
}

export function promiseKeeper(now: () => number) {
  const promised = new Map<string, Promised>()
  const givings: Giving[] = []

  function promisedTo(owner: string): Promised {
    let found = promised.get(owner)
    if (found === undefined) {
      found = {
        withdrawn: new Map(),
        deleted: new Map(),
        disabled: false,
        disabledAt: undefined,
        statusAt: Number.NEGATIVE_INFINITY,
        removed: false,
        removing: false,
        until: Number.POSITIVE_INFINITY,
        dead: new Set(),
      }
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
      for (const id of giving.accounts)
        for (const taken of [it.withdrawn, it.deleted])
          if (giving.at === undefined || giving.at >= (taken.get(id) ?? 0)) taken.delete(id)
      if (giving.status === 'enable') Object.assign(it, active)
      if (giving.status === 'remove') {
        it.removing = true
        // Who is being brought back meanwhile may come after the remove, and is active.
        const isRevived = givings.some((one) => one.owner === giving.owner && isReviving(one))
        if (isRevived) Object.assign(it, active)
      }
      if (giving.status === 'revive' && it.removing)
        Object.assign(it, { ...active, removed: false, removing: false })
      if (giving.until) it.until = Number.POSITIVE_INFINITY
      return begun
    },

    /** An operator lifts this account's deletion: a login from before it counts again, where nobody else has withdrawn it. */
    lifts(id: string): void {
      for (const { deleted } of promised.values()) deleted.delete(id)
    },

    /** The provider says that a user is disabled or enabled since then; an enable lifts only a disable of the provider. */
    providerTells(owner: string, kind: 'disabled' | 'enabled', at: number): void {
      const it = promisedTo(owner)
      it.statusAt = Math.max(it.statusAt, at)
      if (kind === 'enabled' && at > (it.disabledAt ?? at)) it.disabledAt = undefined
    },

    /** The table is an earlier one, and knows of nothing. */
    forgetAll(): void {
      promised.clear()
      givings.length = 0
    },

    takes(taking: Taking, held: Iterable<Held>): void {
      const it = promisedTo(taking.owner)
      const { providerAt } = taking
      // The provider has said something later since.
      if (providerAt !== undefined && providerAt < it.statusAt) return
      const meanwhile = givings.filter(
        (one) =>
          one !== taking.but &&
          one.owner === taking.owner &&
          (one.over === undefined || one.over >= taking.began) &&
          (one.at === undefined || one.at >= taking.began),
      )
      for (const id of taking.accounts ?? [])
        if (!meanwhile.some(({ accounts }) => accounts.includes(id)))
          it[taking.deleted ? 'deleted' : 'withdrawn'].set(id, taking.began)
      if (taking.status === 'disabled' && !meanwhile.some(({ status }) => status)) {
        if (providerAt === undefined) it.disabled = true
        else it.disabledAt = providerAt
      }
      if (taking.status === 'removed') {
        it.until = Number.POSITIVE_INFINITY
        it.removed = !meanwhile.some(({ status }) => status === 'revive')
        if (!it.removed) Object.assign(it, active)
      }
      if (taking.until !== undefined && !meanwhile.some(({ until }) => until)) it.until = taking.until
      if (!taking.tokens) return
      for (const { owner, since, session, binding } of held)
        if (owner === taking.owner && since < taking.began && binding === (taking.binding ?? binding))
          it.dead.add(session.client_session_id)
    },

    /** Which promise this live client session breaks. */
    broken({ owner, session }: Held): string | undefined {
      const it = promised.get(owner)
      if (it === undefined) return undefined
      if (it.disabled || it.disabledAt !== undefined || it.removed) return 'lives, and its user is barred'
      if (it.dead.has(session.client_session_id)) return 'lives, and was reported as ended'
      if (session.expires_at > it.until) return 'outlasts the access'
      const id = session.connected_account_ids.find((one) => it.withdrawn.has(one) || it.deleted.has(one))
      return id === undefined ? undefined : `opens ${id}, which was withdrawn`
    },
  }
}
