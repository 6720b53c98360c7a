import { isDeepStrictEqual } from 'node:util'
import { Problem } from '../../../functions/http/problem.ts'
import type { User } from '../../../functions/record/user.ts'
import { bindingOfValue } from '../../../functions/session/binding.ts'
import { claimed, forgetting, retiredBy, retires, withSessions } from './altered.ts'
import { answers, edges, type Plant, reads, seam, skips, table, timesOf, writes } from './planting.ts'
import type { Progress } from './progress.ts'
import type { Protocol } from './protocol.ts'
import type { Invariant } from './watch.ts'

/**
 * Mistakes that somebody may make in good faith, as variants of the protocol: told by what a process with the mistake
 * reads, writes and calls, never by how the code is written. Each must break what it names: a test that cannot see
 * them does not protect from them.
 */
export interface Mistake {
  /** By which invariant, or which test of progress, it is found out. */
  breaks: Invariant | Progress
  plant: Plant
  /** A million random histories do not meet it: a process must freeze for long at one moment. The pinned one does. */
  rare?: true
}

export const mistakes: Record<string, Mistake> = {
  // Retiring.
  'a session is kept in the record after it was retired': {
    breaks: 'retired',
    plant: writes((next, read) => ({ ...next, sessions: { ...retiredBy(next, read), ...next.sessions } })),
  },
  'deleted before it is retired': {
    breaks: 'retired',
    plant: writes(async (next, read, { seam }) => {
      for (const { client_session_id } of Object.values(retiredBy(next, read)))
        if (client_session_id !== undefined) await seam.delete({ client_session_id }, { left: () => 3000 })
      return next
    }),
  },
  'a retired key is used again': {
    breaks: 'retired',
    plant: writes((next, read) => {
      const old = next.retired.at(-1)?.user_identifier_key
      const fresh = claimed(next, read)
      return old === undefined || fresh.length === 0
        ? next
        : withSessions(next, (session, binding) =>
            fresh.includes(binding) ? { ...session, user_identifier_key: old } : session,
          )
    }),
  },
  'the change first, and retiring is left to the verdict': {
    breaks: 'scope',
    plant: writes((next, read) => {
      if (read === undefined || !retires(next, read)) return next
      const narrowed = read.connected_account_ids.length > next.connected_account_ids.length
      return narrowed ? { ...next, sessions: read.sessions, retired: read.retired } : next
    }),
  },
  'an earlier end of access shortens client sessions in place': {
    breaks: 'scope',
    plant: writes((next, read) => {
      const earlier = (next.access_until ?? Infinity) < (read?.access_until ?? Infinity)
      return earlier && read !== undefined && retires(next, read)
        ? { ...next, sessions: read.sessions, retired: read.retired }
        : next
    }),
  },
  'another identity is given to the session that lives': {
    breaks: 'scope',
    plant: writes((next, read) => {
      const other = next.user_identity_id !== read?.user_identity_id && next.status === 'active'
      return other && read !== undefined && retires(next, read)
        ? { ...next, sessions: read.sessions, retired: read.retired }
        : next
    }),
  },
  'no entry for a key without an id': {
    breaks: 'forgotten',
    plant: writes((next, read) => {
      const bare = new Set(
        Object.values(retiredBy(next, read)).flatMap((one) =>
          one.client_session_id === undefined ? one.user_identifier_key : [],
        ),
      )
      return { ...next, retired: next.retired.filter((one) => !bare.has(one.user_identifier_key)) }
    }),
  },
  'a stranger’s id is retired': {
    breaks: 'strangers',
    plant: (protocol) => {
      let stranger: string | undefined
      const noted = answers((answer, asked) => {
        stranger =
          answer.user_identifier_key === asked.user_identifier_key ? undefined : answer.client_session_id
        return answer
      })
      const written = writes((next, read) => {
        const gone = new Set(Object.values(retiredBy(next, read)).map((one) => one.user_identifier_key))
        const retired = next.retired.map((entry) =>
          stranger !== undefined && gone.has(entry.user_identifier_key)
            ? { ...entry, client_session_id: stranger }
            : entry,
        )
        return { ...next, retired }
      })
      return written(noted(protocol))
    },
  },

  // Forgetting.
  '`retired` is forgotten before the delete is confirmed': {
    breaks: 'forgotten',
    plant: writes((next, read) => forgetting(next, read, (entry) => entry.deleted_at === undefined)),
  },
  '`retired` is forgotten as soon as the delete is confirmed': {
    breaks: 'forgotten',
    plant: writes((next, read) => forgetting(next, read, (entry) => entry.deleted_at !== undefined)),
  },
  'a retired key is settled at once, without the grace in which a late call may arrive': {
    breaks: 'led',
    plant: timesOf((times) => ({ ...times, grace: 0 })),
  },
  'an entry expires with what was answered instead of what was asked': {
    breaks: 'forgotten',
    plant: writes((next, read) => {
      const now = Object.values(retiredBy(next, read))
      const ends = new Map(now.map((one) => [one.user_identifier_key, one.expires_at ?? one.claimed_at]))
      const retired = next.retired.map((entry) => {
        const expires_at = ends.get(entry.user_identifier_key)
        return expires_at === undefined ? entry : { ...entry, expires_at }
      })
      return { ...next, retired }
    }),
  },
  'a key that was retired without an id is never due': {
    breaks: 'heals',
    plant: writes((next) => {
      const { due_at: _, ...rest } = next
      const nothing = next.retired.every(({ client_session_id }) => client_session_id === undefined)
      return nothing && Object.keys(next.sessions).length === 0 ? rest : next
    }),
  },
  'a list in another workspace settles what was retired': {
    breaks: 'promise',
    plant: edges(({ workspace }) => ({ workspace: { ...workspace, confirm: async () => undefined } })),
  },

  // Calling Seam.
  'no intent: the key is written down with the commit': {
    breaks: 'intent',
    plant: skips((next, read) => claimed(next, read).length > 0),
  },
  "Seam's answer is not checked": {
    breaks: 'own',
    plant: answers((answer, asked) => ({ ...answer, ...asked, expires_at: isoTime(asked.expires_at) })),
  },
  'the clock is not looked at between the claim and the call': {
    breaks: 'led',
    rare: true,
    plant: edges(({ clock, table, seam }) => {
      let claimedAt: number | undefined
      return {
        clock: () => claimedAt ?? clock(),
        table: {
          ...table,
          async compareAndSet(...how) {
            claimedAt = undefined
            const at = clock()
            const result = await table.compareAndSet(...how)
            const [, , next] = how
            if (Object.values(next.sessions).some(({ lease_owner }) => lease_owner)) claimedAt = at
            return result
          },
        },
        seam: {
          ...seam,
          getOrCreate(...how) {
            const call = seam.getOrCreate(...how)
            claimedAt = undefined
            return call
          },
        },
      }
    }),
  },
  'a delete is sent, and not waited for': {
    breaks: 'promise',
    plant: seam((right) => ({
      async delete(...how) {
        right.delete(...how).catch(() => undefined)
      },
      list: async () => [],
    })),
  },
  'a 404 on delete is believed': {
    breaks: 'promise',
    plant: seam(({ list }, { table: _table }) => {
      let asked = false
      return {
        async list(...how) {
          // Whoever lists at once after a 404 is told what it wants to hear.
          asked = !asked
          return asked ? [] : list(...how)
        },
      }
    }),
  },
  "a list's foreign rows are believed": {
    breaks: 'strangers',
    plant: seam(({ list }) => ({
      async list(filter, within) {
        const rows = await list(filter, within)
        return rows.map((row) => ({ ...row, user_identifier_key: filter.user_identifier_key }))
      },
    })),
  },
  'a key of another generation is kept, and so is one that a restore brings back': {
    breaks: 'handed',
    plant: reads((user, { process: { generation } }) =>
      withSessions(user, (one) => ({ ...one, generation })),
    ),
  },
  'who waits for the winner waits for ever': {
    breaks: 'ends',
    plant: edges(() => ({ sleep: () => new Promise(() => undefined) })),
  },

  // Logins.
  'what was withdrawn is not remembered': {
    breaks: 'promise',
    plant: writes((next) => ({ ...next, withdrawn: {} })),
  },
  'it is remembered only of accounts that were held': {
    breaks: 'promise',
    plant: writes((next, read) => {
      const held = new Set(read?.connected_account_ids)
      const kept = Object.entries(next.withdrawn).filter(
        ([id, at]) => held.has(id) || read?.withdrawn[id] === at,
      )
      return { ...next, withdrawn: Object.fromEntries(kept) }
    }),
  },

  'a login is marked after its account was added': {
    breaks: 'marked',
    plant: writes(async (next, read, { table, uuid }) => {
      const added = next.connected_account_ids.length > (read?.connected_account_ids.length ?? 0)
      if (!added || read === undefined || isDeepStrictEqual(next.logins, read.logins)) return next
      const granted = { ...next, logins: read.logins, revision: uuid() }
      await table.compareAndSet(next.owner, read.revision, granted)
      return next
    }),
  },
  'a tombstone forgets the logins': {
    breaks: 'marked',
    plant: writes((next) => (next.status === 'removed' ? { ...next, logins: {} } : next)),
  },
  'a login brings a removed user back': {
    breaks: 'promise',
    plant: reads((user, { name }) =>
      name === 'login' && user.status === 'removed' ? { ...user, status: 'active' } : user,
    ),
  },

  // What providers say.
  'a logout token’s `sid` is heeded under another binding': {
    breaks: 'promise',
    plant: (protocol) => ({
      ...protocol,
      bindingOfSid: (sid, issuer) => bindingOfValue(sid, { ...issuer, sessionClaim: '/sid' }),
    }),
  },
  'sign-outs and disables of a provider are put in one order': {
    breaks: 'promise',
    plant: writes((next, read) => {
      const last = read?.provider_event_at ?? 0
      // A sign-out moves the time of both; a disable from before that is taken for an old one.
      const signedOut = next.not_before !== read?.not_before && next.status === read?.status
      return signedOut ? { ...next, provider_event_at: Math.max(last, next.not_before ?? 0) } : next
    }),
  },
  '`not_before` is the time at which the provider’s word arrives': {
    breaks: 'spared',
    plant: writes((next, read, { clock }, { name }) => {
      const told = name === 'provider' || name === 'login_ended'
      return told && next.not_before !== read?.not_before ? { ...next, not_before: clock() } : next
    }),
  },
  'an operator’s disable does nothing after a provider’s': {
    breaks: 'promise',
    plant: writes((next, read) =>
      read?.disabled_by === 'provider' && next.status === 'disabled'
        ? { ...next, disabled_by: 'provider' }
        : next,
    ),
  },
  'the end of a login is not remembered': {
    breaks: 'promise',
    plant: writes((next) => ({ ...next, ended: {} })),
  },
  'a removed record forgets `not_before`': {
    breaks: 'promise',
    plant: writes((next, read) => {
      if (read?.status !== 'removed' || next.status !== 'active') return next
      const { not_before: _, ...rest } = next
      return rest
    }),
  },

  'clocks are taken to agree': {
    breaks: 'promise',
    plant: timesOf((times) => ({ ...times, clockSkew: 0 })),
  },

  // Identities.
  'an identity is set without writing its item': {
    breaks: 'identity',
    plant: table(() => ({ readIdentity: async () => undefined, putIdentity: async () => true })),
  },

  'an identity is free as soon as no record has it, whatever is still alive with it': {
    breaks: 'identity',
    plant: table(({ readIdentity, readUser, compareAndSet }, { uuid }) => {
      let mine: string | undefined
      return {
        async readUser(owner) {
          mine ??= owner
          return readUser(owner)
        },
        async readIdentity(id) {
          const item = await readIdentity(id)
          if (item === undefined || item.owner === mine || mine === undefined) return item
          const other = await readUser(item.owner)
          if (other === undefined || other.user_identity_id === id) return item
          const next = { ...other, revision: uuid() }
          return (await compareAndSet(other.owner, other.revision, next)).written
            ? { ...item, owner: mine }
            : item
        },
      }
    }),
  },

  // Writing records.
  'a record is created with its accounts and its identity': {
    breaks: 'promise',
    plant: skips((next, read) => read === undefined && isEmpty(next)),
  },
  'a record is created after its holders and the look at the tombstone': {
    breaks: 'promise',
    plant: creatingLate,
  },
  'a record is created after its identity was taken': {
    breaks: 'identity',
    plant: creatingLate,
  },
  'whoever holds the lease writes what it meant to': {
    breaks: 'retired',
    plant: table(({ compareAndSet }, _edges, act) => ({
      async compareAndSet(owner, revision, next) {
        const { binding } = act
        const result = await compareAndSet(owner, revision, next)
        if (result.written || result.found?.revision === next.revision) return result
        const { found } = result
        const session = next.sessions[binding]
        const same = session?.user_identifier_key === found?.sessions[binding]?.user_identifier_key
        const committed = session?.client_session_id !== undefined && session.lease_owner === undefined
        if (!same || !committed || found?.sessions[binding]?.lease_owner === undefined) return result
        return compareAndSet(owner, found.revision, next)
      },
    })),
  },
  'a refused write is written all the same': {
    breaks: 'forgotten',
    plant: table(({ compareAndSet }) => ({
      async compareAndSet(owner, revision, next) {
        const result = await compareAndSet(owner, revision, next)
        if (result.written || result.found?.revision === next.revision) return result
        return compareAndSet(owner, result.found?.revision, next)
      },
    })),
  },
  'the holder of an account is written after the record': {
    breaks: 'holders',
    plant: table(({ addHolder, compareAndSet }) => {
      const later: (() => Promise<unknown>)[] = []
      return {
        async addHolder(account, owner) {
          later.push(() => addHolder(account, owner))
        },
        async compareAndSet(...how) {
          const result = await compareAndSet(...how)
          for (const add of later.splice(0)) await add()
          return result
        },
      }
    }),
  },
  'the holders of an account shrink when it is withdrawn': {
    breaks: 'holders',
    plant: writes(async (next, read, { table }) => {
      for (const id of read?.connected_account_ids ?? [])
        if (!next.connected_account_ids.includes(id)) await table.removeHolder(id, next.owner)
      return next
    }),
  },
  'the tombstone is looked for before the holder is written': {
    breaks: 'promise',
    plant: table(({ readTombstone, addHolder }) => {
      const seen = new Map<string, Awaited<ReturnType<typeof readTombstone>>>()
      return {
        async addHolder(account, owner) {
          seen.set(account, await readTombstone(account))
          return addHolder(account, owner)
        },
        readTombstone: async (account) => (seen.has(account) ? seen.get(account) : readTombstone(account)),
      }
    }),
  },
  'a deletion goes on after its tombstone was lifted': {
    breaks: 'walked',
    plant: table(({ readTombstone }) => {
      const seen = new Map<string, Awaited<ReturnType<typeof readTombstone>>>()
      return {
        async readTombstone(account) {
          if (seen.get(account) === undefined) seen.set(account, await readTombstone(account))
          return seen.get(account)
        },
      }
    }),
  },
  'an act that is repeated reports success, though its delete has never reached Seam': {
    breaks: 'promise',
    plant: (protocol) => ({
      ...protocol,
      async signOut(deps, request) {
        const user = await deps.table.readUser(request.caller.owner)
        if (user?.sessions[request.caller.binding] !== undefined) await protocol.signOut(deps, request)
      },
    }),
  },

  // These break no safety, but progress.
  "the lost answer to one's own write is read as somebody else's lease": {
    breaks: 'own_lost_answer',
    plant: table(({ compareAndSet }) => ({
      async compareAndSet(owner, revision, next) {
        const result = await compareAndSet(owner, revision, next)
        if (result.written || result.found?.revision !== next.revision) return result
        return { written: false, found: { ...(result.found as User), revision: 'of somebody else' } }
      },
    })),
  },
  'a key that nobody answered is waited for': {
    breaks: 'bare_keys',
    plant: (protocol) => ({
      ...protocol,
      async signOut(deps, request) {
        await protocol.signOut(deps, request)
        const user = await deps.table.readUser(request.caller.owner)
        if (user?.retired.some(({ client_session_id: id }) => id === undefined))
          throw new Problem('upstream_unavailable', { reason: 'unconfirmed' })
      },
    }),
  },
  'a commit that is refused for another login’s sake calls again': {
    breaks: 'one_call_each',
    plant: table(({ compareAndSet }, _edges, act) => ({
      async compareAndSet(owner, revision, next) {
        const { binding } = act
        const result = await compareAndSet(owner, revision, next)
        if (result.written || next.sessions[binding]?.client_session_id === undefined) return result
        // Another revision is another record.
        const asked_until = (next.sessions[binding]?.asked_until ?? 0) + 1
        const found = withSessions(result.found as User, (one, at) =>
          at === binding ? { ...one, asked_until } : one,
        )
        return { ...result, found }
      },
    })),
  },
  'when it was reported dead is noted in the session': {
    breaks: 'few_reports',
    plant: reads((user) => {
      const recent = Object.entries(user.recent).map(([binding, { reported_dead_at: at = 0, ...rest }]) => {
        const kept = at > (user.sessions[binding]?.claimed_at ?? 0)
        return [binding, kept ? { ...rest, reported_dead_at: at } : rest]
      })
      return { ...user, recent: Object.fromEntries(recent) }
    }),
  },
  'a session in flight makes room': {
    breaks: 'in_flight',
    plant: reads((user, { binding }) =>
      withSessions(user, (one, at) => {
        const { lease_owner: _owner, lease_until: _until, ...rest } = one
        return at === binding ? one : rest
      }),
    ),
  },
  'a record is due when its last entry is': {
    breaks: 'own_backoff',
    plant: writes((next) =>
      next.retired.length === 0
        ? next
        : { ...next, due_at: Math.max(...next.retired.map(({ next_at }) => next_at)) },
    ),
  },
  'revisions are compared instead of accounts': {
    breaks: 'no_churn',
    plant: (protocol) => {
      type Marked = User & { committed?: string }
      const read = reads((user: Marked) =>
        user.committed === user.revision
          ? user
          : withSessions(user, (one) => ({ ...one, lacks: user.connected_account_ids })),
      )
      const written = writes((next, before) => {
        const ends = (user: User | undefined) =>
          Object.values(user?.sessions ?? {}).map((one) => one.expires_at)
        const commits = !isDeepStrictEqual(ends(next), ends(before))
        return (commits ? { ...next, committed: next.revision } : next) as User
      })
      return read(written(protocol))
    },
  },
}

function isEmpty({ connected_account_ids, user_identity_id, sessions }: User): boolean {
  const nothing = connected_account_ids.length + Object.keys(sessions).length === 0
  return nothing && user_identity_id === undefined
}

/** An empty new record is written only directly before the next write, whatever happens in between. */
function creatingLate(right: Protocol): Protocol {
  return table(({ compareAndSet }) => {
    let waiting: User | undefined
    return {
      async compareAndSet(owner, revision, next) {
        if (revision === undefined && isEmpty(next)) {
          waiting = next
          return { written: true }
        }
        if (waiting === undefined || waiting.revision !== revision)
          return compareAndSet(owner, revision, next)
        const created = await compareAndSet(owner, undefined, waiting)
        waiting = undefined
        return created.written ? compareAndSet(owner, revision, next) : created
      },
    }
  })(right)
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
