import { GetItemCommand } from '@aws-sdk/client-dynamodb'
import { tableClient } from '../../functions/clients.ts'
import { times } from '../../functions/times.ts'

// One read of the table with the SDK, as bundled, and without it, as in the vend function: microseconds of CPU, in turn.

const rounds = Number(process.argv[2])
const { client, getItem } = tableClient(times, Date.now)
const input = {
  TableName: process.env.TABLE_NAME,
  Key: { item: { S: 'user#nobody' } },
  ConsistentRead: true,
}
const ways = {
  sdk: () => client.send(new GetItemCommand(input)),
  async without() {
    if ((await getItem(input)) === undefined) throw new Error('this read was left to the SDK')
  },
}
const taken = { sdk: [], without: [] }
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
