import { AsyncLocalStorage } from 'node:async_hooks'
import type { Audit } from './log.ts'

/** What a decision has waited for: edges are a process's, audit objects a request's, and several may be on their way. */
export type Step =
  /** The bearer token, its issuer's keys included wherever they came from. */
  | 'verify'
  | 'table'
  | 'seam'
  /** Opening and sealing, with the reading of the sealing key. */
  | 'seal'
  /** Until whoever has the lease has committed. */
  | 'wait'

type Act<Given extends unknown[], Result> = (...given: Given) => Promise<Result>

interface Worlds {
  table: object
  seam: object
  seal: object
  sleep: (ms: number) => Promise<void>
  clock: () => number
}

/** The worlds with a clock at each: what is used `during` a request is added up in the `steps` of its audit object. */
export function timed<W extends Worlds>(worlds: W) {
  const { table, seam, seal, sleep, clock } = worlds
  const audits = new AsyncLocalStorage<Audit>()

  function timing<Given extends unknown[], R>(step: Step, act: Act<Given, R>): Act<Given, R> {
    return async (...given) => {
      const startedAt = clock()
      try {
        return await act(...given)
      } finally {
        const audit = audits.getStore()
        if (audit !== undefined)
          audit.steps = { ...audit.steps, [step]: (audit.steps?.[step] ?? 0) + clock() - startedAt }
      }
    }
  }
  const over = <Edge extends object>(step: Step, edge: Edge): Edge =>
    Object.fromEntries(Object.entries(edge).map(([name, act]) => [name, timing(step, act)])) as Edge

  return {
    ...worlds,
    table: over('table', table) as W['table'],
    seam: over('seam', seam) as W['seam'],
    seal: over('seal', seal) as W['seal'],
    sleep: timing('wait', sleep),
    timing,
    during: <T>(audit: Audit, act: () => T): T => audits.run(audit, act),
  }
}
