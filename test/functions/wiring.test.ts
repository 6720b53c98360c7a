import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { ask, startVendingWorld, type VendingWorld } from './vending-world.ts'

/** What a process reads before its first request. */

let world: VendingWorld
beforeAll(async () => {
  world = await startVendingWorld()
})
afterAll(() => world.close())
beforeEach(() => world.dynamoDb.faults.clear())

const reads = () => world.dynamoDb.counts.GetItem?.received ?? 0
const callsAtSeam = () => Object.values(world.seam.counts).reduce((sum, { received }) => sum + received, 0)

test('what other processes have left in the table is known before anybody asks', async () => {
  await world.record('before', [])
  const token = await world.token('before')
  await ask(world.machine, { token })
  const another = world.another()
  await another.recall()
  world.identityProvider.outage = 'error'
  const before = reads()
  const seam = callsAtSeam()
  const { status } = await ask(another, { token }).finally(() => {
    world.identityProvider.outage = undefined
  })
  expect([status, reads() - before, callsAtSeam() - seam]).toEqual([200, 1, 0])
})

test('recalling from an empty table asks neither the issuer nor Seam', async () => {
  const empty = await startVendingWorld()
  await empty.machine.recall()
  expect([Object.keys(empty.seam.counts), empty.identityProvider.counts]).toEqual([[], {}])
  await empty.close()
})

test('recalling from a table that fails is no error, and what is needed is read when it is', async () => {
  await world.record('after', [])
  const another = world.another()
  world.dynamoDb.faults.add({ kind: 'failed' })
  await another.recall()
  world.dynamoDb.faults.clear()
  expect((await ask(another, { token: await world.token('after') })).status).toBe(201)
})
