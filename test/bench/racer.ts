import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type Addresses, machineOver } from '../functions/machine-over.ts'
import { ask } from '../functions/vending-world.ts'

/** A process of its own that vends: warms up, says `ready`, and with the next line sends its requests at once. */
export interface RaceOrder {
  addresses: Addresses
  warmUpTokens: string[]
  token: string
  requests: number
}

export interface Finish {
  status: number
  /** Epoch milliseconds. */
  startedAt: number
  answeredAt: number
  waits: number
}

const lines = createInterface({ input: process.stdin })
const [first] = (await once(lines, 'line')) as [string]
const { addresses, warmUpTokens, token, requests } = JSON.parse(first) as RaceOrder
const waits = new Map<string, number>()
const machine = machineOver(addresses, { log: (audit) => waits.set(audit.request_id, audit.waits ?? 0) })
await Promise.all(warmUpTokens.map((warm) => ask(machine, { token: warm })))
waits.clear()
process.stdout.write('ready\n')
await once(lines, 'line')
const now = () => performance.timeOrigin + performance.now()
const finishes = await Promise.all(
  Array.from({ length: requests }, async (): Promise<Finish> => {
    const startedAt = now()
    const { status, headers } = await ask(machine, { token })
    const answeredAt = now()
    return { status, startedAt, answeredAt, waits: waits.get(headers.get('x-request-id') ?? '') ?? 0 }
  }),
)
process.stdout.write(`${JSON.stringify(finishes)}\n`, () => process.exit(0))
