import { randomUUID } from 'node:crypto'
import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { sideBySide } from '../../functions/seam/rate-limit.ts'
import { localDynamoDbClient } from '../../infra/local/dynamodb.ts'
import { adminOver, callerOf } from '../functions/operator/world.ts'
import { startVendingWorld, type VendingWorld } from '../functions/vending-world.ts'
import { ratios, spread } from './statistics.ts'

/**
 * An import of new users, and the first edition's beside it.
 * @param size `firstEdition`: a folder with its last commit, installed
 */
export async function benchImporting(size: { rounds: number; users: number; firstEdition?: string }) {
  const { rounds, users, firstEdition } = size
  const ours: Awaited<ReturnType<typeof importUsers>>[] = []
  const theirs: number[] = []
  const world = await startVendingWorld()
  try {
    // A short one first, so that the code is warm in both.
    for (let round = -1; round < rounds; round++) {
      const count = round < 0 ? 100 : users
      ours.push(await importUsers(world, count, round))
      // It is slower.
      if (firstEdition) theirs.push(await ofFirstEdition(firstEdition, Math.ceil(count / 4)))
    }
  } finally {
    await world.close()
  }
  const rates = ours.slice(1).map(({ usersPerSecond }) => usersPerSecond)
  return {
    users,
    usersPerSecond: spread(rates),
    /** Requests that the import makes in a second, over the plain writes that the engine takes. */
    ofEngine: spread(ours.slice(1).map(({ ofEngine }) => ofEngine)),
    ...(firstEdition && { firstEdition: { ratio: ratios(rates, theirs.slice(1)) } }),
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
    const other = results.find(({ outcome }) => outcome !== 'created')
    if (other !== undefined) throw new Error(`an import came to ${other.outcome}`)
  }
  const seconds = (performance.now() - startedAt) / 1000
  const made = requests(world) - before
  close()
  return { usersPerSecond: count / seconds, ofEngine: (await writePlainly(world, made)) / seconds }
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
  Object.values(counts).reduce((total, { received }) => total + received, 0)
