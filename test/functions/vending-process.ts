import { once } from 'node:events'
import { type Times, times as usual } from '../../functions/times.ts'
import { ask } from './ask.ts'
import { type Addresses, wireOver } from './wiring.ts'

/**
 * A process of its own that vends: it is sent an order, says `ready`, and with the next message sends all requests at
 * once; says the answers.
 */
export interface Order {
  addresses: Addresses
  /** How far this process's clock is ahead, ms. */
  ahead?: number
  times?: Times
  requests: { token: string; method?: string; body?: unknown }[]
}

const [{ addresses, requests, ahead = 0, times = usual }] = (await once(process, 'message')) as [Order]
const machine = wireOver(addresses, { times, clock: () => Date.now() + ahead })
process.send?.('ready')
await once(process, 'message')
const answers = await Promise.all(requests.map((request) => ask(machine, request)))
const said = answers.map(({ status, body }) => ({ status, body }))
process.send?.(said, () => process.exit())
