import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Changes, type ClientSession, clientSessionStore } from './client-sessions.ts'
import { type FakeSeam, startFake } from './fake.ts'
import { type AccountWish, households, spareAccounts } from './homes.ts'
import { plainReadings, type Readings } from './readings.ts'
import { seamRoutes } from './routes.ts'
import { readState, type SavedWorkspace, type SeamUser, stateKeeper } from './state.ts'
import {
  type Answer,
  type Call,
  corsHeaders,
  newRequestId,
  Refusal,
  readCall,
  refused,
  send,
} from './wire.ts'

export type SessionSnapshot = ClientSession & { live: boolean }
export type PathCounts = { received: number; changes: number }

export type LocalSeam = {
  /** Base URL, on 127.0.0.1. */
  url: string
  apiKey: string
  workspaceId: string
  publishableKey: string
  /** Who has accounts with devices from the start. */
  users: SeamUser[]
  /** Connected accounts with a device each, that nobody has. */
  spareAccountIds: string[]
  /** Per path: calls received (preflights are none) and changes made, also by calls whose client had left. */
  counts: Record<string, PathCounts>
  /** May be changed at any time. */
  readings: Readings
  /** Every client session ever made, how it ended, and whether its token works now. */
  sessions: () => SessionSnapshot[]
  /** @returns the new connected account's id */
  addAccount: (wish?: Partial<AccountWish>) => string
  deleteAccount: (connected_account_id: string) => void
  close: () => Promise<void>
}

type Options = {
  /** 0 = any free one. */
  port?: number
  /** Where the workspace is kept between runs, written before each answer; absent: only in memory. */
  stateFile?: string
  /** Epoch milliseconds; what expires, expires by this clock. */
  clock?: () => number
  readings?: Partial<Readings>
  apiKey?: string
}

/**
 * A Seam workspace on one machine: Seam's own fake, and in front of it what the fake lacks.
 * @throws Error when the port is taken or the state file is damaged; its message says what to do
 */
export const startSeam = async ({
  port = 0,
  stateFile,
  clock = Date.now,
  readings: chosen,
  apiKey,
}: Options = {}): Promise<LocalSeam> => {
  const saved = stateFile === undefined ? undefined : readState(stateFile)
  const readings: Readings = { ...plainReadings, ...chosen }
  const counts: Record<string, PathCounts> = {}
  const countsOf = (path: string) => (counts[path] ??= { received: 0, changes: 0 })

  const server = createServer()
  await listening(server, port)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const fake = await startFake(url, { apiKey, saved: saved?.seam, clock })
  if (saved === undefined) fake.updateWorkspace({ is_publishable_key_auth_enabled: false })
  const { users, spareAccountIds } = residents(fake, saved)

  const changes: Changes = { count: 0 }
  const store = clientSessionStore({
    workspace: {
      workspace_id: fake.workspace_id,
      knowsAccount: fake.knowsAccount,
      deviceCount: (accounts) => accounts.reduce((sum, account) => sum + fake.devicesOf(account).length, 0),
    },
    readings,
    clock,
    rows: saved?.client_sessions ?? [],
    changes,
  })
  const save =
    stateFile === undefined
      ? async () => {}
      : stateKeeper(stateFile, () => ({
          version: 1,
          users,
          spare_account_ids: spareAccountIds,
          client_sessions: store.rows(),
          seam: fake.snapshot(),
        }))
  await save()

  const answerTo = seamRoutes({ fake, store, changes })

  /** The call with its effect; what changed is kept before anybody hears of it. */
  const perform = async (call: Call): Promise<Answer> => {
    const { answer, changed } = await answerTo(call)
    if (!changed) return answer
    countsOf(call.path).changes++
    await save()
    return answer
  }

  server.on('request', async (request, response) => {
    const requestId = newRequestId()
    const headers = { ...corsHeaders(request.headers.origin), 'seam-request-id': requestId }
    const reply = (answer: Answer) =>
      send(response, { ...answer, headers: { ...answer.headers, ...headers } }, clock())
    if (request.method === 'OPTIONS') return reply({ status: 204, headers: {}, body: '' })
    try {
      const call = await readCall(request)
      countsOf(call.path).received++
      reply(await perform(call))
    } catch (error) {
      reply(refused(error instanceof Refusal ? error : broken, requestId))
    }
  })

  return {
    url,
    apiKey: fake.api_key,
    workspaceId: fake.workspace_id,
    publishableKey: fake.workspace().publishable_key,
    users,
    spareAccountIds,
    counts,
    readings,
    sessions: () => store.rows().map((row) => ({ ...structuredClone(row), live: store.isLive(row) })),
    addAccount: (wish = {}) => fake.addAccount({ ...newcomer, ...wish }),
    deleteAccount: (connected_account_id) => {
      fake.deleteAccount(connected_account_id)
      store.dropAccount(connected_account_id)
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
      await save()
    },
  }
}

/** A path the local Seam cannot answer is a bug of ours: nothing of it leaves, nor does a secret. */
const broken = new Refusal(500, 'internal_error', 'The local Seam failed')

const newcomer: AccountWish = {
  provider: 'august',
  email: 'newcomer@example.com',
  devices: [{ name: 'Side Door', device_type: 'august_lock' }],
}

const residents = (fake: FakeSeam, saved: SavedWorkspace | undefined) =>
  saved === undefined
    ? {
        users: households.map(({ sub, accounts }) => ({
          sub,
          connected_account_ids: accounts.map(fake.addAccount),
        })),
        spareAccountIds: spareAccounts.map(fake.addAccount),
      }
    : { users: saved.users, spareAccountIds: saved.spare_account_ids }

const listening = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        'code' in error && error.code === 'EADDRINUSE'
          ? new Error(`Port ${port} is taken, so the local Seam cannot start there. Choose another port.`)
          : error,
      ),
    )
    server.listen(port, '127.0.0.1', resolve)
  })
