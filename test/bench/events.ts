import { startEventsWorld } from '../functions/identity-events/world.ts'
import { quantile } from './statistics.ts'
import { seamLatency } from './world.ts'

/** Milliseconds from an identity provider's logout token until Seam refuses the client session token. */
export interface Events {
  events: number
  p50: number
  p95: number
  /** Answers of Seam that were asked for until it refused the token: one when it was dead at the first. */
  questions: number
}

/** Seam takes its time for the delete, and each person has two logins. */
export async function benchEvents(size: { events: number }): Promise<Events> {
  const world = await startEventsWorld()
  world.seam.faults.plan({
    faults: [{ kind: 'delay', delay_ms: seamLatency, path: '/client_sessions/delete' }],
  })
  const took: number[] = []
  let questions = 0
  try {
    for (let i = 0; i < size.events; i++) {
      const sub = `person-${i}`
      await world.record(sub, [])
      const logins = [await world.vend(sub, { sid: 'phone' }), await world.vend(sub, { sid: 'laptop' })]
      const logoutToken = await world.logoutToken({ sub })
      const startedAt = performance.now()
      await world.logout(logoutToken)
      for (const { token } of logins)
        do questions++
        while (await world.isAlive(token))
      took.push(performance.now() - startedAt)
    }
  } finally {
    await world.close()
  }
  return {
    events: size.events,
    p50: quantile(took, 0.5),
    p95: quantile(took, 0.95),
    questions: questions / (2 * size.events),
  }
}
