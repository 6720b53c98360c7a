import { isDeepStrictEqual } from 'node:util'
import type { User } from '../../../functions/record/user.ts'
import { claimed, forgetting, retiredBy, retires, withSessions } from './altered.ts'
import { answers, edges, type Plant, reads, seam, skips, table, timesOf, writes } from './planting.ts'
import type { Progress } from './progress.ts'
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
    plant: reads((user, { generation }) => withSessions(user, (one) => ({ ...one, generation }))),
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

  // What providers say.
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

  // Writing records.
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

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
