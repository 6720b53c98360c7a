import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type Addresses, machineOver } from './machine-over.ts'
import { ask } from './vending-world.ts'

/**
 * A process of its own that vends: reads one line of JSON, says `ready`, and with the next line sends all
 * requests at once; answers with one line of JSON.
 */
export interface Order {
  addresses: Addresses
  /** How far this process's clock is ahead, ms. */
  ahead?: number
  requests: { token: string; method?: string; body?: unknown }[]
}

const lines = createInterface({ input: process.stdin })
const [first] = (await once(lines, 'line')) as [string]
const { addresses, requests, ahead = 0 } = JSON.parse(first) as Order
const machine = machineOver(addresses, { clock: () => Date.now() + ahead })
process.stdout.write('ready\n')
await once(lines, 'line')
const answers = await Promise.all(requests.map((request) => ask(machine, request)))
process.stdout.write(`${JSON.stringify(answers.map(({ status, body }) => ({ status, body })))}\n`)
process.exit(0)
