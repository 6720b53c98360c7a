import { startEventsWorld } from '../functions/identity-events/world.ts'
import { quantile } from './statistics.ts'
import { seamLatency } from './world.ts'

/**
 * Milliseconds from an identity provider's logout token until Seam refuses both client session tokens of a person. Seam
 * takes its time for the delete.
 */
export async function benchEvents({ events }: { events: number }) {
  const world = await startEventsWorld()
  world.seam.faults.plan({
    faults: [{ kind: 'delay', delay_ms: seamLatency, path: '/client_sessions/delete' }],
  })
  const took: number[] = []
  try {
    for (let i = 0; i < events; i++) {
      const sub = `person-${i}`
      await world.record(sub, [])
      const logins = [await world.vend(sub, { sid: 'phone' }), await world.vend(sub, { sid: 'laptop' })]
      const logoutToken = await world.logoutToken({ sub })
      const startedAt = performance.now()
      await world.logout(logoutToken)
      for (const { token } of logins) while (await world.isAlive(token));
      took.push(performance.now() - startedAt)
    }
  } finally {
    await world.close()
  }
  return { events, p95: quantile(took, 0.95) }
}
