import type { Context } from 'hono'
import type { AccountDeps } from './accounts/change.ts'
import { connectApp, identityEventsApp, vendingApp, webhookApp } from './app.ts'
import { callerVerifier, type VerifyCaller } from './caller/caller.ts'
import { type KeyStore, keyFinder } from './caller/keys.ts'
import { type CleanUp, cleanUp } from './cleanup/run.ts'
import type { CleanupDeps } from './cleanup/tally.ts'
import type { Configuration } from './config.ts'
import type { WebhookSecretDeps } from './connecting/signature.ts'
import type { AuditLog, Log } from './http/audit.ts'
import { timed } from './http/steps.ts'
import { type Administer, administer } from './operator/administrator.ts'
import { newBreakers } from './seam/breaker.ts'
import type { Seam } from './seam/client.ts'
import { workspaceReader } from './seam/workspace.ts'
import type { Seal } from './session/seal.ts'
import { termsOf } from './session/terms.ts'
import type { Table } from './table/table.ts'
import type { Times } from './times.ts'

/** The parts put together: the same for Lambda, for the local world and for the tests. */

/** The outside clients, as an entry or the local world provides them. */
export interface Clients {
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

export interface CallerClients extends Clients {
  fetch: typeof fetch
  /** Plain http is for loopback addresses, in the local world. */
  loopback?: boolean
  version?: string
}

/** What callers of client sessions meet. */
export function wireVend(configuration: Configuration, times: Times, clients: CallerClients) {
  // Its log is no audit log, so no subject may stand there in clear. Key sets are written here alone.
  const deps = callerDepsOf(configuration, times, { ...clients, auditLog: undefined }, clients.table)
  /** What other processes have left in the table, read before anybody asks; what is unavailable now, is read then. */
  const recall = () => Promise.allSettled([deps.workspace.recall(), deps.recallKeys()])
  return { app: vendingApp(deps), deps, recall }
}

/** What callers meet who connect an account of theirs. */
export function wireConnect(configuration: Configuration, times: Times, clients: CallerClients) {
  return { app: connectApp(callerDepsOf(configuration, times, clients)) }
}

/** What Seam's webhooks meet. `readSecrets`: the value of the webhook secrets' secret. */
export function wireWebhook(
  configuration: Configuration,
  times: Times,
  clients: Clients & WebhookSecretDeps,
) {
  const { readSecrets } = clients
  return { app: webhookApp({ ...depsOf(configuration, times, clients), readSecrets }) }
}

/** What identity providers meet. */
export function wireIdentityEvents(configuration: Configuration, times: Times, clients: CallerClients) {
  const deps = callerDepsOf(configuration, times, clients)
  const noteChange: AccountDeps['noteChange'] = (change) =>
    clients.auditLog?.({ what: 'account', act: 'identity_event', by: 'provider', ...change })
  return { app: identityEventsApp({ ...deps, noteChange }), recall: deps.recallKeys }
}

/** What the operator asks for: whoever changes a mapping is logged, subject in clear. */
export function wireAdmin(
  configuration: Configuration,
  times: Times,
  clients: Omit<CallerClients, 'requestId'> & { auditLog: AuditLog },
): Administer {
  const { auditLog } = clients
  const deps = callerDepsOf(configuration, times, { ...clients, requestId: () => '' })
  return (event, request) => administer({ ...deps, auditLog }, event, request)
}

/** The scheduled run. */
export function wireCleanup(
  configuration: Configuration,
  times: Times,
  clients: Omit<CleanupDeps, 'terms' | 'rate'>,
): CleanUp {
  const deps = { ...clients, terms: termsOf(configuration, times), rate: configuration.cleanup }
  return (order) => cleanUp(deps, order)
}

/** Key sets are a trust anchor, which only the vend function may write. */
function onlyReading({ readKeySet }: KeyStore): KeyStore {
  return { readKeySet, writeKeySet: async () => {} }
}

function callerDepsOf(
  configuration: Configuration,
  times: Times,
  clients: CallerClients,
  store = onlyReading(clients.table),
) {
  const deps = depsOf(configuration, times, clients)
  const { issuers } = configuration
  const { fetch, clock, loopback } = clients
  const findKeys = keyFinder({ store, fetch, clock, times, loopback })
  const verifyCaller: VerifyCaller = deps.timing('verify', callerVerifier({ issuers, findKeys, clock }))
  const recallKeys = () => Promise.allSettled(issuers.map(findKeys.recall))
  return { ...deps, findKeys, verifyCaller, recallKeys }
}

function depsOf(configuration: Configuration, times: Times, untimed: Clients) {
  const clients = timed(untimed)
  const noteChange: AccountDeps['noteChange'] = (change, act) =>
    clients.auditLog?.({ what: 'account', act, by: 'seam', ...change })
  return {
    ...clients,
    configuration,
    terms: termsOf(configuration, times),
    accountsPerUser: configuration.limits.accountsPerUser,
    workspace: workspaceReader({ ...clients, deployment: configuration.deployment }),
    breakers: newBreakers(),
    noteChange,
  }
}
