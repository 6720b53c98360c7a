import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { BatchWriteItemCommand } from '@aws-sdk/client-dynamodb'
import { expect, test } from 'vitest'
import type { CleanupReport } from '../../../functions/cleanup/report.ts'
import type { User } from '../../../functions/record/user.ts'
import { remove, retireAll } from '../../../functions/record/writes.ts'
import { sideBySide } from '../../../functions/seam/rate-limit.ts'
import { shared } from '../../../functions/session/binding.ts'
import { itemFromUser } from '../../../functions/table/user-item.ts'
import { times } from '../../../functions/times.ts'
import type { OneRun } from './one-run.ts'
import { aged, type CleaningWorld, idOf, keyOf, longestAge, startCleaningWorld, terms } from './world.ts'

const long = process.env.LONG === '1'
async function withWorld(work: (world: CleaningWorld) => Promise<void>): Promise<void> {
  const world = await startCleaningWorld({ terms: { lifetime: longestAge } })
  try {
    await work(world)
  } finally {
    await world.close()
  }
}

async function inParallel<T>(count: number, make: (n: number) => Promise<T>): Promise<T[]> {
  const made: T[] = []
  await sideBySide(Array(count).keys(), 16, async (n) => {
    made.push(await make(n))
  })
  return made
}

const five = 0.05
/** About one call in twenty goes wrong. */
function letThingsGoWrong({ seam, dynamoDb }: CleaningWorld): void {
  const share = five / 6
  seam.faults.plan({
    seed: 4,
    faults: [
      { kind: 'status', status: 500, share },
      { kind: 'status', status: 503, body: 'empty', applied: true, share },
      { kind: 'status', status: 429, retry_after: 1, body: 'json', share: share / 4 },
      { kind: 'reset', share },
      { kind: 'reset', applied: true, share },
      { kind: 'applied_late', late_ms: 50, share },
    ],
  })
  for (const kind of ['throttled', 'failed', 'reset', 'answer_lost'] as const)
    dynamoDb.faults.add({ kind, share: five / 4 })
  dynamoDb.faults.add({ kind: 'stale_index', share: five })
}

const due = long ? 10_000 : 100
/** Milliseconds. */
const retryDelay = 6 * 3_600_000

test(
  `${due} stale client sessions end while one call in twenty fails; no live one and no stranger’s does`,
  async () => {
    await withWorld(async (world) => {
      const abandon = (user: User) =>
        world.abandoned(user, `${world.settings.key_prefix}_${user.owner}_x`, world.clock() - times.grace)
      const signOut = (user: User) => world.alter(user.owner, retireAll)
      const kinds = [
        async () => signOut(await world.signedIn()),
        // Signed in again since: what is live stays.
        async () => world.signedIn(await signOut(await world.signedIn())),
        async () => {
          const user = await world.signedIn()
          return world.alter(user.owner, remove)
        },
        // Its maker was killed before the commit.
        async () => {
          const user = await abandon(world.person())
          await world.atSeam(keyOf(user) ?? '')
          return user
        },
        async () => {
          const user = await world.signedIn()
          return world.record(aged(user, world.clock() - longestAge, { expires_at: world.clock() - 1 }))
        },
      ]
      const stale = await inParallel(due, (n) => (kinds[n % kinds.length] as (typeof kinds)[0])())
      const live = await inParallel(50, () => world.signedIn())
      const strangers = await inParallel(20, () => world.atSeam(crypto.randomUUID()))
      const kept = [...live, ...stale].map(idOf)
      world.advance(times.lease)

      letThingsGoWrong(world)
      let runs = 0
      let ended = 0
      for (let quiet = false; !quiet; runs++) {
        expect(runs).toBeLessThan(due / 5)
        const report = await world.clean()
        expect(report.stopped).not.toBe('other_workspace')
        ended += Object.values(report.ended).reduce((sum, count) => sum + count, 0)
        quiet = report.looked_at === 0 && report.stopped === undefined
        world.advance(times.grace)
      }
      world.seam.faults.clear()
      world.dynamoDb.faults.clear()
      // What failed again and again waits longer than one grace: a quiet run does not mean that nothing is left.
      for (const wait of [32 * times.retry, times.grace]) {
        world.advance(wait)
        await world.clean()
      }
      const delivered = [world.seam.faults.delivered, world.dynamoDb.faults.delivered]
      expect(delivered.flatMap((counts) => Object.values(counts)).reduce((a, b) => a + b, 0)).toBeGreaterThan(
        due / 10,
      )
      // In the second kind, the sign-in has ended it already.
      expect(ended).toBeGreaterThan(due * 0.75)

      const records = await inParallel(stale.length, async (n) => world.read(stale[n] as User))
      for (const user of records) {
        expect(user?.retired).toEqual([])
      }
      const named = new Set([...live, ...records].map(idOf))
      const left = world.seam.sessions().filter((one) => one.live)
      expect(new Set(left.map((one) => one.client_session_id))).toEqual(
        new Set([...strangers, ...kept.filter((id) => id !== undefined && named.has(id))]),
      )
      expect(left).toHaveLength(50 + 20 + due / kinds.length)
    })
  },
  retryDelay,
)

