import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ownerOf } from '../../functions/caller/owner.ts'
import type { ConfigurationInput } from '../../functions/config.ts'
import type { Fault } from './seam/faults.ts'
import type { World } from './world.ts'

/** The whole service for the tests of others, in their process: on free ports, in a folder that `stop` deletes. */

export type { Fault }

export interface TestWorldOptions {
  /** Your page's, which may then call: `http://localhost:5173`. */
  origin?: string
  /** More of the configuration than its issuer, which is the world's. */
  configuration?: Partial<Omit<ConfigurationInput, 'issuers' | 'deployment' | 'seamEndpoint'>>
}

export interface TestWorld {
  /** The API's, for `clientSession({ url })`. */
  url: string
  /** The identity provider's. `POST /token` with `{ "sub": "ada" }` gives pages of `origin` a bearer token. */
  issuer: string
  /** A page that shows what the machine does. */
  page: string
  seam: { url: string; break(fault: Fault): void; heal(): void }
  /** A bearer token, with claims to add or, as `null`, to leave out. Ada, grace and alan have devices from the start. */
  signIn(sub: string, claims?: Record<string, unknown>): Promise<string>
  /** Without an account: a new one with a lock. Returns its id. */
  grant(sub: string, accountId?: string): Promise<string>
  /** Without an account: all of them. */
  withdraw(sub: string, accountId?: string): Promise<void>
  /** Seam accepts this client session token no longer. */
  expire(token: string): void
  /** The client sessions at Seam that were made for this user, the oldest first. */
  sessions(sub: string): TestSession[]
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface TestSession {
  client_session_id: string
  token: string
  connected_account_ids: string[]
  expires_at: string
  /** Whether its token works now. */
  live: boolean
}

const peers = ['dynalite', '@seamapi/fake-seam-connect']

export async function startWorld({ origin, configuration }: TestWorldOptions = {}): Promise<TestWorld> {
  const missing = peers.filter((name) => !isInstalled(name))
  if (missing.length > 0)
    throw new Error(`The local world needs more packages: npm install --save-dev ${missing.join(' ')}`)
  const local = await import('./world.ts')
  const folder = await mkdtemp(join(tmpdir(), 'seam-world-'))
  const removeFolder = () => rm(folder, { recursive: true, force: true })
  const options = { folder, ...(origin && { origin }), ...(configuration && { adjust: configuration }) }
  const world = await local.startWorld(options).catch(async (error) => {
    await removeFolder()
    throw error
  })
  const stop = async () => {
    await world.close()
    await removeFolder()
  }
  return { ...verbsOf(world), stop, [Symbol.asyncDispose]: stop }
}

function verbsOf({ file, identityProvider, seam, callAdmin }: World) {
  if (seam === undefined) throw new Error('There is no local Seam.')
  const change = async (command: 'grant' | 'withdraw', sub: string, ids: string[]) =>
    void (await callAdmin(command, { subject: subjectOf(sub), connected_account_ids: ids }))
  return {
    url: file.api,
    issuer: file.issuer,
    page: file.page,
    seam: {
      url: file.seam,
      break: (fault) => seam.faults.add(fault),
      heal: () => seam.faults.clear(),
    },
    signIn: (sub, claims = {}) => identityProvider.sign({ sub, ...claims }),
    async grant(sub, accountId = seam.addAccount()) {
      await change('grant', sub, [accountId])
      return accountId
    },
    async withdraw(sub, accountId) {
      const { connected_account_ids: all } = await callAdmin('show', { subject: subjectOf(sub) })
      await change('withdraw', sub, accountId === undefined ? all : [accountId])
    },
    expire: seam.expire,
    sessions: (sub) =>
      seam.sessions().filter((row) => row.user_identifier_key?.includes(`_${ownerOf(subjectOf(sub))}_`)),
  } satisfies Omit<TestWorld, 'stop' | typeof Symbol.asyncDispose>
}

/** The built-in configuration calls its issuer so. */
const subjectOf = (sub: string) => `local|${sub}`

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name)
    return true
  } catch {
    return false
  }
}
