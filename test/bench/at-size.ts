import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { BatchWriteItemCommand, type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
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
import { adminOver, callerOf } from '../functions/operator/world.ts'
import { terms } from '../functions/session/terms.ts'
import { soon, startVendingWorld, type VendingWorld } from '../functions/vending-world.ts'

export interface AtSize {
  cleanup: {
    users: number
    due: number
    ended: number
    /** Requests per client session that was ended, from the index until its key was forgotten. */
    reads: number
    queries: number
    writes: number
    seamCalls: number
    /** MB of heap at its highest. */
    heap: number
    seconds: number
  }
  import: {
    users: number
    usersPerSecond: number
    requestsPerUser: number
    /** Requests that the import makes in a second, over what the engine takes of plain writes. */
    ofEngine: number
  }
}

export async function benchAtSize(size: { users: number; due: number; imported: number }): Promise<AtSize> {
  const world = await startVendingWorld()
  const client = localDynamoDbClient(world.addresses.dynamoDb)
  try {
    return { cleanup: await cleanUp(world, client, size), import: await importUsers(world, client, size) }
  } finally {
    client.destroy()
    await world.close()
  }
}

/** Everybody has a live client session, but those who signed out while Seam was down. */
async function cleanUp(world: VendingWorld, client: DynamoDBClient, size: { users: number; due: number }) {
  const { addresses } = world
  const settings = { workspace_id: world.seam.workspaceId, key_prefix: 'bench-12345678' }
  await world.table.putSettings(settings)
  const seam = seamClient({ endpoint: addresses.seam, apiKey: async () => addresses.seamApiKey, times })
  const before = Date.now() - 2 * times.grace

  async function person(n: number): Promise<User> {
    const sub = `person-${n}`
    const who = { owner: ownerOf(`main|${sub}`), subject: `main|${sub}`, iss: addresses.issuer, sub }
    const key = `${settings.key_prefix}_${who.owner}_${randomUUID()}`
    const isDue = n < size.due
    const expires_at = Date.now() + terms.lifetime
    const made = isDue
      ? await seam.getOrCreate({ user_identifier_key: key, connected_account_ids: [], expires_at }, soon())
      : { client_session_id: randomUUID(), token: '' }
    const claimed = claim(newUser(who, before), shared, {
      lease_owner: 'bench',
      now: before,
      times,
      asked_until: expires_at,
      newKey: { key, generation: terms.generation },
    })
    const answer = {
      client_session_id: made.client_session_id,
      sealed_token: 'x'.repeat(300),
      created_at: before,
      expires_at,
    }
    const live = commit(claimed, shared, answer, [])
    const user = isDue ? retireAll(live, before) : live
    const due_at = dueAt(user, terms)
    return { ...user, revision: randomUUID(), ...(due_at !== undefined && { due_at }) }
  }

  const pages = Array.from({ length: Math.ceil(size.users / 25) }, (_, page) => page * 25)
  await sideBySide(pages, 16, async (first) => {
    const count = Math.min(25, size.users - first)
    const people = await Promise.all(Array.from({ length: count }, (_, i) => person(first + i)))
    const puts = people.map((user) => ({ PutRequest: { Item: itemFromUser(user) } }))
    await client.send(new BatchWriteItemCommand({ RequestItems: { [addresses.tableName]: puts } }))
  })

  const atStart = { ...counted(world), seam: callsAtSeam(world) }
  const startedAt = performance.now()
  const order: OneRun = {
    dynamoDb: addresses.dynamoDb,
    tableName: addresses.tableName,
    seam: addresses.seam,
    apiKey: addresses.seamApiKey,
    terms,
  }
  const worker = new Worker(new URL('../functions/cleanup/one-run.ts', import.meta.url), {
    workerData: order,
  })
  let heap = 0
  const watching = setInterval(async () => {
    const { used_heap_size } = await worker.getHeapStatistics().catch(() => ({ used_heap_size: 0 }))
    heap = Math.max(heap, used_heap_size)
  }, 50)
  const [report] = (await once(worker, 'message')) as [CleanupReport]
  clearInterval(watching)
  await worker.terminate()
  const after = counted(world)
  const ended = report.ended.let_go ?? 0
  return {
    users: size.users,
    due: size.due,
    ended,
    reads: (after.reads - atStart.reads) / ended,
    queries: (after.queries - atStart.queries) / ended,
    writes: (after.writes - atStart.writes) / ended,
    seamCalls: (callsAtSeam(world) - atStart.seam) / ended,
    heap: heap / 2 ** 20,
    seconds: (performance.now() - startedAt) / 1000,
  }
}

/** As many in each call as `npm run admin -- import` sends. */
const piece = 100

async function importUsers(world: VendingWorld, client: DynamoDBClient, size: { imported: number }) {
  const { administer, close } = adminOver(world.addresses)
  const callAdmin = callerOf(administer)
  const users = Array.from({ length: size.imported }, (_, n) => ({
    subject: `main|imported-${n}`,
    connected_account_ids: [randomUUID()],
  }))
  const before = requests(world)
  const startedAt = performance.now()
  for (let first = 0; first < users.length; first += piece) {
    const { results } = await callAdmin('import', { users: users.slice(first, first + piece) })
    const [other] = results.filter(({ outcome }) => outcome !== 'created')
    if (other !== undefined) throw new Error(`an import came to ${other.outcome}`)
  }
  const seconds = (performance.now() - startedAt) / 1000
  const made = requests(world) - before
  close()

  // What the engine takes when nobody thinks in between: the same number of plain writes, as many at once.
  const plainStartedAt = performance.now()
  await sideBySide(Array(made).keys(), 16, async (n) => {
    await client.send(
      new PutItemCommand({
        TableName: world.addresses.tableName,
        Item: { item: { S: `plain#${n}` }, text: { S: 'x'.repeat(300) } },
      }),
    )
  })
  const plainSeconds = (performance.now() - plainStartedAt) / 1000
  return {
    users: size.imported,
    usersPerSecond: size.imported / seconds,
    requestsPerUser: made / size.imported,
    ofEngine: plainSeconds / seconds,
  }
}

function counted({ dynamoDb: { counts } }: VendingWorld) {
  const of = (...names: string[]) => names.reduce((sum, name) => sum + (counts[name]?.received ?? 0), 0)
  return {
    reads: of('GetItem'),
    queries: of('Query', 'Scan'),
    writes: of('PutItem', 'UpdateItem', 'DeleteItem'),
  }
}

const requests = (world: VendingWorld) => Object.values(counted(world)).reduce((sum, count) => sum + count, 0)

const callsAtSeam = ({ seam }: VendingWorld) =>
  Object.values(seam.counts).reduce((sum, { received }) => sum + received, 0)
