import { createServer } from 'node:http'
import type { ConnectWebview } from '@seamapi/types/connect'
import { listen, stopListening } from '../loopback.ts'
import { type Changes, type ClientSession, clientSessionStore } from './client-sessions.ts'
import { connectWebviewStore, type Login } from './connect-webviews.ts'
import { seamControl } from './control.ts'
import { type Delivery, faultDeliverer } from './delivery.ts'
import { eventEmitter } from './events.ts'
import { type FakeSeam, startFake } from './fake.ts'
import { type Faults, faultDrawer } from './faults.ts'
import { type AccountWish, households, spareAccounts } from './homes.ts'
import { plainReadings, type Readings } from './readings.ts'
import { seamRoutes } from './routes.ts'
import { readState, type SavedWorkspace, type SeamUser, stateKeeper } from './state.ts'
import { type Webhooks, webhookSender } from './webhooks.ts'
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
import { answerBender } from './wrong-answers.ts'

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
  faults: Faults
  /** Base URL of the control address, see control.ts. */
  control: string | undefined
  /** Every client session ever made, how it ended, and whether its token works now. */
  sessions: () => SessionSnapshot[]
  /** @returns the new connected account's id */
  addAccount: (wish?: Partial<AccountWish>) => string
  deleteAccount: (connected_account_id: string) => void
  connectWebviews: () => ConnectWebview[]
  /** A person logs in. @returns the connected account's id, a new one unless the same login was there before */
  completeWebview: (connect_webview_id: string, login?: Partial<Login>) => string
  /** A person's login fails. */
  failWebview: (connect_webview_id: string) => void
  webhooks: Webhooks
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
  /** Whether faults and readings can also be set over HTTP. */
  control?: boolean
}

/**
 * A Seam workspace on one machine: Seam's own fake, and in front of it what the fake lacks.
 * @throws Trouble when the port is taken or the state file is damaged; its message says what to do
 */
export const startSeam = async ({
  port = 0,
  stateFile,
  clock = Date.now,
  readings: chosen,
  control: withControl = false,
  apiKey,
}: Options = {}): Promise<LocalSeam> => {
  const saved = stateFile === undefined ? undefined : await readState(stateFile)
  const readings: Readings = { ...plainReadings, ...chosen }
  const counts: Record<string, PathCounts> = {}
  const countsOf = (path: string) => (counts[path] ??= { received: 0, changes: 0 })

  const server = createServer()
  const url = await listen(server, port, 'the local Seam')

  const fake = await startFake(url, { apiKey, saved: saved?.seam, clock })
  if (saved === undefined) fake.updateWorkspace({ is_publishable_key_auth_enabled: false })
  const { users, spareAccountIds } = residents(fake, saved)

  const ended = new AbortController()
  const webhooks = webhookSender({ clock, ended: ended.signal })
  const emit = eventEmitter(fake, clock, webhooks.take)
  const changes: Changes = { count: 0 }
  const store = clientSessionStore({
    emit,
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
  const webviews = connectWebviewStore({
    url,
    fake,
    sessions: store,
    readings,
    clock,
    rows: saved?.connect_webviews ?? [],
    changes,
    emit,
  })
  const save =
    stateFile === undefined
      ? async () => {}
      : stateKeeper(stateFile, () => ({
          version: 1,
          users,
          spare_account_ids: spareAccountIds,
          client_sessions: store.rows(),
          connect_webviews: webviews.rows(),
          seam: fake.snapshot(),
        }))
  await save()

  const deleteAccount = (connected_account_id: string) => {
    fake.deleteAccount(connected_account_id)
    store.dropAccount(connected_account_id)
    webviews.dropAccount(connected_account_id)
    emit('connected_account.deleted', { connected_account_id })
  }
  const answerTo = seamRoutes({ fake, store, webviews, changes, deleteAccount, webhooks })
  /** What is done in process is told of like what is called for. */
  const done = <T>(result: T): T => {
    webhooks.dispatch()
    return result
  }

  /** The call with its effect; what changed is kept before anybody hears of it. */
  const perform = async (call: Call, requestId: string): Promise<Answer> => {
    try {
      const { answer, changed } = await answerTo(call)
      if (!changed) return answer
      countsOf(call.path).changes++
      await save()
      webhooks.dispatch()
      return answer
    } catch (error) {
      return refused(error instanceof Refusal ? error : broken, requestId)
    }
  }

  const faults = faultDrawer()
  const deliver = faultDeliverer(faults, ended.signal)
  const bendAnswer = answerBender({
    store,
    clock,
    accountIds: () => fake.accounts().map(({ connected_account_id }) => connected_account_id),
  })
  const bend: Delivery['bend'] = async ({ wrong }, answer) => {
    const bent = bendAnswer(wrong, answer)
    await save()
    return bent
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
      const fault = faults.draw(call.path)
      if (fault === undefined) reply(await perform(call, requestId))
      else await deliver(fault, { response, reply, bend, perform: () => perform(call, requestId) })
    } catch (error) {
      // The client has left, the workspace is closing, or the body was none.
      reply(refused(error instanceof Refusal ? error : broken, requestId))
    }
  })

  const control = withControl ? seamControl({ faults, readings, counts, webhooks }) : undefined

  return {
    url,
    apiKey: fake.api_key,
    workspaceId: fake.workspace_id,
    publishableKey: fake.workspace().publishable_key,
    users,
    spareAccountIds,
    counts,
    readings,
    faults,
    control: control && (await listen(control, 0, 'the control of the local Seam')),
    sessions: () => store.rows().map((row) => ({ ...structuredClone(row), live: store.isLive(row) })),
    addAccount: (wish = {}) => fake.addAccount({ ...newcomer, ...wish }),
    deleteAccount: (connected_account_id) => done(deleteAccount(connected_account_id)),
    connectWebviews: () => structuredClone(webviews.rows()),
    completeWebview: (connect_webview_id, login) => done(webviews.complete(connect_webview_id, login)),
    failWebview: (connect_webview_id) => done(webviews.fail(connect_webview_id)),
    webhooks,
    close: async () => {
      ended.abort()
      await Promise.all([stopListening(server), control && stopListening(control)])
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
