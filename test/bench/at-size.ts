import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { BatchWriteItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb'
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
import type { PagesOrder, PagesRead } from './pages.ts'

/** A table with many users: all of them listed and exported, and cleaning up after some. */
export interface AtSize {
  list: Pages
  export: Pages
  cleanup: Cleanup
}

interface Pages {
  users: number
  seconds: number
  /** MB of heap at its highest, for all of them and for the first tenth. */
  heap: number
  heapOfTenth: number
}

interface Cleanup {
  users: number
  due: number
  ended: number
  /** Requests per client session that was ended, in the run that deletes it. */
  reads: number
  queries: number
  writes: number
  seamCalls: number
  /** MB of heap at its highest. */
  heap: number
  seconds: number
}

export async function benchAtSize(size: { users: number; due: number; listed: number }): Promise<AtSize> {
  const world = await startVendingWorld()
  const client = localDynamoDbClient(world.addresses.dynamoDb)
  try {
    await world.table.putSettings({ workspace_id: world.seam.workspaceId, key_prefix: prefix })
    const seed = (from: number, to: number) => seedUsers(world, client, { from, to, due: size.due })
    await seed(0, size.listed / 10)
    const tenth = { list: await readPages(world, 'list'), export: await readPages(world, 'export') }
    await seed(size.listed / 10, size.listed)
    const pages = async (command: 'list' | 'export') => {
      const { heap, seconds, found } = await readPages(world, command)
      if (found.users !== size.listed) throw new Error(`${found.users} of ${size.listed} users`)
      return { users: found.users, seconds, heap, heapOfTenth: tenth[command].heap }
    }
    const read = { list: await pages('list'), export: await pages('export') }
    await seed(size.listed, size.users)
    return { ...read, cleanup: await cleanUp(world, size) }
  } finally {
    client.destroy()
    await world.close()
  }
}

const prefix = 'bench-12345678'
const before = Date.now() - 2 * times.grace

/** Everybody has a live client session, but the first, who signed out while Seam was down. */
async function seedUsers(
  world: VendingWorld,
  client: DynamoDBClient,
  { from, to, due }: { from: number; to: number; due: number },
): Promise<void> {
  const { seam: endpoint, seamApiKey, tableName } = world.addresses
  const seam = seamClient({ endpoint, apiKey: async () => seamApiKey, times })
  const firsts = Array.from({ length: Math.ceil((to - from) / 25) }, (_, page) => from + page * 25)
  // Few at a time where the local Seam must keep up.
  await sideBySide(firsts, from < due ? 2 : 16, async (first) => {
    const numbers = Array.from({ length: Math.min(25, to - first) }, (_, i) => first + i)
    const people = await Promise.all(numbers.map((n) => person(world, n < due ? seam : undefined, n)))
    const puts = people.map((user) => ({ PutRequest: { Item: itemFromUser(user) } }))
    await client.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: puts } }))
  })
}

/** `seam`: their client session is one of Seam's, and was retired. */
async function person(
  { addresses }: VendingWorld,
  seam: ReturnType<typeof seamClient> | undefined,
  n: number,
): Promise<User> {
  const sub = `person-${n}`
  const who = { owner: ownerOf(`main|${sub}`), subject: `main|${sub}`, iss: addresses.issuer, sub }
  const key = `${prefix}_${who.owner}_${randomUUID()}`
  const expires_at = Date.now() + terms.lifetime
  const asked = { user_identifier_key: key, connected_account_ids: [], expires_at }
  const { client_session_id } = (await seam?.getOrCreate(asked, soon())) ?? {
    client_session_id: randomUUID(),
  }
  const newKey = { key, generation: terms.generation }
  const by = { lease_owner: 'bench', now: before, times, asked_until: expires_at, newKey }
  const claimed = claim(newUser(who, before), shared, by)
  const answer = { client_session_id, sealed_token: 'x'.repeat(300), created_at: before, expires_at }
  const live = commit(claimed, shared, answer, [])
  const user = seam === undefined ? live : retireAll(live, before)
  const due_at = dueAt(user, terms)
  return { ...user, revision: randomUUID(), ...(due_at !== undefined && { due_at }) }
}

const readPages = ({ addresses }: VendingWorld, command: 'list' | 'export') =>
  inWorker<PagesRead>('./pages.ts', { addresses, command } satisfies PagesOrder)

async function cleanUp(
  world: VendingWorld,
  { users, due }: { users: number; due: number },
): Promise<Cleanup> {
  const { addresses } = world
  const atStart = { ...counted(world), seam: callsAtSeam(world) }
  const order: OneRun = {
    dynamoDb: addresses.dynamoDb,
    tableName: addresses.tableName,
    seam: addresses.seam,
    apiKey: addresses.seamApiKey,
    terms,
  }
  const { found, heap, seconds } = await inWorker<CleanupReport>('../functions/cleanup/one-run.ts', order)
  const after = counted(world)
  const ended = found.ended.let_go ?? 0
  return {
    users,
    due,
    ended,
    reads: (after.reads - atStart.reads) / ended,
    queries: (after.queries - atStart.queries) / ended,
    writes: (after.writes - atStart.writes) / ended,
    seamCalls: (callsAtSeam(world) - atStart.seam) / ended,
    heap,
    seconds,
  }
}

/** Its message, and the MB of its heap at the highest. */
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

function counted({ dynamoDb: { counts } }: VendingWorld) {
  const of = (...names: string[]) => names.reduce((sum, name) => sum + (counts[name]?.received ?? 0), 0)
  return {
    reads: of('GetItem'),
    queries: of('Query', 'Scan'),
    writes: of('PutItem', 'UpdateItem', 'DeleteItem'),
  }
}

const callsAtSeam = ({ seam }: VendingWorld) =>
  Object.values(seam.counts).reduce((sum, { received }) => sum + received, 0)
