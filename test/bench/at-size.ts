import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { BatchWriteItemCommand } from '@aws-sdk/client-dynamodb'
import { ownerOf } from '../../functions/caller/owner.ts'
import type { CleanupReport } from '../../functions/cleanup/report.ts'
import { dueAt } from '../../functions/record/update.ts'
import { newUser, type User } from '../../functions/record/user.ts'
import { claim, commit, retireAll } from '../../functions/record/writes.ts'
import { seamClient } from '../../functions/seam/client.ts'
import { sideBySide } from '../../functions/seam/rate-limit.ts'
import { shared } from '../../functions/session/binding.ts'
import { itemFromUser } from '../../functions/table/user-item.ts'
import { times } from '../../functions/times.ts'
import { localDynamoDbClient } from '../../infra/local/dynamodb.ts'
import type { OneRun } from '../functions/cleanup/one-run.ts'
import { terms } from '../functions/session/terms.ts'
import { soon, startVendingWorld, type VendingWorld } from '../functions/vending-world.ts'
import type { PagesOrder } from './pages.ts'
import { sum } from './statistics.ts'

/** A table with many users: all of them listed and exported, and cleaning up after some. */
export async function benchAtSize(size: { users: number; due: number; listed: number }) {
  const { users, due, listed } = size
  const world = await startVendingWorld()
  try {
    await world.table.putSettings({ workspace_id: world.seam.workspaceId, key_prefix: prefix })
    await seedUsers(world, 0, listed / 10, due)
    const tenth = { list: await readPages(world, 'list'), export: await readPages(world, 'export') }
    await seedUsers(world, listed / 10, listed, due)
    const pages = async (command: 'list' | 'export') => {
      const { found, seconds, heap } = await readPages(world, command)
      if (found !== listed) throw new Error(`${found} of ${listed} users`)
      return { users: listed, seconds, heap, heapOfTenth: tenth[command].heap }
    }
    const read = { list: await pages('list'), export: await pages('export') }
    await seedUsers(world, listed, users, due)
    return { ...read, cleanup: { users, due, ...(await cleanUp(world)) } }
  } finally {
    await world.close()
  }
}

const prefix = 'bench-12345678'
const batch = 25

/** Everybody has a live client session; the first, so many as are `due`, signed out while Seam was down. */
async function seedUsers(world: VendingWorld, from: number, to: number, due: number): Promise<void> {
  const { dynamoDb, seam: endpoint, seamApiKey, tableName } = world.addresses
  const seam = seamClient({ endpoint, apiKey: async () => seamApiKey, times })
  const client = localDynamoDbClient(dynamoDb)
  const batches = Array.from({ length: Math.ceil((to - from) / batch) }, (_, n) => from + n * batch)
  // Few at a time where the local Seam must keep up.
  await sideBySide(batches, from < due ? 2 : 16, async (first) => {
    const numbers = Array.from({ length: Math.min(batch, to - first) }, (_, i) => first + i)
    const people = await Promise.all(numbers.map((n) => person(world, n, n < due ? seam : undefined)))
    const puts = people.map((user) => ({ PutRequest: { Item: itemFromUser(user) } }))
    await client.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: puts } }))
  })
  client.destroy()
}

/** `seam`: their client session is one of Seam's, and was retired. */
async function person(
  { addresses }: VendingWorld,
  n: number,
  seam: ReturnType<typeof seamClient> | undefined,
): Promise<User> {
  const sub = `person-${n}`
  const subject = `main|${sub}`
  const who = { owner: ownerOf(subject), subject, iss: addresses.issuer, sub }
  const key = `${prefix}_${who.owner}_${randomUUID()}`
  const before = Date.now() - 2 * times.grace
  const expires_at = Date.now() + terms.lifetime
  const asked = { user_identifier_key: key, connected_account_ids: [], expires_at }
  const { client_session_id = randomUUID() } = (await seam?.getOrCreate(asked, soon())) ?? {}
  const newKey = { key, generation: terms.generation }
  const by = { lease_owner: 'bench', now: before, times, asked_until: expires_at, newKey }
  const session = { client_session_id, sealed_token: 'x'.repeat(300), created_at: before, expires_at }
  const live = commit(claim(newUser(who, before), shared, by), shared, session, [])
  const user = seam ? retireAll(live, before) : live
  return { ...user, revision: randomUUID(), due_at: dueAt(user, terms) }
}

const readPages = ({ addresses }: VendingWorld, command: PagesOrder['command']) =>
  inWorker<number>('./pages.ts', { addresses, command } satisfies PagesOrder)

async function cleanUp(world: VendingWorld) {
  const { dynamoDb, tableName, seam, seamApiKey: apiKey } = world.addresses
  const before = requests(world)
  const order: OneRun = { dynamoDb, tableName, seam, apiKey, terms }
  const { found, heap, seconds } = await inWorker<CleanupReport>('../functions/cleanup/one-run.ts', order)
  const after = requests(world)
  const ended = found.ended.let_go ?? 0
  const perSession = (what: keyof typeof after) => (after[what] - before[what]) / ended
  return {
    ended,
    // For each client session that was ended, in the run that deletes it.
    reads: perSession('reads'),
    queries: perSession('queries'),
    writes: perSession('writes'),
    seamCalls: perSession('seamCalls'),
    heap,
    seconds,
  }
}

function requests({ dynamoDb, seam }: VendingWorld) {
  const table = (...names: string[]) => sum(names.map((name) => dynamoDb.counts[name]?.received ?? 0))
  return {
    reads: table('GetItem'),
    queries: table('Query', 'Scan'),
    writes: table('PutItem', 'UpdateItem', 'DeleteItem'),
    seamCalls: sum(Object.values(seam.counts).map(({ received }) => received)),
  }
}

/** What it found, and the MB of its heap at the highest. */
async function inWorker<Found>(file: string, workerData: object) {
  const startedAt = performance.now()
  const worker = new Worker(new URL(file, import.meta.url), { workerData })
  let heap = 0
  const watching = setInterval(async () => {
    const { used_heap_size } = await worker.getHeapStatistics().catch(() => ({ used_heap_size: 0 }))
    heap = Math.max(heap, used_heap_size / 2 ** 20)
  }, 50)
  const [found] = (await once(worker, 'message')) as [Found]
  const seconds = (performance.now() - startedAt) / 1000
  clearInterval(watching)
  await worker.terminate()
  return { found, heap, seconds }
}
