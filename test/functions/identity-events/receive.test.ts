import { afterAll, beforeAll, expect, test } from 'vitest'
import { keyFinder } from '../../../functions/caller/keys.ts'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import { Problem } from '../../../functions/http/problem.ts'
import { receiveEvents } from '../../../functions/identity-events/receive.ts'
import { times } from '../../../functions/times.ts'
import { patient } from '../patient.ts'
import { type EventsWorld, startEventsWorld } from './world.ts'

let world: EventsWorld
beforeAll(async () => {
  world = await startEventsWorld()
})
afterAll(() => world.close())

test('all that is asked of a slow Seam ends within 2.5 s together, and the event counts', async () => {
  await world.record('ada', [])
  // More than are deleted at once.
  for (let i = 0; i < 6; i++) await world.vend('ada', { sid: `login-${i}` })
  const { deps } = world.machine
  const now = world.clock.now()
  let passed = 0
  const left: number[] = []
  const slow = {
    ...deps,
    clock: () => now + passed,
    terms: { ...deps.terms, times },
    findKeys: keyFinder({ store: world.table, fetch, clock: () => now, times: patient, loopback: true }),
    seam: {
      ...deps.seam,
      async delete(_: object, deadline: { left(): number }) {
        left.push(deadline.left())
        await Promise.resolve()
        passed += deadline.left()
        throw new Problem('upstream_timeout', { dependency: 'seam' })
      },
    },
  }
  const token = await world.logoutToken({ sub: 'ada' })
  const audit = { what: 'identity_event' as const, request_id: 'r' }
  const deadline = deadlineIn(times.vend, slow.clock)
  await receiveEvents(slow, { kind: 'backchannel-logout', token, deadline, audit })

  expect([left, passed]).toEqual([[2500, 2500, 2500, 2500], 2500])
  expect(audit).toMatchObject({ reason: 'left_to_cleanup' })
  const user = await world.user('ada')
  expect([user?.sessions, user?.retired.length]).toEqual([{}, 6])
})
