import { randomUUID } from 'node:crypto'
import type { Administer } from '../../../functions/admin/administrator.ts'
import { adminMachine } from '../../../functions/admin/machine.ts'
import { adminCaller, type CallAdmin } from '../../../functions/admin-client.ts'
import { type ConfigurationInput, readConfiguration } from '../../../functions/config.ts'
import { deadlineIn } from '../../../functions/deadline.ts'
import { type AccountAudit, type Audit, jsonLog } from '../../../functions/log.ts'
import { sealingKeysFrom, tokenSealer } from '../../../functions/seal.ts'
import { seamClient } from '../../../functions/seam.ts'
import { vendingTable } from '../../../functions/table.ts'
import { operatorTable } from '../../../functions/table-operator.ts'
import { times } from '../../../functions/times.ts'
import { localDynamoDbClient } from '../../../infra/local/dynamodb.ts'
import { ask, startVendingWorld, type VendingWorld } from '../vending-world.ts'

/** The vending world with an operator in it: what is asked and answered goes through JSON, as at Lambda. */
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

export async function startAdminWorld(configuration: Partial<ConfigurationInput> = {}): Promise<AdminWorld> {
  const world = await startVendingWorld({ configuration })
  const { addresses } = world
  const answers: string[] = []
  const adminLog: Audit[] = []
  const auditLog: AccountAudit[] = []
  const write = jsonLog((line) => world.lines.push(line))

  const client = localDynamoDbClient(addresses.dynamoDb, { maxAttempts: 2 })
  const where = { client, tableName: addresses.tableName }
  const worlds = {
    table: { ...vendingTable(where), ...operatorTable(where) },
    seam: seamClient({ endpoint: addresses.seam, apiKey: async () => addresses.seamApiKey, times }),
    seal: tokenSealer(() => sealingKeysFrom(addresses.sealingKey)),
    fetch,
    clock: world.clock.now,
    uuid: randomUUID,
    random: Math.random,
    sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    log(audit: Audit) {
      adminLog.push(audit)
      write(audit)
    },
    auditLog: (audit: AccountAudit) => void auditLog.push(audit),
  }
  const reconfigured = (changes: Partial<ConfigurationInput>) => {
    const input = {
      deployment: 'test',
      issuers: [{ name: 'main', issuer: addresses.issuer, audiences: [addresses.audience] }],
      allowedOrigins: ['https://app.example'],
      seamEndpoint: addresses.seam,
      ...changes,
    }
    return adminMachine(readConfiguration(input, { loopback: true }), times, worlds, { loopback: true })
  }
  const machine = reconfigured(configuration)
  const administer = (event: unknown, ms: number = times.admin) =>
    machine(event, { requestId: randomUUID(), deadline: deadlineIn(ms, world.clock.now) })

  return {
    ...world,
    administer,
    reconfigured,
    answers,
    adminLog,
    auditLog,
    callAdmin: adminCaller({
      by: 'an operator',
      async send(payload) {
        const answer = JSON.stringify(await administer(JSON.parse(payload)))
        answers.push(answer)
        return answer
      },
    }),
    subjectOf: (sub) => `main|${sub}`,
    async vend(sub) {
      const { status, body } = await ask(world.machine, { token: await world.token(sub) })
      if (status >= 300) throw new Error(`vending answered ${status}`)
      return body.token
    },
    newAccounts: (count) => Array.from({ length: count }, () => world.seam.addAccount()).sort(),
    async close() {
      client.destroy()
      await world.close()
    },
  }
}
