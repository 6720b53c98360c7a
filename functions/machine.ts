import type { Context } from 'hono'
import type { AccountDeps } from './accounts/change.ts'
import { connectApp, vendingApp, webhookApp } from './app.ts'
import { callerVerifier, type VerifyCaller } from './caller/caller.ts'
import { type KeyStore, keyFinder } from './caller/keys.ts'
import type { Configuration } from './config.ts'
import type { Deadline } from './deadline.ts'
import type { AuditLog, Log } from './log.ts'
import { patience } from './patience.ts'
import type { Seal } from './seal.ts'
import type { Seam } from './seam.ts'
import { termsOf } from './session/terms.ts'
import { timed } from './steps.ts'
import { webhookVerifier } from './svix.ts'
import type { Table } from './table/table.ts'
import type { Times } from './times.ts'
import { workspaceKnower } from './workspace.ts'

/** The parts put together: the same for Lambda, for the local world and for the tests. */

/** The outside worlds, as an entry or the local world provides them. */
export interface Worlds {
  table: Table
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

export type Caching = Worlds & { fetch: typeof fetch }

/** What callers of client sessions meet. */
export function vendingMachine(
  configuration: Configuration,
  times: Times,
  worlds: Caching,
  options: { loopback?: boolean } = {},
) {
  // Its log is no audit log, so no subject may stand there in clear.
  const { auditLog: _auditLog, ...unaudited } = worlds
  const deps = depsOf(configuration, times, unaudited)
  const { verifyCaller, recall } = callers(deps, worlds, worlds.table, options)
  return {
    app: vendingApp(configuration, times, { ...deps, verifyCaller }),
    deps,
    /** What other processes have left in the table, read before anybody asks; what is unavailable now, is read then. */
    async recall(): Promise<void> {
      await Promise.allSettled([deps.workspace.recall(), recall()])
    },
  }
}

/** What callers meet who connect an account of theirs. */
export function connectMachine(
  configuration: Configuration,
  times: Times,
  worlds: Caching,
  options: { loopback?: boolean } = {},
) {
  const deps = depsOf(configuration, times, worlds)
  const { verifyCaller } = callers(deps, worlds, onlyReading(worlds.table), options)
  return { app: connectApp(configuration, times, { ...deps, verifyCaller }) }
}

/** What Seam's webhooks meet. `readSecrets`: the value of the webhook secrets' secret. */
export function webhookMachine(
  configuration: Configuration,
  times: Times,
  worlds: Worlds & { readSecrets: (how: { fresh: boolean }, deadline: Deadline) => Promise<string> },
) {
  const deps = depsOf(configuration, times, worlds)
  return { app: webhookApp(times, { ...deps, verifyWebhook: webhookVerifier(worlds) }) }
}

/** Key sets are a trust anchor, which only the vend function may write. */
export function onlyReading({ readKeySet }: KeyStore): KeyStore {
  return { readKeySet, writeKeySet: async () => {} }
}

export function callers(
  { configuration, terms, clock, timing }: ReturnType<typeof depsOf>,
  worlds: { fetch: typeof fetch },
  store: KeyStore,
  { loopback = false }: { loopback?: boolean },
): { verifyCaller: VerifyCaller; recall: () => Promise<unknown> } {
  const { issuers } = configuration
  const findKeys = keyFinder({ store, fetch: worlds.fetch, clock, times: terms.times, loopback })
  return {
    verifyCaller: timing('verify', callerVerifier({ issuers, findKeys, clock })),
    recall: () => Promise.allSettled(issuers.map(findKeys.recall)),
  }
}

export function depsOf(configuration: Configuration, times: Times, untimed: Worlds) {
  const worlds = timed(untimed)
  const noteChange: AccountDeps['noteChange'] = (change, act) =>
    worlds.auditLog?.({ what: 'account', act, by: 'seam', ...change })
  return {
    ...worlds,
    configuration,
    terms: termsOf(configuration, times),
    accountsPerUser: configuration.limits.accountsPerUser,
    workspace: workspaceKnower({ ...worlds, deployment: configuration.deployment }),
    patience: patience(times),
    noteChange,
  }
}
