import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { read } from './peers/floor.mjs'

// One read of the table with the SDK, as bundled, and with a request signed by hand: microseconds of CPU, in turn.

const rounds = Number(process.argv[2])
const client = new DynamoDBClient({ maxAttempts: 2 })
const TableName = process.env.TABLE_NAME
const ways = {
  sdk: () => client.send(new GetItemCommand({ TableName, Key: { item: { S: 'user#nobody' } } })),
  byHand: () => read('user#nobody'),
}
const taken = { sdk: [], byHand: [] }
const each = 300

for (let round = -3; round < rounds; round++)
  for (const [way, send] of Object.entries(ways)) {
    const before = process.cpuUsage()
    for (let i = 0; i < each; i++) await send()
    const { user, system } = process.cpuUsage(before)
    // The first rounds warm up.
    if (round >= 0) taken[way].push((user + system) / each)
  }
process.stdout.write(JSON.stringify(taken), () => process.exit(0))
