import { AsyncLocalStorage } from 'node:async_hooks'
import type { SdkReason } from '../aws/caller.ts'
import type { Audit, Step } from './audit.ts'

type Act<Given extends unknown[], Result> = (...given: Given) => Promise<Result>

interface Clients {
  table: object
  seam: object
  seal: object
  sleep: (ms: number) => Promise<void>
  clock: () => number
}

/** The audit object of the request in flight. */
const audits = new AsyncLocalStorage<Pick<Audit, 'steps' | 'sdk' | 'sdk_why'>>()

/** Adds what the act waits for, and what goes to the AWS SDK, to its audit object. */
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

/** The clients, each method timed: the time of a call `during` a request is added to `steps` of its audit object. */
export function timed<C extends Clients>(clients: C) {
  const { table, seam, seal, sleep, clock } = clients

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
  const over = <Client extends object>(step: Step, client: Client): Client =>
    Object.fromEntries(Object.entries(client).map(([name, act]) => [name, timing(step, act)])) as Client

  return {
    ...clients,
    table: over('table', table) as C['table'],
    seam: over('seam', seam) as C['seam'],
    seal: over('seal', seal) as C['seal'],
    sleep: timing('wait', sleep),
    timing,
  }
}
