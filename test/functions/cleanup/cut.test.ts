import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { User } from '../../../functions/record/user.ts'
import { remove, retireAll } from '../../../functions/record/writes.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import { times } from '../../../functions/times.ts'
import { localDynamoDbClient } from '../../../infra/local/dynamodb.ts'
import { minutes } from '../minutes.ts'
import { type CleaningWorld, entry, idOf, keyOf, aged as madeAt, startCleaningWorld } from './world.ts'

/** Calls are those to Seam and to the table. Until it thaws, a frozen run is as good as a killed one. */

let world: CleaningWorld
beforeAll(async () => {
  world = await startCleaningWorld({
    terms: { lifetime: 30 * 24 * 60 * minutes, longestAges: { shared: 40 * 24 * 60 * minutes } },
  })
})
afterAll(() => world.close())

/**
 * A network that lets so many calls through; at the next one, before it leaves or after it was answered, all stands
 * still. Only writes are answered and sent again: a read changes nothing either way.
 */
function freezing(after: number, when: 'before' | 'answered') {
  let calls = 0
  let thaw = () => {}
  let atPoint = () => {}
  const thawed = new Promise<void>((resolve) => {
    thaw = resolve
  })
  const reached = new Promise<void>((resolve) => {
    atPoint = resolve
  })
  async function pass<T>(name: string, send: () => Promise<T>): Promise<T> {
    if (when === 'answered' && isRead(name)) return send()
    if (++calls <= after) return send()
    // Answered, and never heard; sent once more after the thaw, as a repeated or late call is.
    if (calls === after + 1 && when === 'answered') await send()
    atPoint()
    await thawed
    return send()
  }
  const through: typeof fetch = (input, init) => pass(String(input), () => fetch(input, init))
  function standStill(client: DynamoDBClient): void {
    client.middlewareStack.add(
      (next, { commandName }) =>
        (args) =>
          pass(String(commandName), () => next(args)),
      { step: 'finalizeRequest', priority: 'low' },
    )
  }
  return { through, standStill, reached, thaw }
}

/** Of a command of the table, or a path at Seam. */
const isRead = (name: string) => /^(Query|GetItem|Scan)Command$|\/(get|list)$/.test(name)

async function scene() {
  const signedIn = () => world.signedIn()
  const live = await signedIn()
  const out = await world.alter((await signedIn()).owner, retireAll)
  const removed = await world.alter((await signedIn()).owner, remove)
  const settled = await world.record({
    ...world.person(),
    retired: [
      entry(crypto.randomUUID(), world.clock() - times.grace, {
        expires_at: world.clock() + 24 * 60 * minutes,
      }),
    ],
  })
  const stray = await world.atSeam(settled.retired[0]?.user_identifier_key ?? '')
  const aged = await signedIn()
  await world.record(madeAt(aged, world.clock() - 40 * 24 * 60 * minutes, { expires_at: world.clock() }))
  const abandoned = await world.abandoned(
    world.person(),
    `${world.settings.key_prefix}_${crypto.randomUUID()}`,
    world.clock() - times.grace,
  )
  const late = await world.atSeam(keyOf(abandoned) ?? '')
  return { live, stale: [out, removed, settled, aged, abandoned], strays: [stray, late] }
}

async function cleanUntilQuiet(): Promise<void> {
  let looked = 0
  do {
    world.advance(times.grace + times.cleanup)
    looked = (await world.clean()).looked_at
  } while (looked > 0)
}

async function expectFinished({ live, stale, strays }: Awaited<ReturnType<typeof scene>>): Promise<void> {
  const ids = stale.flatMap((user: User) => [idOf(user), ...user.retired.map((one) => one.client_session_id)])
  const alive = world.liveIds()
  expect([...ids, ...strays].filter((id) => alive.has(id ?? ''))).toEqual([])
  expect(alive).toContain(idOf(live))
  expect(await world.read(live)).toEqual(live)
  for (const user of stale) {
    const now = await world.read(user)
    expect([now?.sessions, now?.retired]).toEqual([{}, []])
  }
  expect((await world.read(stale[1] as User))?.expires).toBeGreaterThan(0)
}

test.each([
  { when: 'before', calls: 35 },
  { when: 'answered', calls: 10 },
] as const)(
  'a run that freezes at any call, $when, is finished by others, and does no harm when it thaws',
  async ({ when, calls }) => {
    let points = 0
    for (let passes = false; !passes; points++) {
      const made = await scene()
      const network = freezing(points, when)
      const client = localDynamoDbClient(world.dynamoDb.endpoint, { maxAttempts: 1 })
      network.standStill(client)
      const table = vendingTable({ client, tableName: world.tableName })
      const rate = { callsPerSecond: Number.POSITIVE_INFINITY, concurrency: 1 }
      const run = world.clean({}, { fetch: network.through, table, rate })
      passes = await Promise.race([run.then(() => true), network.reached.then(() => false)])
      await cleanUntilQuiet()
      await expectFinished(made)
      network.thaw()
      await run
      await cleanUntilQuiet()
      await expectFinished(made)
      client.destroy()
    }
    expect(points).toBeGreaterThan(calls)
  },
)
