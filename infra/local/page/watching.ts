import { AsyncLocalStorage } from 'node:async_hooks'
import type { CleanupReport } from '../../../functions/cleanup/report.ts'
import type { Audit } from '../../../functions/log.ts'

/** What the machine does, seen from outside: which of its edges each act used, for how long. Holds no secret. */

export type Part = 'table' | 'seam' | 'issuer'

/** One use of an edge. Only its name is kept: what went in and came out may be a secret. */
export interface Call {
  part: Part
  name: string
  /** Milliseconds, as the next: since the act began. */
  at: number
  took: number
  failed: boolean
}

export interface Observation {
  /** Counts up; says where to go on after a broken connection. */
  id: number
  /** Epoch milliseconds. */
  at: number
  audit: Audit
  calls: Call[]
  report?: CleanupReport
}

type Watched = (observation: Observation) => void

/** So many acts are kept for pages that are opened later. */
const kept = 20

export type Watcher = ReturnType<typeof watcher>

export function watcher() {
  const acts = new AsyncLocalStorage<{ began: number; calls: Call[] }>()
  const seen: Observation[] = []
  const watching = new Set<Watched>()
  // Goes up over restarts, too: a page may ask for what came after something that an earlier world told.
  let count = Date.now()

  async function timed<T>(part: Part, name: string, use: () => Promise<T>): Promise<T> {
    const act = acts.getStore()
    if (act === undefined) return use()
    const began = performance.now()
    const call: Call = { part, name, at: began - act.began, took: 0, failed: true }
    act.calls.push(call)
    try {
      const result = await use()
      call.failed = false
      return result
    } finally {
      call.took = performance.now() - began
    }
  }

  return {
    /** What is done in here is seen as one act. */
    during: <T>(act: () => T): T => acts.run({ began: performance.now(), calls: [] }, act),

    /** The same edge; whoever uses it is watched. */
    over<Edge extends object>(part: Part, edge: Edge): Edge {
      return new Proxy(edge, {
        get(target, name, receiver) {
          const member: unknown = Reflect.get(target, name, receiver)
          if (typeof member !== 'function') return member
          return (...given: unknown[]) =>
            timed(part, String(name), () => Reflect.apply(member, target, given) as Promise<unknown>)
        },
        apply: (target, self, given) =>
          timed(part, 'fetch', () => Reflect.apply(target as unknown as typeof fetch, self, given)),
      })
    },

    /** To be told at the end of each act. */
    note(audit: Audit, report?: CleanupReport): void {
      const calls = structuredClone(acts.getStore()?.calls ?? [])
      const observation = {
        id: ++count,
        at: Date.now(),
        audit,
        calls,
        ...(report !== undefined && { report }),
      }
      seen.push(observation)
      if (seen.length > kept) seen.shift()
      for (const watched of watching) watched(observation)
    },

    /** Tells what is kept and comes after `last`, and then everything. Returns what ends it. */
    watch(watched: Watched, last = 0): () => void {
      for (const observation of seen) if (observation.id > last) watched(observation)
      watching.add(watched)
      return () => watching.delete(watched)
    },
  }
}
