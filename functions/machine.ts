import type { Context } from 'hono'
import { vendingApp } from './app.ts'
import { callerVerifier } from './caller.ts'
import { type Edges, verdictCarrier } from './carrying-out.ts'
import { userChanger } from './change.ts'
import { type Configuration, termsOf } from './config.ts'
import { keyFinder } from './keys.ts'
import type { Log } from './log.ts'
import type { Seal } from './seal.ts'
import type { Seam } from './seam.ts'
import type { Table } from './table.ts'
import type { Times } from './times.ts'
import { signerOut, tokenVendor } from './vending.ts'
import { workspaceKnower } from './workspace.ts'

/** The outside worlds, as an entry or the local world provides them. */
export interface Worlds {
  table: Table
  seam: Seam
  seal: Seal
  fetch: typeof fetch
  clock: () => number
  uuid: () => string
  random: () => number
  sleep: (ms: number) => Promise<void>
  log: Log
  requestId: (c: Context) => string
}

/** The parts put together: the same for Lambda and for the local world. */
export function vendingMachine(
  configuration: Configuration,
  times: Times,
  worlds: Worlds,
  { loopback = false } = {},
) {
  const { table, seam, seal, clock, uuid } = worlds
  const terms = termsOf(configuration, times)
  const change = userChanger({ compareAndSet: table.compareAndSet, uuid }, terms)
  const workspace = workspaceKnower({ table, seam, uuid, deployment: configuration.deployment })
  const edges: Edges = { ...worlds, readUser: table.readUser, change, workspace, seal }
  const carryOut = verdictCarrier(edges, terms)
  const findKeys = keyFinder({ store: table, fetch: worlds.fetch, clock, times, loopback })
  const verifyCaller = callerVerifier({ issuers: configuration.issuers, findKeys, clock })
  const acting = { table, change, carryOut, clock }
  const app = vendingApp(configuration, times, {
    ...worlds,
    verifyCaller,
    vend: tokenVendor(acting, terms, configuration),
    signOut: signerOut(acting, configuration),
  })
  return { app, terms, change, carryOut, workspace }
}
