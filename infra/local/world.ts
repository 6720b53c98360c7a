import { randomUUID } from 'node:crypto'
import { getRequestListener } from '@hono/node-server'
import { grantAccounts } from '../../functions/accounts/acts.ts'
import type { AccountDeps } from '../../functions/accounts/change.ts'
import { ownerOf, subjectNamespace } from '../../functions/caller/owner.ts'
import type { CleanupReport } from '../../functions/cleanup/report.ts'
import type { CleanUp } from '../../functions/cleanup/run.ts'
import {
  type Configuration,
  type ConfigurationInput,
  type Issuer,
  readConfiguration,
} from '../../functions/config.ts'
import type { Log } from '../../functions/http/audit.ts'
import { freshFetch } from '../../functions/http/connections.ts'
import { deadlineIn } from '../../functions/http/deadline.ts'
import { sealingKeysFrom, tokenSealer } from '../../functions/session/seal.ts'
import { vendingTable } from '../../functions/table/table.ts'
import { times } from '../../functions/times.ts'
import {
  type Clients,
  wireAdmin,
  wireConnect,
  wireIdentityEvents,
  wireVend,
  wireWebhook,
} from '../../functions/wiring.ts'
import { packageVersion } from '../stack/release.ts'
import { auditWriter } from './audit-file.ts'
import { cleaningSchedule, endKilledRun, localCleaner } from './cleaning.ts'
import { CliError } from './cli-error.ts'
import { createTable, worldDynamoDbClient } from './dynamodb.ts'
import { clearFolder, type Folder, takeFolder } from './folder.ts'
import type { IdentityProvider } from './identity-provider.ts'
import { listen, PortTaken } from './loopback.ts'
import { type Memory, openMemory } from './memory.ts'
import { oneApi } from './one-api.ts'
import { Watcher } from './page/watching.ts'
import { clientOf, type Parts, type PartsOptions, startParts } from './parts.ts'
import type { SeamUser } from './seam/state.ts'
import type { LocalSeam } from './seam/workspace.ts'
import { removeWorldFile, type WorldFile, writeWorldFile } from './world-file.ts'

export interface WorldOptions extends PartsOptions {
  /** Keeps the state; no other world may run on it. */
  folder: string
  /** The API's; absent or 0 = any free one. */
  port?: number
  /** Instead of the built-in one, which trusts the local identity provider. */
  configuration?: Configuration
  /** What the built-in one says otherwise. */
  adjust?: Partial<ConfigurationInput>
  /** A page elsewhere on this machine, under development, that may call as well. */
  origin?: string
  /** Begins anew: deletes first what an earlier run has kept. */
  reset?: boolean
  log?: Log
  /** Gets the report of each scheduled cleanup. */
  cleaned?: (report: CleanupReport) => void
}

export interface World {
  /** What `world.json` says. */
  file: WorldFile
  identityProvider: IdentityProvider
  /** Absent when Seam is a real workspace. */
  seam: LocalSeam | undefined
  /** Cleans up once, beside the schedule. */
  cleanUp: CleanUp
  close(): Promise<void>
}

type AtEnd = (end: () => unknown) => void

/**
 * The whole service on one machine: the API that runs on Lambda, and around it a DynamoDB engine, a Seam
 * workspace, an identity provider and a page. Resolves when all of it is up.
 * @throws CliError
 */
