import { randomUUID } from 'node:crypto'
import { getRequestListener } from '@hono/node-server'
import { grantAccounts } from '../../functions/accounts/acts.ts'
import type { AccountDeps } from '../../functions/accounts/change.ts'
import { subjectNamespace } from '../../functions/caller/claims.ts'
import { ownerOf } from '../../functions/caller/owner.ts'
import type { CleanupReport } from '../../functions/cleanup/report.ts'
import type { CleanUp } from '../../functions/cleanup/run.ts'
import { type Configuration, type Issuer, readConfiguration } from '../../functions/config.ts'
import { deadlineIn } from '../../functions/deadline.ts'
import type { Log } from '../../functions/log.ts'
import { connectMachine, vendingMachine, type Worlds } from '../../functions/machine.ts'
import { sealingKeysFrom, tokenSealer } from '../../functions/seal.ts'
import { seamClient } from '../../functions/seam.ts'
import { vendingTable } from '../../functions/table/table.ts'
import { times } from '../../functions/times.ts'
import { auditWriter } from './audit-file.ts'
import { cleaningSchedule, localCleaner } from './cleaning.ts'
import { createTable, worldDynamoDbClient } from './dynamodb.ts'
import { takeFolder } from './folder.ts'
import type { IdentityProvider } from './identity-provider.ts'
import { listen, PortTaken } from './loopback.ts'
import { openMemory } from './memory.ts'
import { oneApi } from './one-api.ts'
import { operator } from './page/operator.ts'
import { watcher as startWatcher } from './page/watching.ts'
import { type Parts, type PartsOptions, startParts } from './parts.ts'
import type { SeamUser } from './seam/state.ts'
import type { LocalSeam } from './seam/workspace.ts'
import { Trouble } from './trouble.ts'
import { localWebhook } from './webhook.ts'
import { removeWorldFile, type WorldFile, writeWorldFile } from './world-file.ts'

export interface WorldOptions extends PartsOptions {
  /** Keeps the state; no other world may run on it. */
  folder: string
  /** The API's; absent or 0 = any free one. */
  port?: number
  /** Instead of the built-in one, which trusts the local identity provider. */
  configuration?: Configuration
  /** A page elsewhere on this machine, under development, that may call as well. */
  origin?: string
  log?: Log
  /** Is told what each scheduled run of cleaning up came to. */
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
 * @throws Trouble
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
  const folder = await takeFolder(options.folder)
  atEnd(folder.release)
  await removeWorldFile(folder.path)
  const memory = await openMemory(folder.file('memory.json'))
  const origins = new Set<string>()
  const parts = await startParts(options, folder, memory, origins, atEnd)
  const { dynamoDbFaults, dynamoDbAccessKeyId, identityProvider, page, workspace } = parts
  const dynamoDb = { dynamodb: dynamoDbFaults.endpoint, dynamodb_access_key_id: dynamoDbAccessKeyId }

  const client = worldDynamoDbClient(dynamoDb)
  atEnd(() => client.destroy())
  // A table belongs to one workspace for good, so another workspace gets another one.
  const tableName = `token-vending-${workspace.workspace_id}`
  const isNewTable = await createTable(client, tableName)
  const watcher = startWatcher()
  const table = watcher.over('table', vendingTable({ client, tableName }))

  const configuration = localConfiguration(parts, options)
  for (const origin of configuration.allowedOrigins) origins.add(origin)
  const seam = watcher.over(
    'seam',
    seamClient({ endpoint: workspace.endpoint, apiKey: async () => workspace.apiKey, times }),
  )
  const sealingKeys = sealingKeysFrom(memory.sealingKeySecret)
  const worlds: Worlds = {
    table,
    seam,
    seal: tokenSealer(async () => sealingKeys),
    clock: Date.now,
    uuid: randomUUID,
    random: Math.random,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    log(audit) {
      watcher.note(audit)
      options.log?.(audit)
    },
    auditLog: auditWriter(folder.path),
    requestId: () => randomUUID(),
  }
  const callers = { ...worlds, fetch: watcher.over('issuer', fetch) }
  const machine = vendingMachine(configuration, times, callers, { loopback: true })
  const connect = connectMachine(configuration, times, callers, { loopback: true })
  const webhook = localWebhook(configuration, worlds)

  /** The local identity provider, if the configuration trusts it: only its subjects are known beforehand. */
  const local = configuration.issuers.find(({ issuer }) => issuer === identityProvider.issuer)
  const users = local === undefined ? [] : workspace.users
  if (local !== undefined) {
    identityProvider.audience = local.audiences[0] ?? identityProvider.audience
    // Once: what an operator has taken away since must not come back with a restart.
    const namespace = subjectNamespace(local)
    await memory.once(`${tableName}|${namespace}`, isNewTable, () => giveAccounts(machine.deps, users, local))
  }

  const [first] = configuration.issuers
  const { fetch: answerOf } = oneApi({ vend: machine.app, connect: connect.app, webhook: webhook.app })
  const answer: Answer = (request) => watcher.during(() => answerOf(request))
  const api = await serveApi(answer, options.port ?? 0, origins, atEnd)
  if (workspace.local !== undefined) webhook.subscribe(workspace.local, api)
  const file: WorldFile = {
    api,
    page: page.url,
    issuer: (local ?? first)?.issuer ?? '',
    audience: (local ?? first)?.audiences[0] ?? '',
    seam: workspace.endpoint,
    ...(workspace.local !== undefined && {
      seam_api_key: workspace.apiKey,
      seam_control: workspace.local.control,
    }),
    ...dynamoDb,
    dynamodb_control: dynamoDbFaults.control ?? '',
    table: tableName,
    configuration,
    ...(workspace.local !== undefined && { users: users.map(({ sub }) => sub) }),
  }
  await writeWorldFile(folder.path, file)
  atEnd(() => removeWorldFile(folder.path))
  const cleanUp = localCleaner(configuration, { table, seamApiKey: workspace.apiKey })
  const subs = users.map(({ sub }) => sub)
  page.show(
    {
      api,
      issuer: identityProvider.issuer,
      seam: workspace.endpoint,
      users: subs,
      ...(local !== undefined && { operator: true }),
    },
    {
      watcher,
      operator:
        local &&
        operator({
          issuer: local,
          users: subs,
          deps: machine.deps,
          seam,
          local: workspace.local,
          cleanUp,
          watcher,
        }),
    },
  )
  atEnd(cleaningSchedule(cleanUp, configuration.cleanup, options.cleaned ?? (() => {})).end)
  return { file, identityProvider, seam: workspace.local, cleanUp }
}

/** The page may call the API whatever the configuration says: this world is what the page is there to show. */
function localConfiguration(parts: Parts, { configuration: chosen, origin }: WorldOptions) {
  const { identityProvider, page, workspace } = parts
  const { issuer, audience } = identityProvider
  const configuration =
    chosen ??
    readConfiguration(
      {
        deployment: 'local',
        issuers: [{ name: 'local', issuer, audiences: [audience], sessionClaim: '/sid' }],
        allowedOrigins: [page.url],
        unknownSubjects: 'provision',
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

type Answer = (request: Request) => Response | Promise<Response>

async function serveApi(answer: Answer, port: number, origins: ReadonlySet<string>, atEnd: AtEnd) {
  const mayCall = (origin: string) => origins.has(origin)
  const server = await listen(port, 'the API', mayCall).catch((error: unknown) => {
    if (!(error instanceof PortTaken)) throw error
    throw new Trouble(`${error.message} Or set PORT to another; 0 takes any that is free.`)
  })
  atEnd(server.close)
  server.serve(getRequestListener(answer))
  return server.url
}
