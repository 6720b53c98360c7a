import { randomUUID } from 'node:crypto'
import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { sideBySide } from '../../functions/seam/rate-limit.ts'
import { localDynamoDbClient } from '../../infra/local/dynamodb.ts'
import { adminOver, callerOf } from '../functions/operator/world.ts'
import { startVendingWorld, type VendingWorld } from '../functions/vending-world.ts'
import { ratios, type Spread, spread } from './statistics.ts'

/** An import of new users, and the first edition's beside it where there is a worktree of it. */
export interface Importing {
  users: number
  usersPerSecond: Spread
  requestsPerUser: number
  /** Requests that the import makes in a second, over the plain writes that the engine takes. */
  ofEngine: Spread
  firstEdition?: { usersPerSecond: Spread; ratio: Spread }
}

/** `firstEdition`: a folder with its last commit, installed. */
export async function benchImporting(size: {
  rounds: number
  users: number
  usersOfFirst: number
  firstEdition: string | undefined
}): Promise<Importing> {
  const { rounds, users, usersOfFirst, firstEdition } = size
  const ours: Awaited<ReturnType<typeof importUsers>>[] = []
  const first: number[] = []
  const world = await startVendingWorld()
  try {
    // A short one first, so that the code is warm in both.
    for (let round = -1; round < rounds; round++) {
      const one = await importUsers(world, round < 0 ? 100 : users, round)
      const theirs = firstEdition && (await ofFirstEdition(firstEdition, round < 0 ? 20 : usersOfFirst))
      if (round < 0) continue
      ours.push(one)
      if (theirs) first.push(theirs)
    }
  } finally {
    await world.close()
  }
  const rates = ours.map(({ usersPerSecond }) => usersPerSecond)
  return {
    users,
    usersPerSecond: spread(rates),
    requestsPerUser: spread(ours.map(({ requestsPerUser }) => requestsPerUser)).median,
    ofEngine: spread(ours.map(({ ofEngine }) => ofEngine)),
    ...(first.length > 0 && { firstEdition: { usersPerSecond: spread(first), ratio: ratios(rates, first) } }),
  }
}

/** Users per second, as the first edition's own benchmark measures them. */
async function ofFirstEdition(folder: string, imported: number): Promise<number> {
  const { benchAtSize } = await import(`${folder}/test/bench/at-size.ts`)
  const found = await benchAtSize({ users: 0, due: 0, imported })
  return found.import.usersPerSecond
}

/** As many in each call as the command line sends. */
const piece = 100

async function importUsers(world: VendingWorld, count: number, round: number) {
  const { administer, close } = adminOver(world.addresses)
  const callAdmin = callerOf(administer)
  const users = Array.from({ length: count }, (_, n) => ({
    subject: `main|imported-${round}-${n}`,
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
  const plainSeconds = await writePlainly(world, made)
  return {
    usersPerSecond: count / seconds,
    requestsPerUser: made / count,
    ofEngine: plainSeconds / seconds,
  }
}

/** What the engine takes when nobody thinks in between: seconds for as many plain writes, sixteen at once. */
async function writePlainly({ addresses }: VendingWorld, count: number): Promise<number> {
  const client = localDynamoDbClient(addresses.dynamoDb)
  const startedAt = performance.now()
  await sideBySide(Array(count).keys(), 16, async (n) => {
    const Item = { item: { S: `plain#${n}` }, text: { S: 'x'.repeat(300) } }
    await client.send(new PutItemCommand({ TableName: addresses.tableName, Item }))
  })
  client.destroy()
  return (performance.now() - startedAt) / 1000
}

const requests = ({ dynamoDb: { counts } }: VendingWorld) =>
  Object.values(counts).reduce((sum, one) => sum + (one?.received ?? 0), 0)