export async function startWorld(options: WorldOptions): Promise<World> {
  const ends: (() => unknown)[] = []
  const close = async () => {
    for (const end of ends.splice(0).reverse()) await end()
  }
  try {
    return { ...(await start(options, (end) => ends.push(end))), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function start(options: WorldOptions, atEnd: AtEnd): Promise<Omit<World, 'close'>> {
  const { folder, memory } = await openFolder(options, atEnd)
  const origins = new Set<string>()
  const parts = await startParts(options, folder, memory, origins, atEnd)
  const { identityProvider, workspace } = parts
  const configuration = localConfiguration(parts, options)
  for (const origin of configuration.allowedOrigins) origins.add(origin)

  const watcher = new Watcher()
  const { table: unwatched, ...records } = await openTable(parts, atEnd)
  const table = watcher.over('table', unwatched)
  const seam = watcher.over('seam', clientOf(workspace))
  const clients = depsOf({ table, seam }, watcher, folder, memory, options.log)
  const service = serviceOf(configuration, clients, watcher)
  if (workspace.local) await endKilledRun(table)

  /** The local identity provider, if the configuration trusts it: only its subjects are known beforehand. */
  const issuer = configuration.issuers.find((one) => one.issuer === identityProvider.issuer)
  const users = issuer === undefined ? [] : workspace.users
  if (issuer !== undefined) {
    identityProvider.audience = issuer.audiences[0] ?? identityProvider.audience
    // Once: what an operator has taken away since must not come back with a restart.
    const what = `${records.tableName}|${subjectNamespace(issuer)}`
    await memory.once(what, records.isNew, () => giveAccounts(service.deps, users, issuer))
  }

  const api = await serveApi(service.answer, options.port ?? 0, origins, atEnd)
  if (workspace.local !== undefined) service.subscribe(workspace.local, api)
  const [audience] = issuer?.events?.audiences ?? []
  if (audience !== undefined) identityProvider.receiver = { url: `${api}/identity-events`, audience }
  const subs = users.map(({ sub }) => sub)
  const file = worldFileOf(parts, configuration, { api, table: records.tableName, users: subs })
  await writeWorldFile(folder.path, file)
  atEnd(() => removeWorldFile(folder.path))
  const cleaner = localCleaner(configuration, { table, seamApiKey: workspace.apiKey })
  const { cleanUp, end } = cleaningSchedule(cleaner, configuration.cleanup, options.cleaned ?? (() => {}))
  atEnd(end)
  const { local, endpoint } = workspace
  const { administer } = service
  const facts = { api, issuer: file.issuer, seam: endpoint, users: subs, configuration }
  const operator = issuer && { issuer, table, administer, seam, local, cleanUp, watcher }
  parts.page.show({ facts: { ...facts, ...(issuer && { operator: true }) }, watcher, operator })
  return { file, identityProvider, seam: local, cleanUp }
}

async function openFolder(options: WorldOptions, atEnd: AtEnd): Promise<{ folder: Folder; memory: Memory }> {
  const folder = await takeFolder(options.folder)
  atEnd(folder.release)
  if (options.reset) await clearFolder(folder)
  await removeWorldFile(folder.path)
  return { folder, memory: await openMemory(folder.file('memory.json')) }
}

async function openTable({ dynamoDb, workspace }: Parts, atEnd: AtEnd) {
  const client = worldDynamoDbClient(dynamoDb)
  atEnd(() => client.destroy())
  // A table belongs to one workspace for good, so another workspace gets another one.
  const tableName = `token-vending-${workspace.workspace_id}`
  const isNew = await createTable(client, tableName)
  return { table: vendingTable({ client, tableName }), tableName, isNew }
}

function depsOf(
  clients: Pick<Clients, 'table' | 'seam'>,
  watcher: Watcher,
  folder: Folder,
  memory: Memory,
  log: Log = () => {},
): Clients {
  const sealingKeys = sealingKeysFrom(memory.sealingKeySecret)
  return {
    ...clients,
    seal: tokenSealer(async () => sealingKeys),
    clock: Date.now,
    uuid: randomUUID,
    random: Math.random,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    log(audit) {
      watcher.note(audit)
      log(audit)
    },
    auditLog: auditWriter(folder.path),
    requestId: () => randomUUID(),
  }
}

/** The functions' apps at one address, and what the operator's page needs beside them. */
function serviceOf(configuration: Configuration, deps: Clients, watcher: Watcher) {
  const options = { loopback: true }
  const callers = { ...deps, fetch: watcher.over('issuer', freshFetch(Date.now)) }
  const vend = wireVend(configuration, times, callers, { ...options, version: packageVersion() })
  const connect = wireConnect(configuration, times, callers, options)
  const secrets: string[] = []
  const readSecrets = async () => JSON.stringify(secrets)
  const webhook = wireWebhook(configuration, times, { ...deps, readSecrets })
  const { auditLog = () => {} } = deps
  const identityEvents = wireIdentityEvents(configuration, times, callers, options)
  const { fetch: answer } = oneApi({ vend, connect, webhook, identityEvents })
  return {
    answer: (request: Request) => watcher.during(() => answer(request)),
    /** From now on the local Seam tells what happens there. */
    subscribe({ webhooks }: LocalSeam, api: string): void {
      secrets.push(webhooks.add(`${api}/webhooks/seam`).secret())
    },
    deps: vend.deps,
    /** What the operator's page acts with. */
    administer: wireAdmin(configuration, times, { ...callers, auditLog }, options),
  }
}

function worldFileOf(
  { dynamoDb, dynamoDbControl, identityProvider, page, workspace }: Parts,
  configuration: Configuration,
  { api, table, users }: { api: string; table: string; users: string[] },
): WorldFile {
  const { issuers } = configuration
  const shown = issuers.find(({ issuer }) => issuer === identityProvider.issuer) ?? issuers[0]
  const { endpoint: seam, apiKey, local } = workspace
  return {
    api,
    page: page.url,
    issuer: shown?.issuer ?? '',
    audience: shown?.audiences[0] ?? '',
    seam,
    ...(local && { seam_api_key: apiKey, seam_control: local.control, users }),
    ...dynamoDb,
    dynamodb_control: dynamoDbControl,
    table,
    configuration,
  }
}

/** The page may call the API whatever the configuration says: this world is what the page is there to show. */
function localConfiguration(parts: Parts, { configuration: chosen, adjust, origin }: WorldOptions) {
  const { identityProvider, page, workspace } = parts
  const { issuer, audience } = identityProvider
  const events = { audiences: ['page'], kinds: ['backchannel-logout', 'security-events'] }
  const configuration =
    chosen ??
    readConfiguration(
      {
        deployment: 'local',
        issuers: [{ name: 'local', issuer, audiences: [audience], sessionClaim: '/sid', events }],
        allowedOrigins: [page.url],
        unknownSubjects: 'provision',
        ...adjust,
      },
      { loopback: true },
    )
  return {
    ...configuration,
    allowedOrigins: [...new Set([...configuration.allowedOrigins, ...(origin ? [origin] : []), page.url])],
    seamEndpoint: workspace.endpoint,
  }
}

async function giveAccounts(deps: AccountDeps, users: SeamUser[], issuer: Issuer): Promise<void> {
  for (const { sub, connected_account_ids } of users) {
    const subject = `${subjectNamespace(issuer)}|${sub}`
    const who = { owner: ownerOf(subject), subject, iss: issuer.issuer, sub }
    await grantAccounts(deps, who, connected_account_ids, deadlineIn(times.vend, Date.now))
  }
}

async function serveApi(
  answer: (request: Request) => Response | Promise<Response>,
  port: number,
  origins: ReadonlySet<string>,
  atEnd: AtEnd,
): Promise<string> {
  const server = await listen(port, 'the API', (origin) => origins.has(origin)).catch((error: unknown) => {
    if (!(error instanceof PortTaken)) throw error
    throw new CliError(`${error.message} Or set PORT to another; 0 takes any that is free.`)
  })
  atEnd(server.close)
  server.serve(getRequestListener(answer))
  return server.url
}
