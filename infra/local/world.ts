import { grantAccounts } from '../../functions/accounts/acts.ts'
import type { AccountDeps } from '../../functions/accounts/change.ts'
import { ownerOf, subjectNamespace } from '../../functions/caller/owner.ts'
import type { CleanupReport } from '../../functions/cleanup/report.ts'
import {
  type Configuration,
  type ConfigurationInput,
  type Issuer,
  readConfiguration,
} from '../../functions/config.ts'
import type { Log } from '../../functions/http/audit.ts'
import { deadlineIn } from '../../functions/http/deadline.ts'
import { type Table, vendingTable } from '../../functions/table/table.ts'
import { times } from '../../functions/times.ts'
import {
  wireAdmin,
  wireCleanup,
  wireConnect,
  wireIdentityEvents,
  wireVend,
  wireWebhook,
} from '../../functions/wiring.ts'
import { packageVersion } from '../stack/release.ts'
import { cleaningSchedule, endKilledRun } from './cleaning.ts'
import { CliError } from './cli-error.ts'
import { callAdminOf, localClients } from './clients.ts'
import { createTable, worldDynamoDbClient } from './dynamodb.ts'
import { removeWorldFile, type WorldFile, writeWorldFile } from './files.ts'
import { clearFolder, takeFolder } from './folder.ts'
import { listen, PortTaken } from './loopback.ts'
import { oneApi } from './one-api.ts'
import { Watcher } from './page/watching.ts'
import { type Parts, type PartsOptions, startParts } from './parts.ts'
import type { SeamUser } from './seam/state.ts'

export interface WorldOptions extends PartsOptions {
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

export type World = Awaited<ReturnType<typeof startWorld>>

type AtEnd = (end: () => unknown) => void

/**
 * The whole service on one machine: the API that runs on Lambda, and around it a DynamoDB engine, a Seam
 * workspace, an identity provider and a page. Resolves when all of it is up.
 * @throws CliError
 */
export async function startWorld(options: WorldOptions) {
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

async function start(options: WorldOptions, atEnd: AtEnd) {
  const { folder } = options
  atEnd(await takeFolder(folder))
  if (options.reset) await clearFolder(folder)
  await removeWorldFile(folder)
  /** Of pages that may call. */
  const origins = new Set<string>()
  const parts = await startParts(options, origins, atEnd)
  const { identityProvider, local, page, sealingKeySecret, workspace } = parts
  const configuration = localConfiguration(parts, options)
  for (const origin of configuration.allowedOrigins) origins.add(origin)
  const table = await openTable(parts.records, atEnd)
  if (local) await endKilledRun(table)
  const server = await listenForApi(options.port ?? 0, origins)
  atEnd(server.close)
  const api = server.url

  const watcher = new Watcher()
  const log: Log = (audit) => {
    watcher.note(audit)
    options.log?.(audit)
  }
  const own = { folder, sealingKeySecret, log }
  const secrets = local ? [local.webhooks.add(`${api}/webhooks/seam`).secret()] : []
  const service = serviceOf(configuration, localClients(table, workspace, own), watcher, secrets)

  /** The local identity provider, if the configuration trusts it: only its subjects are known beforehand. */
  const issuer = configuration.issuers.find((one) => one.issuer === identityProvider.issuer)
  const users = (issuer && local?.users) ?? []
  const subs = users.map(({ sub }) => sub)
  if (issuer !== undefined) {
    identityProvider.audience = issuer.audiences[0] ?? identityProvider.audience
    const [audience] = issuer.events?.audiences ?? []
    if (audience !== undefined) identityProvider.receiver = { url: `${api}/identity-events`, audience }
    await giveAccounts(service.deps, users, issuer)
  }
  server.serveFetch(service.answer)

  const file = { api, ...worldFileOf(parts, configuration, issuer), ...(local && { users: subs }) }
  await writeWorldFile(folder, file)
  atEnd(() => removeWorldFile(folder))
  const { cleanUp, end } = cleaningSchedule(service.cleanUp, configuration.cleanup, options.cleaned)
  atEnd(end)
  const { administer } = service
  const operator = issuer && { issuer, administer, local, cleanUp, watcher, table }
  const facts = { api, issuer: file.issuer, seam: file.seam, users: subs, configuration }
  page.show({ facts: { ...facts, ...(issuer && { operator: true }) }, watcher, operator })
  const callAdmin = callAdminOf(administer, 'local world')
  /** `file`: `world.json`; `seam`: absent when it is a real workspace; `cleanUp`: once, beside the schedule. */
  return { file, identityProvider, seam: local, cleanUp, callAdmin }
}

async function listenForApi(port: number, origins: ReadonlySet<string>) {
  try {
    return await listen(port, 'the API', (origin) => origins.has(origin))
  } catch (error) {
    if (!(error instanceof PortTaken)) throw error
    throw new CliError(`${error.message} Or set PORT to another; 0 takes any that is free.`)
  }
}

async function openTable(records: Parts['records'], atEnd: AtEnd): Promise<Table> {
  const client = worldDynamoDbClient(records)
  const tableName = records.table
  atEnd(() => client.destroy())
  await createTable(client, tableName)
  return vendingTable({ client, tableName })
}

/** The functions' apps at one address, and what acts in the world beside them. */
function serviceOf(
  configuration: Configuration,
  unwatched: ReturnType<typeof localClients>,
  watcher: Watcher,
  webhookSecrets: string[],
) {
  const clients = {
    ...unwatched,
    table: watcher.over('table', unwatched.table),
    seam: watcher.over('seam', unwatched.seam),
    fetch: watcher.over('issuer', unwatched.fetch),
    version: packageVersion(),
  }
  const readSecrets = async () => JSON.stringify(webhookSecrets)
  const vend = wireVend(configuration, times, clients)
  const { fetch: answer } = oneApi({
    vend,
    connect: wireConnect(configuration, times, clients),
    webhook: wireWebhook(configuration, times, { ...clients, readSecrets }),
    identityEvents: wireIdentityEvents(configuration, times, clients),
  })
  return {
    deps: vend.deps,
    answer: (request: Request) => watcher.during(() => answer(request)),
    administer: wireAdmin(configuration, times, clients),
    cleanUp: wireCleanup(configuration, times, clients),
  }
}

function worldFileOf(
  { local, page, records, workspace }: Parts,
  configuration: Configuration,
  trusted: Issuer | undefined,
): Omit<WorldFile, 'api' | 'users'> {
  const shown = trusted ?? configuration.issuers[0]
  return {
    page: page.url,
    issuer: shown?.issuer ?? '',
    audience: shown?.audiences[0] ?? '',
    seam: workspace.url,
    ...(local && { seam_api_key: local.apiKey, seam_control: local.control }),
    ...records,
    configuration,
  }
}

/** The page may call the API whatever the configuration says: this world is what the page is there to show. */
function localConfiguration(
  { identityProvider, page, workspace }: Parts,
  { configuration: chosen, adjust, origin }: WorldOptions,
) {
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
    seamEndpoint: workspace.url,
  }
}

/** Once: what an operator has taken away since must not come back with a restart. */
async function giveAccounts(deps: AccountDeps, users: SeamUser[], issuer: Issuer): Promise<void> {
  for (const { sub, connected_account_ids } of users) {
    const subject = `${subjectNamespace(issuer)}|${sub}`
    const who = { owner: ownerOf(subject), subject, iss: issuer.issuer, sub }
    const isKnown = (await deps.table.readUser(who.owner)) !== undefined
    if (!isKnown) await grantAccounts(deps, who, connected_account_ids, deadlineIn(times.vend, Date.now))
  }
}
