import type { Context } from 'hono'
import { accountKeeper } from './accounts/accounts.ts'
import { callerAdmitter } from './admission.ts'
import { connectApp, vendingApp, webhookApp } from './app.ts'
import { callerVerifier } from './caller/caller.ts'
import { keyFinder } from './caller/keys.ts'
import { type Edges, verdictCarrier } from './carrying-out.ts'
import { userChanger } from './change.ts'
import type { Configuration } from './config.ts'
import { statusReader, webviewMaker } from './connecting.ts'
import type { Deadline } from './deadline.ts'
import type { AuditLog, Log, MappingChange } from './log.ts'
import { accountConnector } from './ownership.ts'
import type { Seal } from './seal.ts'
import type { Seam } from './seam.ts'
import { timed } from './steps.ts'
import { webhookVerifier } from './svix.ts'
import type { WebviewTable } from './table/accounts.ts'
import type { Table } from './table/table.ts'
import type { Times } from './times.ts'
import { signerOut, tokenVendor } from './vending.ts'
import { termsOf } from './verdict.ts'
import { eventHandler } from './webhook-events.ts'
import { workspaceKnower } from './workspace.ts'

/** The outside worlds, as an entry or the local world provides them. */
export interface Worlds {
  table: Table & WebviewTable
  seam: Seam
  seal: Seal
  clock: () => number
  uuid: () => string
  random: () => number
  sleep: (ms: number) => Promise<void>
  log: Log
  /** Told of each change of a mapping that Seam leads to, subject in clear: its log must be for few eyes. */
  auditLog?: AuditLog
  requestId: (c: Context) => string
}

/** What callers of client sessions meet, put together: the same for Lambda and for the local world. */
export function vendingMachine(
  configuration: Configuration,
  times: Times,
  worlds: Worlds & { fetch: typeof fetch },
  { loopback = false } = {},
) {
  const { table, clock } = worlds
  const acting = partsOf(configuration, times, worlds)
  const { timing } = acting
  const findKeys = keyFinder({ store: table, fetch: worlds.fetch, clock, times, loopback })
  const app = vendingApp(configuration, times, {
    ...acting,
    verifyCaller: timing('verify', callerVerifier({ issuers: configuration.issuers, findKeys, clock })),
    vend: tokenVendor(acting, acting.terms, configuration),
    signOut: signerOut(acting, configuration),
  })
  const { terms, change, carryOut, workspace } = acting
  return {
    app,
    terms,
    change,
    carryOut,
    workspace,
    /** What other processes have left in the table, read before anybody asks; what cannot be had now, is had then. */
    async recall(): Promise<void> {
      await Promise.allSettled([workspace.recall(), ...configuration.issuers.map(findKeys.recall)])
    },
  }
}

/** What callers meet who connect an account of theirs. */
export function connectMachine(
  configuration: Configuration,
  times: Times,
  worlds: Worlds & { fetch: typeof fetch },
  { loopback = false } = {},
) {
  const { table, clock } = worlds
  const acting = partsOf(configuration, times, worlds)
  const { timing } = acting
  // Key sets are a trust anchor, which only the vend function may write.
  const store = { readKeySet: table.readKeySet, writeKeySet: async () => {} }
  const findKeys = keyFinder({ store, fetch: worlds.fetch, clock, times, loopback })
  const admit = callerAdmitter(acting, times, configuration)
  const connectAccount = accountConnector({ ...acting, keeper: acting.keeperFor('connect') }, times)
  const app = connectApp(configuration, times, {
    ...acting,
    verifyCaller: timing('verify', callerVerifier({ issuers: configuration.issuers, findKeys, clock })),
    makeWebview: webviewMaker({ ...acting, admit }, times, configuration.limits),
    readStatus: statusReader({ ...acting, connectAccount }, times, configuration),
  })
  return { app }
}

/** What Seam's webhooks meet. `readSecrets`: the value of the webhook secrets' secret. */
export function webhookMachine(
  configuration: Configuration,
  times: Times,
  worlds: Worlds & { readSecrets: (how: { fresh: boolean }, deadline: Deadline) => Promise<string> },
) {
  const acting = partsOf(configuration, times, worlds)
  const connectAccount = accountConnector({ ...acting, keeper: acting.keeperFor('connect') }, times)
  const { accountDeleted } = acting.keeperFor('account_deleted')
  const app = webhookApp(times, {
    ...acting,
    verifyWebhook: webhookVerifier(worlds),
    handleEvent: eventHandler({ ...acting, connectAccount, accountDeleted }, times),
  })
  return { app }
}

function partsOf(configuration: Configuration, times: Times, untimed: Worlds) {
  const worlds = timed(untimed)
  const { table, clock } = worlds
  const terms = termsOf(configuration, times)
  const change = userChanger({ ...worlds, compareAndSet: table.compareAndSet }, terms)
  const workspace = workspaceKnower({ ...worlds, deployment: configuration.deployment })
  const edges: Edges = { ...worlds, readUser: table.readUser, change, workspace }
  const carryOut = verdictCarrier(edges, terms)
  /** Grants and withdraws, and tells the audit log that `act` did. */
  function keeperFor(act: string) {
    const noteChange = (change: MappingChange) =>
      worlds.auditLog?.({ what: 'account', act, by: 'seam', ...change })
    return accountKeeper({ table, change, carryOut, clock, noteChange }, terms, configuration.limits)
  }
  return { ...worlds, terms, change, workspace, carryOut, keeperFor }
}
