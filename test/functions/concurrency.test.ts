import { fork } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faster, times } from '../../functions/times.ts'
import type { Order } from './vending-process.ts'
import { ask, ownerOfSub, startVendingWorld, type VendingWorld } from './vending-world.ts'

/** A third of the speed: calls are counted here, and on a busy machine 200 reads at once take longer than one read may. */
const patient = faster(times, 1 / 3)

let world: VendingWorld
beforeAll(async () => {
  world = await startVendingWorld({ times: patient })
})
afterAll(() => world.close())

interface Result {
  status: number
  body: { token?: string; code?: string }
}

/** Exactly one session was made at Seam, one token went to all, and nobody heard anything but 2xx and `busy`. */
const expectOne = (sub: string, results: Result[], callsBefore: number) => {
  const made = world.seam
    .sessions()
    .filter(({ user_identifier_key }) => user_identifier_key?.includes(ownerOfSub(sub)))
  expect(made).toHaveLength(1)
  expect((world.seam.counts['/client_sessions/get_or_create']?.received ?? 0) - callsBefore).toBe(1)
  const answered = results.filter(({ status }) => status < 300)
  expect(new Set(answered.map(({ body }) => body.token))).toEqual(new Set([made[0]?.token]))
  expect(answered.filter(({ status }) => status === 201)).toHaveLength(1)
  expect(results.filter(({ status, body }) => status >= 300 && body.code !== 'busy')).toEqual([])
  expect(answered.length).toBeGreaterThan(results.length / 2)
}
const calls = () => world.seam.counts['/client_sessions/get_or_create']?.received ?? 0

test('200 first requests for one user at once, in one process, make one client session', async () => {
  await world.record('all-at-once', [])
  const token = await world.token('all-at-once')
  // Warm: the key set and the settings are not what is measured here.
  await world.record('warm', [])
  await ask(world.machine, { token: await world.token('warm') })
  const before = calls()
  world.seam.faults.plan({
    faults: [{ kind: 'delay', delay_ms: 150, path: '/client_sessions/get_or_create' }],
  })
  const results = await Promise.all(Array.from({ length: 200 }, () => ask(world.machine, { token })))
  world.seam.faults.clear()
  expectOne('all-at-once', results, before)
})

test('200 first requests for one user at once, over four processes, make one client session', async () => {
  await world.record('over-four', [])
  const token = await world.token('over-four')
  const processes = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const child = fork(`${import.meta.dirname}/vending-process.ts`)
      const order: Order = { addresses: world.addresses, times: patient, requests: Array(50).fill({ token }) }
      child.send(order)
      await once(child, 'message')
      return child
    }),
  )
  const before = calls()
  const results = await Promise.all(
    processes.map(async (child) => {
      const answer = once(child, 'message')
      child.send('go')
      const [results] = (await answer) as [Result[]]
      return results
    }),
  )
  expect(results.flat()).toHaveLength(200)
  expectOne('over-four', results.flat(), before)
})
