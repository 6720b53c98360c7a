import { fork } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { patient } from './patient.ts'
import type { Order } from './vending-process.ts'
import { ask, ownerOfSub, startVendingWorld, type VendingWorld } from './vending-world.ts'

let world: VendingWorld
beforeAll(async () => {
  world = await startVendingWorld({ times: patient })
})
afterAll(() => world.close())

interface Result {
  status: number
  body: { token?: string; code?: string }
}

/** Exactly one session was made at Seam, one token went to all, and nobody heard of the race. */
const expectOne = (sub: string, results: Result[], callsBefore: number) => {
  const made = world.seam
    .sessions()
    .filter(({ user_identifier_key }) => user_identifier_key?.includes(ownerOfSub(sub)))
  expect(made).toHaveLength(1)
  expect((world.seam.counts['/client_sessions/get_or_create']?.received ?? 0) - callsBefore).toBe(1)
  expect(new Set(results.map(({ body }) => body.token))).toEqual(new Set([made[0]?.token]))
  const count = (wanted: number) => results.filter(({ status }) => status === wanted).length
  expect([count(201), count(200)]).toEqual([1, results.length - 1])
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

test('30 sign-outs of one client session at once all come to their end', async () => {
  await world.record('out-at-once', [])
  const token = await world.token('out-at-once')
  await ask(world.machine, { token })
  const signOut = () => ask(world.machine, { token, method: 'DELETE' })
  const statuses = (await Promise.all(Array.from({ length: 30 }, signOut))).map(({ status }) => status)
  expect(statuses).toEqual(Array(30).fill(204))
})
