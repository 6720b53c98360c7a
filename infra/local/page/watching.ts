import { AsyncLocalStorage } from 'node:async_hooks'
import type { CleanupReport } from '../../../functions/cleanup/report.ts'
import type { Audit } from '../../../functions/http/audit.ts'

/** One call to a dependency. Only its name is kept: what went in and came out may be a secret. */
export interface Call {
  part: 'table' | 'seam' | 'issuer'
  name: string
  /** Milliseconds. */
  took: number
  failed: boolean
}

/** What the service did, seen from outside. Holds no secret. */
export interface Observation {
  /** Counts up; says where to go on after a broken connection. */
  id: number
  /** Epoch milliseconds. */
  at: number
  audit: Audit
  calls: Call[]
  report?: CleanupReport
}

type Listener = (observation: Observation) => void

/** So many observations are kept for pages that are opened later. */
const kept = 20

/** Sees which dependencies each act calls, and for how long. */
export class Watcher {
  readonly #acts = new AsyncLocalStorage<Call[]>()
  readonly #seen: Observation[] = []
  readonly #listeners = new Set<Listener>()
  // Goes up over restarts, too: a page may ask for what came after something that an earlier world told.
  #count = Date.now()

  /** What is done in here is seen as one act. */
  during = <T>(act: () => T): T => this.#acts.run([], act)

  /** The same client, watched. */
  over<Client extends object>(part: Call['part'], client: Client): Client {
    return new Proxy(client, {
      get: (target, name, receiver) => {
        const member: unknown = Reflect.get(target, name, receiver)
        if (typeof member !== 'function') return member
        return (...given: unknown[]) =>
          this.#timed(part, String(name), () => Reflect.apply(member, target, given) as Promise<unknown>)
      },
      apply: (target, self, given) =>
        this.#timed(part, 'fetch', () => Reflect.apply(target as unknown as typeof fetch, self, given)),
    })
  }

  /** To be told at the end of each act. */
  note(audit: Audit, report?: CleanupReport): void {
    const calls = structuredClone(this.#acts.getStore() ?? [])
    const observation = { id: ++this.#count, at: Date.now(), audit, calls, ...(report && { report }) }
    this.#seen.push(observation)
    if (this.#seen.length > kept) this.#seen.shift()
    for (const listener of this.#listeners) listener(observation)
  }

  /** Tells what is kept and comes after `last`, and then everything. Returns what ends it. */
  watch(listener: Listener, last: number): () => void {
    for (const observation of this.#seen) if (observation.id > last) listener(observation)
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #timed<T>(part: Call['part'], name: string, use: () => Promise<T>): Promise<T> {
    const began = performance.now()
    const call: Call = { part, name, took: 0, failed: true }
    this.#acts.getStore()?.push(call)
    try {
      const result = await use()
      call.failed = false
      return result
    } finally {
      call.took = performance.now() - began
    }
  }
}
