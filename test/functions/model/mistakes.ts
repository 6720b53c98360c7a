import { isDeepStrictEqual } from 'node:util'
import type { User } from '../../../functions/user.ts'
import { claims, forgetting, keyOf, letsGo, sessionOf } from './altered.ts'
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
  /** Shown by about one history in a million: only its pinned one is played. */
  rare?: true
  plant: Plant
}

export const mistakes: Record<string, Mistake> = {
  // Letting go.
  'the key is kept after letting go': {
    breaks: 'let_go',
    plant: writes((next, read) => (letsGo(next, read) ? { ...next, ...keyOf(read) } : next)),
  },
  'deleted before it is let go of': {
    breaks: 'let_go',
    plant: writes(async (next, read, { seam }) => {
      if (letsGo(next, read) && read?.client_session_id !== undefined)
        await seam.delete({ client_session_id: read.client_session_id }, { left: () => 3000 })
      return next
    }),
  },
  'a key that was let go of is used again': {
    breaks: 'let_go',
    plant: writes((next, read) => {
      const old = next.ended.at(-1)?.user_identifier_key
      return old !== undefined && claims(next, read) ? { ...next, user_identifier_key: old } : next
    }),
  },
  'the change first, and the letting go is left to the verdict': {
    breaks: 'scope',
    plant: writes((next, read) => {
      if (read === undefined || !letsGo(next, read)) return next
      const { connected_account_ids, revision } = next
      const narrowed = read.connected_account_ids.length > connected_account_ids.length
      return narrowed ? { ...read, connected_account_ids, ...(revision && { revision }) } : next
    }),
  },
  'an earlier end of access shortens the client session in place': {
    breaks: 'scope',
    plant: writes((next, read) => {
      if (read === undefined || !letsGo(next, read)) return next
      const { access_until, revision } = next
      const earlier = (access_until ?? Infinity) < (read.access_until ?? Infinity)
      return earlier && access_until !== undefined
        ? { ...read, access_until, ...(revision && { revision }) }
        : next
    }),
  },
  // Its token is sealed for the old key, so nobody is handed it; but its id stands under a key that is not its own.
  'a client session stays in the record while it is being replaced': {
    breaks: 'strangers',
    plant: writes((next, read) => (claims(next, read) ? { ...next, ...sessionOf(read) } : next)),
  },
  'a key whose client session has expired is dropped without an entry in `ended`': {
    breaks: 'forgotten',
    plant: writes((next, read, { clock }) =>
      letsGo(next, read) && (read?.session_expires_at ?? Infinity) < clock()
        ? { ...next, ended: read?.ended ?? [] }
        : next,
    ),
  },
  "a stranger's id is put into `ended`": {
    breaks: 'strangers',
    plant: (protocol) => {
      let stranger: string | undefined
      const noted = answers((answer, asked) => {
        stranger =
          answer.user_identifier_key === asked.user_identifier_key ? undefined : answer.client_session_id
        return answer
      })
      const written = writes((next, read) => {
        const ended = next.ended.map((entry) =>
          stranger !== undefined && entry.user_identifier_key === read?.user_identifier_key
            ? { ...entry, client_session_id: stranger }
            : entry,
        )
        return { ...next, ended }
      })
      return written(noted(protocol))
    },
  },

  // Forgetting.
  '`ended` is forgotten before the delete is confirmed': {
    breaks: 'forgotten',
    plant: writes((next, read) => forgetting(next, read, (entry) => entry.deleted_at === undefined)),
  },
  '`ended` is forgotten as soon as the delete is confirmed': {
    breaks: 'forgotten',
    plant: writes((next, read) => forgetting(next, read, (entry) => entry.deleted_at !== undefined)),
  },
  'a record is removed before `ended` is empty': {
    breaks: 'forgotten',
    plant: table(({ compareAndSet }) => ({
      async compareAndSet(owner, revision, next) {
        const result = await compareAndSet(owner, revision, next)
        if (result.written && next?.status === 'removed' && next.user_identifier_key === undefined)
          await compareAndSet(owner, next.revision, undefined)
        return result
      },
    })),
  },
  'a let-go key is settled at once, without the grace in which a late call may arrive': {
    breaks: 'led',
    plant: timesOf((times) => ({ ...times, grace: 0 })),
  },
  'a key that was let go of without an id is never due': {
    breaks: 'heals',
    plant: writes((next) => {
      const { due_at: _, ...rest } = next
      const nothing = next.ended.every(({ client_session_id }) => client_session_id === undefined)
      return nothing && next.user_identifier_key === undefined ? rest : next
    }),
  },
  'a list in another workspace settles what was let go of': {
    breaks: 'forgotten',
    plant: edges(({ workspace }) => ({ workspace: { ...workspace, confirm: async () => undefined } })),
  },

  // Calling Seam.
  'no intent: the key is written down with the commit': {
    breaks: 'intent',
    plant: skips((next, read) => claims(next, read)),
  },
  "Seam's answer is not checked": {
    breaks: 'own',
    plant: answers((answer, asked) => ({ ...answer, ...asked, expires_at: isoTime(asked.expires_at) })),
  },
  'a delete is sent, and not waited for': {
    breaks: 'unconfirmed',
    plant: seam((right) => ({
      async delete(...how) {
        right.delete(...how).catch(() => undefined)
      },
    })),
  },
  'the time is taken once, when the act begins': {
    breaks: 'handed',
    plant: edges(({ clock }) => {
      const began = clock()
      return { clock: () => began }
    }),
  },
  'a key of another generation is kept, and so is one that a restore brings back': {
    breaks: 'handed',
    plant: reads((user, { generation }) => ({ ...user, generation })),
  },
  'who waits for the winner waits for ever': {
    breaks: 'ends',
    plant: (protocol) => ({
      ...protocol,
      verdictCarrier: (edges, terms) =>
        protocol.verdictCarrier({ ...edges, sleep: () => new Promise(() => undefined) }, terms),
    }),
  },
  'a bearer token that is signed out everywhere while it waits gets its client session all the same': {
    breaks: 'promise',
    plant: (protocol) => ({
      ...protocol,
      verdictCarrier(edges, terms) {
        const carryOut = protocol.verdictCarrier(edges, terms)
        return (user, { admit: _, ...how }) => carryOut(user, how)
      },
    }),
  },

  // Writing records.
  'a refused write is written all the same': {
    breaks: 'forgotten',
    plant: table(({ compareAndSet }) => ({
      async compareAndSet(owner, revision, next) {
        const result = await compareAndSet(owner, revision, next)
        if (result.written || result.found?.revision === next?.revision) return result
        return compareAndSet(owner, result.found?.revision, next)
      },
    })),
  },
  'a write that changes nothing is left out, and a grant on its way arrives after the withdrawal': {
    breaks: 'promise',
    plant: skips((next, read) => read !== undefined && isDeepStrictEqual(bare(next), bare(read))),
  },
  'a record is made with its first accounts, and a deletion that comes before finds none': {
    breaks: 'promise',
    plant: skips((next, read) => read === undefined && next.user_identifier_key === undefined),
  },
  'the holder of an account is written after the record': {
    breaks: 'holders',
    plant: table(({ addHolder, compareAndSet }) => {
      const later: (() => Promise<unknown>)[] = []
      return {
        async addHolder(account, owner) {
          later.push(() => addHolder(account, owner))
          return 'added'
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
  'the tombstone is written after the walk': {
    breaks: 'promise',
    plant: table(({ readHolders, markAccountDeleted, markSettled }, { clock }) => ({
      markAccountDeleted: (id) => readHolders(id),
      async markSettled(id, owners) {
        await markAccountDeleted(id, clock())
        await markSettled(id, owners)
      },
    })),
  },
  'an act that is repeated reports success, though its delete has never reached Seam': {
    breaks: 'promise',
    plant: (protocol) => ({
      ...protocol,
      signerOut(edges, configuration) {
        const signOut = protocol.signerOut(edges, configuration)
        return async (asking) => {
          const user = await edges.table.readUser(asking.caller.owner)
          if (user?.user_identifier_key !== undefined) await signOut(asking)
        }
      },
    }),
  },

  // These break no safety, but progress.
  "the lost answer to one's own write is read as somebody else's lease": {
    breaks: 'own_lost_answer',
    plant: (protocol) => ({
      ...protocol,
      userChanger(edges, terms) {
        let written = 0
        const change = protocol.userChanger(
          {
            ...edges,
            async compareAndSet(...how) {
              const result = await edges.compareAndSet(...how)
              written = result.written ? written + 1 : written
              return result
            },
          },
          terms,
        )
        return async (...how) => {
          const before = written
          const changed = await change(...how)
          return changed.written && written === before ? { written: false, user: changed.user } : changed
        }
      },
    }),
  },
  'revisions are compared instead of accounts': {
    breaks: 'no_churn',
    plant: (protocol) => {
      type Marked = User & { session_revision?: string }
      const read = reads((user: Marked) =>
        user.client_session_id === undefined || user.session_revision === user.revision
          ? user
          : { ...user, session_account_ids: [] },
      )
      const written = writes((next, before) => {
        const commits = next.session_expires_at !== before?.session_expires_at
        return (commits ? { ...next, session_revision: next.revision } : next) as User
      })
      return read(written(protocol))
    },
  },
}

function bare({ revision: _revision, due_at: _due, ...rest }: User): object {
  return rest
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
