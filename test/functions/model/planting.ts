import type { User } from '../../../functions/record/user.ts'
import type { ClientSession, SessionRequest } from '../../../functions/seam/client.ts'
import type { Times } from '../../../functions/times.ts'
import type { Act } from './edges.ts'
import type { Protocol } from './protocol.ts'

/** The ways in which mistakes are planted: each takes a protocol and returns one that is wrong at one place. */

export type Plant = (right: Protocol) => Protocol
export type Edges = ReturnType<Protocol['edgesOf']>

/** What a process reads, writes and calls, some of it replaced; made anew for each act. */
export function edges(wrong: (right: Edges, act: Act) => Partial<Edges>): Plant {
  return (protocol) => ({
    ...protocol,
    edgesOf(around, act) {
      const right = protocol.edgesOf(around, act)
      return { ...right, ...wrong(right, act) }
    },
  })
}

export function table(
  wrong: (right: Edges['table'], edges: Edges, act: Act) => Partial<Edges['table']>,
): Plant {
  return edges((right, act) => ({ table: { ...right.table, ...wrong(right.table, right, act) } }))
}

export function seam(wrong: (right: Edges['seam'], edges: Edges) => Partial<Edges['seam']>): Plant {
  return edges((right) => ({ seam: { ...right.seam, ...wrong(right.seam, right) } }))
}

/** Records are read as this makes of them. */
export function reads(wrong: (user: User, act: Act) => User): Plant {
  return table(({ readUser, compareAndSet }, _edges, act) => {
    const seen = (user: User | undefined) => user && wrong(user, act)
    return {
      readUser: async (owner) => seen(await readUser(owner)),
      async compareAndSet(...how) {
        const result = await compareAndSet(...how)
        return result.written ? result : { ...result, found: seen(result.found) }
      },
    }
  })
}

/** Records are written as this makes of them; `read` is what the new one was computed from. */
export function writes(
  wrong: (next: User, read: User | undefined, edges: Edges, act: Act) => User | Promise<User>,
): Plant {
  return table(({ readUser, compareAndSet }, edges, act) => {
    const seen = remembered()
    return {
      readUser: async (owner) => seen.note(await readUser(owner)),
      async compareAndSet(owner, revision, next) {
        const made = await wrong(next, seen.at(revision), edges, act)
        const result = await compareAndSet(owner, revision, made)
        seen.note(result.written ? next : result.found)
        return result
      },
    }
  })
}

/** Some writes are only said to have been made; the next one is made in their place. */
export function skips(when: (next: User, read: User | undefined) => boolean): Plant {
  return table(({ readUser, compareAndSet }) => {
    const seen = remembered()
    const standing = new Map<string | undefined, string | undefined>()
    return {
      readUser: async (owner) => seen.note(await readUser(owner)),
      async compareAndSet(owner, revision, next) {
        const really = standing.has(revision) ? standing.get(revision) : revision
        if (when(next, seen.at(revision))) {
          standing.set(next.revision, really)
          seen.note(next)
          return { written: true }
        }
        const result = await compareAndSet(owner, really, next)
        seen.note(result.written ? next : result.found)
        return result
      },
    }
  })
}

/** `get_or_create` answers what this makes of it. */
export function answers(wrong: (answer: ClientSession, asked: SessionRequest) => ClientSession): Plant {
  return seam(({ getOrCreate }) => ({
    getOrCreate: async (asked, within) => wrong(await getOrCreate(asked, within), asked),
  }))
}

/** Other times. */
export function timesOf(wrong: (times: Times) => Times): Plant {
  return (protocol) => ({
    ...protocol,
    termsOf: (terms) => ({ ...terms, times: wrong(terms.times) }),
  })
}

/** The records that an act has seen, by their revision. */
function remembered() {
  const seen = new Map<string | undefined, User>()
  return {
    at: (revision: string | undefined) => (revision === undefined ? undefined : seen.get(revision)),
    note(user: User | undefined) {
      if (user !== undefined) seen.set(user.revision, user)
      return user
    },
  }
}