test('it costs by what is due, and not by how many users there are', async () => {
  await withWorld(async (world) => {
    const requests = () =>
      Object.fromEntries(
        Object.entries(world.dynamoDb.counts).map(([name, { received }]) => [name, received]),
      )
    const calls = () => world.callsAtSeam()

    async function costOfHundredAmong(count: number) {
      const users = Array.from({ length: count }, (_, n) => recordOf(world, n < 100))
      await write(world, users)
      const before = { requests: requests(), calls: calls() }
      const report = await world.clean()
      expect(report).toMatchObject({ looked_at: 100, ended: { let_go: 100 }, failed: 0 })
      return {
        calls: calls() - before.calls,
        requests: Object.entries(requests()).map(([name, now]) => [name, now - (before.requests[name] ?? 0)]),
      }
    }
    const few = await costOfHundredAmong(1000)
    expect(few.calls).toBeLessThanOrEqual(202)
    expect(Object.fromEntries(few.requests)).toMatchObject({ Query: 16, GetItem: 101, PutItem: 100 })
    expect(await costOfHundredAmong(long ? 20_000 : 5000)).toEqual(few)
  })
})

// All of their records, with forty accounts each, would need twice as much.
if (long)
  test(
    `its memory does not grow with ${due} users that are due`,
    async () => {
      await withWorld(async (world) => {
        await write(
          world,
          Array.from({ length: due }, () => ({
            ...recordOf(world, true),
            connected_account_ids: fortyAccounts(),
          })),
        )
        const workerData: OneRun = {
          dynamoDb: world.dynamoDb.endpoint,
          tableName: world.tableName,
          seam: world.seam.url,
          apiKey: world.seam.apiKey,
          terms,
        }
        const worker = new Worker(new URL('./one-run.ts', import.meta.url), {
          workerData,
          resourceLimits: { maxOldGenerationSizeMb: 36 },
        })
        const [report] = (await once(worker, 'message')) as [CleanupReport]
        await worker.terminate()
        expect(report).toMatchObject({ looked_at: due, already_gone: due, failed: 0 })
      })
    },
    retryDelay,
  )

const fortyAccounts = () => Array.from({ length: 40 }, () => crypto.randomUUID())

/** With a live client session that Seam need not know; `isDue`: and one that was retired. */
function recordOf(world: CleaningWorld, isDue: boolean): User {
  const now = world.clock()
  const session = {
    user_identifier_key: 'k1',
    generation: 1,
    asked_until: now + terms.lifetime,
    client_session_id: crypto.randomUUID(),
    sealed_token: 'sealed',
    created_at: now,
    expires_at: now + terms.lifetime,
    claimed_at: now,
  }
  const user: User = { ...world.person(), sessions: { [shared]: session } }
  return isDue
    ? { ...retireAll(user, now), revision: crypto.randomUUID(), due_at: now }
    : { ...user, revision: crypto.randomUUID(), due_at: now + longestAge }
}

/** In bulk, past the one write primitive: there is nobody yet whom it could race. */
async function write({ client, tableName }: CleaningWorld, users: User[]): Promise<void> {
  const batches = Array.from({ length: Math.ceil(users.length / 25) }, (_, n) =>
    users.slice(n * 25, n * 25 + 25),
  )
  await sideBySide(batches, 8, async (batch) => {
    const puts = batch.map((user) => ({ PutRequest: { Item: itemFromUser(user) } }))
    await client.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: puts } }))
  })
}
