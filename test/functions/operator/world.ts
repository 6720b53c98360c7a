import { randomUUID } from 'node:crypto'
import { type ConfigurationInput, readConfiguration } from '../../../functions/config.ts'
import {
  type AccountAudit,
  type Audit,
  type AuditLog,
  jsonLog,
  type Log,
} from '../../../functions/http/audit.ts'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import type { Administer } from '../../../functions/operator/administrator.ts'
import { adminCaller, type CallAdmin } from '../../../functions/operator/client.ts'
import { seamClient } from '../../../functions/seam/client.ts'
import { sealingKeysFrom, tokenSealer } from '../../../functions/session/seal.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import { times } from '../../../functions/times.ts'
import { wireAdmin } from '../../../functions/wiring.ts'
import { localDynamoDbClient } from '../../../infra/local/dynamodb.ts'
import { wrote } from '../../leaks.ts'
import { patient } from '../patient.ts'
import { ask, startVendingWorld, type VendingWorld } from '../vending-world.ts'
import type { Addresses } from '../wiring.ts'

/** The vending world with an operator in it. */
export interface AdminWorld extends VendingWorld {
  callAdmin: CallAdmin
  administer: (event: unknown, ms?: number) => ReturnType<Administer>
  /** The same worlds under another configuration. */
  reconfigured: (changes: Partial<ConfigurationInput>) => Administer
  /** Every answer as its asker got it. */
  answers: string[]
  adminLog: Audit[]
  auditLog: AccountAudit[]
  subjectOf: (sub: string) => string
  /** A client session token vended to this `sub`. */
  vend: (sub: string) => Promise<string>
  newAccounts: (count: number) => string[]
}

/** The admin machine as its entry would put it together, over worlds that are somewhere on this computer. */
export function adminOver(
  addresses: Addresses,
  options: {
    configuration?: Partial<ConfigurationInput>
    clock?: () => number
    log?: Log
    auditLog?: AuditLog
  } = {},
): { administer: Administer; close: () => void } {
  const { clock = Date.now, log = () => {}, auditLog = () => {} } = options
  const client = localDynamoDbClient(addresses.dynamoDb, { maxAttempts: 2 })
  const where = { client, tableName: addresses.tableName }
  const configuration = readConfiguration(
    {
      deployment: 'test',
      issuers: [{ name: 'main', issuer: addresses.issuer, audiences: [addresses.audience] }],
      allowedOrigins: ['https://app.example'],
      seamEndpoint: addresses.seam,
      ...options.configuration,
    },
    { loopback: true },
  )
  const administer = wireAdmin(configuration, times, {
    table: vendingTable(where),
    seam: seamClient({
      endpoint: addresses.seam,
      apiKey: async () => addresses.seamApiKey,
      times: patient,
    }),
    seal: tokenSealer(async () => sealingKeysFrom(addresses.sealingKey)),
    fetch,
    loopback: true,
    clock,
    uuid: randomUUID,
    random: Math.random,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    log,
    auditLog,
  })
  return { administer, close: () => client.destroy() }
}

/** A client of it: what is asked and answered goes through JSON, as at Lambda. */
export function callerOf(administer: Administer, clock = Date.now, heard = (_: string) => {}): CallAdmin {
  return adminCaller({
    by: 'an operator',
    async send(payload) {
      const request = { requestId: randomUUID(), deadline: deadlineIn(times.admin, clock) }
      const answer = JSON.stringify(await administer(JSON.parse(payload), request))
      heard(answer)
      return answer
    },
  })
}

export async function startAdminWorld(configuration: Partial<ConfigurationInput> = {}): Promise<AdminWorld> {
  const world = await startVendingWorld({ configuration })
  const answers: string[] = []
  const adminLog: Audit[] = []
  const auditLog: AccountAudit[] = []
  const write = jsonLog((line) => {
    world.lines.push(line)
    wrote(line)
  })
  const clock = world.clock.now
  const closings: (() => void)[] = []

  const reconfigured = (changes: Partial<ConfigurationInput>) => {
    const { administer, close } = adminOver(world.addresses, {
      configuration: { ...configuration, ...changes },
      clock,
      log(audit) {
        adminLog.push(audit)
        write(audit)
      },
      auditLog: (audit) => auditLog.push(audit),
    })
    closings.push(close)
    return administer
  }
  const machine = reconfigured({})

  return {
    ...world,
    administer: (event, ms = times.admin) =>
      machine(event, { requestId: randomUUID(), deadline: deadlineIn(ms, clock) }),
    reconfigured,
    answers,
    adminLog,
    auditLog,
    callAdmin: callerOf(machine, clock, (answer) => answers.push(answer)),
    subjectOf: (sub) => `main|${sub}`,
    async vend(sub) {
      const { status, body } = await ask(world.machine, { token: await world.token(sub) })
      if (status >= 300) throw new Error(`vending answered ${status}`)
      return body.token
    },
    newAccounts: (count) => Array.from({ length: count }, () => world.seam.addAccount()).sort(),
    async close() {
      for (const close of closings) close()
      await world.close()
    },
  }
}
