import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readConfiguration } from '../../functions/config.ts'
import { rehearse } from '../../functions/rehearsal.ts'
import { sealingKeysFrom, tokenSealer } from '../../functions/seal.ts'
import { seamClient } from '../../functions/seam.ts'
import { vendingTable } from '../../functions/table/table.ts'
import { times } from '../../functions/times.ts'
import { localDynamoDbClient } from '../../infra/local/dynamodb.ts'
import { ask, startVendingWorld, type VendingWorld } from './vending-world.ts'

let world: VendingWorld
beforeAll(async () => {
  world = await startVendingWorld()
})
afterAll(() => world.close())

const applied = () =>
  Object.fromEntries(Object.entries(world.dynamoDb.counts).map(([name, { received }]) => [name, received]))
const callsAtSeam = () => Object.values(world.seam.counts).reduce((sum, { received }) => sum + received, 0)
const lookUps = () => Object.values(world.identityProvider.counts).reduce((sum, count) => sum + count, 0)

beforeEach(() => world.dynamoDb.faults.clear())

function rehearseHere() {
  const { addresses } = world
  const configuration = readConfiguration(
    {
      deployment: 'test',
      issuers: [{ name: 'main', issuer: addresses.issuer, audiences: [addresses.audience] }],
      allowedOrigins: ['https://app.example'],
      unknownSubjects: 'provision',
      seamEndpoint: addresses.seam,
    },
    { loopback: true },
  )
  const client = localDynamoDbClient(addresses.dynamoDb, { maxAttempts: 1 })
  return rehearse(configuration, times, {
    table: vendingTable({ client, tableName: addresses.tableName }),
    seam: seamClient({ endpoint: addresses.seam, apiKey: async () => addresses.seamApiKey, times }),
    seal: tokenSealer(async () => sealingKeysFrom(addresses.sealingKey)),
    clock: world.clock.now,
    uuid: randomUUID,
    random: Math.random,
    sleep: async () => {},
  }).finally(() => client.destroy())
}

test('a rehearsal takes the whole path of a vend: one read of the table, and nothing else of anybody', async () => {
  const before = { ...applied() }
  const [seam, issuer] = [callsAtSeam(), lookUps()]
  expect((await rehearseHere()).status).toBe(200)
  expect(applied()).toEqual({ ...before, GetItem: (before.GetItem ?? 0) + 1 })
  expect([callsAtSeam(), lookUps()]).toEqual([seam, issuer])
})

test('the token of a rehearsal opens nothing for a caller', async () => {
  const { token } = await rehearseHere()
  const provisioning = world.another({ configuration: { unknownSubjects: 'provision' } })
  for (const machine of [world.machine, provisioning])
    expect((await ask(machine, { token })).body).toMatchObject({ code: 'invalid_token' })
})

test('a rehearsal before a table that fails ends with an answer, and writes nothing', async () => {
  world.dynamoDb.faults.add({ kind: 'failed', operations: ['GetItem'] })
  const before = { ...applied() }
  expect((await rehearseHere()).status).toBe(503)
  expect(applied()).toEqual({ ...before, GetItem: (before.GetItem ?? 0) + 1 })
})

test('what other processes have left in the table is known before anybody asks', async () => {
  await world.record('before', [])
  const token = await world.token('before')
  await ask(world.machine, { token })
  const another = world.another()
  await another.recall()
  world.identityProvider.outage = 'error'
  const before = applied().GetItem ?? 0
  const seam = callsAtSeam()
  const { status } = await ask(another, { token }).finally(() => {
    world.identityProvider.outage = undefined
  })
  expect([status, (applied().GetItem ?? 0) - before, callsAtSeam() - seam]).toEqual([200, 1, 0])
})

test('recalling from an empty table asks neither the issuer nor Seam', async () => {
  const empty = await startVendingWorld()
  await empty.machine.recall()
  expect([Object.keys(empty.seam.counts), empty.identityProvider.counts]).toEqual([[], {}])
  await empty.close()
})
