import { randomUUID } from 'node:crypto'
import { ownerOf } from '../../functions/caller/owner.ts'
import type { ConfigurationInput } from '../../functions/config.ts'
import { type Audit, jsonLog } from '../../functions/http/audit.ts'
import { deadlineIn } from '../../functions/http/deadline.ts'
import { newUser, type User } from '../../functions/record/user.ts'
import { grant } from '../../functions/record/writes.ts'
import { vendingTable } from '../../functions/table/table.ts'
import type { Times } from '../../functions/times.ts'
import { createTable, localDynamoDbClient } from '../../infra/local/dynamodb.ts'
import { type DynamoDbFaults, startDynamoDbFaults } from '../../infra/local/dynamodb-faults.ts'
import { type LocalSeam, startSeam } from '../../infra/local/seam/workspace.ts'
import { startDynamoDb } from '../dynamodb.ts'
import { type FailingProvider, startFailingProvider } from '../identity-provider.ts'
import { passed, wrote } from '../leaks.ts'
import { patient } from './patient.ts'
import { type Addresses, type Machine, wireOver } from './wiring.ts'

export { type Answer, ask } from './ask.ts'

/** Everything a request meets, on one machine, with a clock that can be moved. */
export interface VendingWorld {
  seam: LocalSeam
  identityProvider: FailingProvider
  table: ReturnType<typeof vendingTable>
  /** In front of the engine: counts what arrives, and fails on purpose. */
  dynamoDb: DynamoDbFaults
  log: Audit[]
  /** Every log line as written. */
  lines: string[]
  clock: { now: () => number; advance: (ms: number) => void }
  /** What another process needs to vend from the same worlds. */
  addresses: Addresses
  machine: Machine
  /** Another process on the same worlds: nothing remembered. */
  another: (changes?: {
    configuration?: Partial<ConfigurationInput>
    times?: Times
    clock?: () => number
    sleep?: (ms: number) => Promise<void>
  }) => Machine
  token: (sub: string, claims?: Record<string, unknown>) => Promise<string>
  /** A record for this subject at the main issuer, with these accounts. */
  record: (sub: string, accountIds: string[]) => Promise<User>
  user: (sub: string) => Promise<User | undefined>
  close: () => Promise<void>
}

export const ownerOfSub = (sub: string) => ownerOf(`main|${sub}`)

export async function startVendingWorld(
  options: {
    configuration?: Partial<ConfigurationInput>
    engine?: 'dynoxide' | 'dynalite'
    times?: Times
  } = {},
): Promise<VendingWorld> {
  let ahead = 0
  const clock = {
    now: () => Date.now() + ahead,
    advance: (ms: number) => {
      ahead += ms
    },
  }
  const engine = await startDynamoDb(options.engine ? { engine: options.engine } : {})
  const proxy = await startDynamoDbFaults({ endpoint: engine.endpoint })
  const client = localDynamoDbClient(proxy.endpoint, { maxAttempts: 2 })
  const tableName = `vending-${randomUUID()}`
  await createTable(client, tableName)
  const table = vendingTable({ client, tableName })
  const origins = new Set(options.configuration?.allowedOrigins)
  const seam = await startSeam({ clock: clock.now, origins })
  const identityProvider = await startFailingProvider({ clock: clock.now, origins })
  const sealingKey = JSON.stringify({ current: randomUUID() })
  passed(sealingKey)
  const log: Audit[] = []
  const lines: string[] = []
  const write = jsonLog((line) => {
    lines.push(line)
    wrote(line)
  })

  const addresses: Addresses = {
    dynamoDb: proxy.endpoint,
    tableName,
    seam: seam.url,
    seamApiKey: seam.apiKey,
    issuer: identityProvider.issuer,
    audience: identityProvider.audience,
    sealingKey,
  }
  const another: VendingWorld['another'] = ({
    configuration,
    times = options.times ?? patient,
    ...time
  } = {}) =>
    wireOver(addresses, {
      configuration: { ...options.configuration, ...configuration },
      times,
      clock: clock.now,
      ...time,
      log: (audit) => {
        log.push(audit)
        write(audit)
      },
    })

  return {
    seam,
    identityProvider,
    table,
    dynamoDb: proxy,
    log,
    lines,
    clock,
    addresses,
    machine: another(),
    another,
    async token(sub, claims = {}) {
      return identityProvider.sign({ sub, ...claims })
    },
    async record(sub, accountIds) {
      const who = { owner: ownerOfSub(sub), subject: `main|${sub}`, iss: identityProvider.issuer, sub }
      const user = { ...grant(newUser(who, clock.now()), accountIds, clock.now()), revision: randomUUID() }
      await table.compareAndSet(user.owner, undefined, user)
      return user
    },
    user: (sub) => table.readUser(ownerOfSub(sub)),
    async close() {
      client.destroy()
      await Promise.all([seam.close(), identityProvider.close(), proxy.close()])
      await engine.close()
    },
  }
}

/** What a browser with this token sees at Seam. */
export async function devicesOf(seam: LocalSeam, token: string): Promise<string[]> {
  const response = await fetch(`${seam.url}/devices/list`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{}',
  })
  if (response.status !== 200) throw new Error(`Seam answered ${response.status}`)
  const { devices } = (await response.json()) as { devices: { device_id: string }[] }
  return devices.map(({ device_id }) => device_id).sort()
}

export const soon = () => deadlineIn(patient.vend, Date.now)
