import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Log } from '../../functions/http/audit.ts'
import { freshFetch } from '../../functions/http/connections.ts'
import { deadlineIn } from '../../functions/http/deadline.ts'
import type { Administer } from '../../functions/operator/administrator.ts'
import { adminCaller, type CallAdmin } from '../../functions/operator/client.ts'
import { seamClient } from '../../functions/seam/client.ts'
import { sealingKeysFrom, tokenSealer } from '../../functions/session/seal.ts'
import type { Table } from '../../functions/table/table.ts'
import { times } from '../../functions/times.ts'
import type { CallerClients } from '../../functions/wiring.ts'
import { auditWriter } from './files.ts'

export interface SeamAccess {
  url: string
  apiKey: string
}

export const workspaceClient = ({ url, apiKey }: SeamAccess) =>
  seamClient({ endpoint: url, apiKey: async () => apiKey, times, fetch: freshFetch(Date.now) })

/** What the functions act with in a local world: its own process, and commands beside it. */
export function localClients(
  table: Table,
  workspace: SeamAccess,
  { folder, sealingKeySecret, log = () => {} }: { folder: string; sealingKeySecret: string; log?: Log },
) {
  const sealingKeys = sealingKeysFrom(sealingKeySecret)
  return {
    table,
    seam: workspaceClient(workspace),
    seal: tokenSealer(async () => sealingKeys),
    fetch: freshFetch(Date.now),
    loopback: true,
    clock: Date.now,
    uuid: randomUUID,
    random: Math.random,
    sleep: (ms: number) => wait(ms),
    requestId: () => randomUUID(),
    log,
    auditLog: auditWriter(folder),
  } satisfies CallerClients
}

/** The operator's commands, carried out in this process. */
export const callAdminOf = (administer: Administer, by: string): CallAdmin =>
  adminCaller({
    by,
    async send(payload) {
      const request = { requestId: randomUUID(), deadline: deadlineIn(times.admin, Date.now) }
      return JSON.stringify(await administer(JSON.parse(payload), request))
    },
  })
