import { callerVerifier } from '../caller/caller.ts'
import { keyFinder } from '../caller/keys.ts'
import { verdictCarrier } from '../carrying-out.ts'
import { userChanger } from '../change.ts'
import type { Configuration } from '../config.ts'
import type { AuditLog, Log } from '../log.ts'
import type { Seal } from '../seal.ts'
import type { Seam } from '../seam.ts'
import { timed } from '../steps.ts'
import type { OperatorTable } from '../table/operator.ts'
import type { Table } from '../table/table.ts'
import type { Times } from '../times.ts'
import { termsOf } from '../verdict.ts'
import { workspaceKnower } from '../workspace.ts'
import { type Administer, administrator } from './administrator.ts'

/** The outside worlds, as the Lambda entry or the command line provides them. */
export interface AdminWorlds {
  table: Table & OperatorTable
  seam: Seam
  seal: Seal
  fetch: typeof fetch
  clock: () => number
  uuid: () => string
  random: () => number
  sleep: (ms: number) => Promise<void>
  log: Log
  auditLog: AuditLog
}

/** The parts put together: the same for Lambda and for the local world. */
export function adminMachine(
  configuration: Configuration,
  times: Times,
  untimed: AdminWorlds,
  { loopback = false } = {},
): Administer {
  const worlds = timed(untimed)
  const { table, clock } = worlds
  const terms = termsOf(configuration, times)
  const change = userChanger({ ...worlds, compareAndSet: table.compareAndSet }, terms)
  const workspace = workspaceKnower({ ...worlds, deployment: configuration.deployment })
  const carryOut = verdictCarrier({ ...worlds, readUser: table.readUser, change, workspace }, terms)
  // Key sets are a trust anchor, which only the vend function may write.
  const store = { readKeySet: table.readKeySet, writeKeySet: async () => {} }
  const findKeys = keyFinder({ store, fetch: worlds.fetch, clock, times, loopback })
  const verifyCaller = callerVerifier({ issuers: configuration.issuers, findKeys, clock })
  return administrator({ ...worlds, terms, change, carryOut, workspace, verifyCaller }, configuration)
}
