import { once } from 'node:events'
import { type Addresses, machineOver } from './machine-over.ts'
import { ask } from './vending-world.ts'

/**
 * A process of its own that vends: it is sent an order, says `ready`, and with the next message sends all requests at
 * once; says the answers.
 */
export interface Order {
  addresses: Addresses
  /** How far this process's clock is ahead, ms. */
  ahead?: number
  requests: { token: string; method?: string; body?: unknown }[]
}

const [{ addresses, requests, ahead = 0 }] = (await once(process, 'message')) as [Order]
const machine = machineOver(addresses, { clock: () => Date.now() + ahead })
process.send?.('ready')
await once(process, 'message')
const answers = await Promise.all(requests.map((request) => ask(machine, request)))
const said = answers.map(({ status, body }) => ({ status, body }))
process.send?.(said, () => process.exit())
