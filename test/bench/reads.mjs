import { dynamoDb } from '../../functions/aws/dynamodb.ts'
import { sdkDynamoDb } from '../../functions/aws/dynamodb-sdk.ts'
import { times } from '../../functions/times.ts'

// One read of the table with the SDK, on kept connections, and without it, as in the vend function: microseconds of
// CPU, in turn.

const rounds = Number(process.argv[2])
const input = {
  TableName: process.env.TABLE_NAME,
  Key: { item: { S: 'user#nobody' } },
  ConsistentRead: true,
}
function noteSdk() {
  throw new Error('this read was left to the SDK')
}
const ways = {
  sdk: sdkDynamoDb(times.dynamodb, { keepAlive: true }),
  without: dynamoDb({ environment: process.env, clock: Date.now, noteSdk }, times.dynamodb),
}
const taken = { sdk: [], without: [] }
const each = 300

for (let round = -3; round < rounds; round++)
  for (const [way, client] of Object.entries(ways)) {
    const before = process.cpuUsage()
    for (let i = 0; i < each; i++) await client.getItem(input)
    const { user, system } = process.cpuUsage(before)
    // The first rounds warm up.
    if (round >= 0) taken[way].push((user + system) / each)
  }
process.stdout.write(JSON.stringify(taken), () => process.exit(0))
