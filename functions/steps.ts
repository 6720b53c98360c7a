import { AsyncLocalStorage } from 'node:async_hooks'
import type { SdkReason } from './aws/caller.ts'
import type { Audit, Step } from './log.ts'

type Act<Given extends unknown[], Result> = (...given: Given) => Promise<Result>

interface Worlds {
  table: object
  seam: object
  seal: object
  sleep: (ms: number) => Promise<void>
  clock: () => number
}

/** The audit object of the request that is under way here. */
const audits = new AsyncLocalStorage<Pick<Audit, 'steps' | 'sdk' | 'sdk_why'>>()

/** Runs an act so that what it waits for, and what goes to the AWS SDK, is added up in its audit object. */
export function during<T>(audit: Pick<Audit, 'steps' | 'sdk' | 'sdk_why'>, act: () => T): T {
  return audits.run(audit, act)
}

/** Counts an operation that went to the AWS SDK; of several reasons the first stands. */
export function noteSdk(why: SdkReason): void {
  const audit = audits.getStore()
  if (audit === undefined) return
  audit.sdk = (audit.sdk ?? 0) + 1
  audit.sdk_why ??= why
}

/** The worlds with a clock at each: what is used `during` a request is added up in the `steps` of its audit object. */
export function timed<W extends Worlds>(worlds: W) {
  const { table, seam, seal, sleep, clock } = worlds

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
    during,
  }
}
