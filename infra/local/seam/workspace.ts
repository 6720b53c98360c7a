import * as z from 'zod/v4-mini'
import { startControl } from '../control.ts'
import { readStateFile } from '../files.ts'
import { listen } from '../loopback.ts'
import { seamApp } from './app.ts'
import { isLive } from './client-sessions.ts'
import { complete, fail, type Login } from './connect-webviews.ts'
import { type AccountWish, accountsShown, addAccount } from './fake.ts'
import { faultSchema } from './faults.ts'
import { deleteAccount, identityFor } from './resources.ts'
import { openWorkspace, readingsSchema, type Seam, savedWorkspace } from './state.ts'
import { moodSchema } from './webhooks.ts'
import { checked } from './wire.ts'

interface Options {
  /** 0 = any free one. */
  port?: number
  /** Where the workspace is kept between runs, written before each answer; absent: only in memory. */
  stateFile?: string
  /** Epoch milliseconds; what expires, expires by this clock. */
  clock?: () => number
  /** Whose pages may call. */
  origins?: ReadonlySet<string>
}

export type LocalSeam = Awaited<ReturnType<typeof startSeam>>

/**
 * A Seam workspace on one machine: Seam's own fake, and in front of it what the fake lacks.
 * @throws CliError when the port is taken or the state file is damaged; its message says what to do
 */
export async function startSeam({ port = 0, stateFile, clock = Date.now, origins }: Options = {}) {
  const remedy = 'Delete it: the local Seam then starts with a fresh workspace, and tokens it made end.'
  const saved = stateFile ? await readStateFile(stateFile, savedWorkspace, remedy) : undefined
  const mayCall = (origin: string) => origins?.has(origin) === true
  const server = await listen(port, 'the local Seam', mayCall)
  const closing = new AbortController()
  const { url } = server
  const seam = await openWorkspace({ url, clock, ended: closing.signal, stateFile }, saved)
  await seam.save()
  server.serveFetch(seamApp(seam, mayCall).fetch)
  const control = await startSeamControl(seam)
  return {
    ...inProcess(seam),
    /** Base URL of the control address, see `startSeamControl`. */
    control: control.url,
    close: async (): Promise<void> => {
      closing.abort()
      await Promise.all([server.close(), control.close()])
      await seam.save()
    },
  }
}

/** What this process may do to the workspace and see of it. */
function inProcess(seam: Seam) {
  const { url, fake, kept, counts, readings, faults, webhooks } = seam
  /** What is done in process is told of like what is called for. */
  const told = <T>(result: T): T => {
    webhooks.dispatch()
    return result
  }
  return {
    /** Base URL, on 127.0.0.1. */
    url,
    apiKey: fake.api_key,
    workspaceId: fake.workspace_id,
    publishableKey: fake.workspace().publishable_key,
    /** Who has accounts with devices from the start. */
    users: kept.users,
    /** Connected accounts with a device each, that nobody has. */
    spareAccountIds: kept.spare_account_ids,
    counts,
    readings,
    faults,
    webhooks,
    /** Every client session ever made, how it ended, and whether its token works now. */
    sessions: () =>
      [...seam.sessions.byId.values()].map((row) => ({ ...structuredClone(row), live: isLive(seam, row) })),
    /** Every connected account, with the names of its devices. */
    accounts: () => accountsShown(fake),
    /** The user identity of a person, who was granted one spare device. Made when it is first asked for. */
    identityOf: (person: string): string => identityFor(seam, person),
    /** As if its time were up. */
    expire(token: string): void {
      const row = seam.sessions.byToken.get(token)
      if (row === undefined) throw new Error('No client session has this token.')
      row.expires_at = new Date(seam.clock()).toISOString()
    },
    connectWebviews: () => structuredClone(kept.connect_webviews),
    /** @returns the new connected account's id */
    addAccount: (wish: Partial<AccountWish> = {}): string => addAccount(fake, wish),
    deleteAccount: (connected_account_id: string): void => told(deleteAccount(seam, connected_account_id)),
    completeWebview: (connect_webview_id: string, login?: Login): string =>
      told(complete(seam, connect_webview_id, login)),
    failWebview: (connect_webview_id: string): void => told(fail(seam, connect_webview_id)),
  }
}

/**
 * What other processes may do to the local Seam:
 *
 *     GET /                { faults, delivered, late, counts, readings, webhooks }
 *     PUT /faults          { seed?, faults }: what is planned from now on
 *     POST /faults         one more fault
 *     DELETE /faults       none any more
 *     POST /faults/settle  lets what is late arrive now
 *     PATCH /readings      some readings
 *     PATCH /webhooks      some of how webhooks are delivered: hold, copies, order
 *     POST /webhooks/flush sends what is held or waits to be tried again
 */
function startSeamControl({ faults, readings, counts, webhooks }: Seam) {
  const state = () => ({
    faults: faults.planned(),
    delivered: faults.delivered,
    late: faults.late.size,
    counts,
    readings,
    webhooks: { ...webhooks.mood, waiting: webhooks.waiting().length, attempts: webhooks.attempts },
  })
  return startControl('the local Seam', faults, faultSchema, state, {
    'POST /faults/settle': () => faults.settle(),
    'PATCH /readings': (params) => Object.assign(readings, checked(z.partial(readingsSchema), params)),
    'PATCH /webhooks': (params) => Object.assign(webhooks.mood, checked(z.partial(moodSchema), params)),
    'POST /webhooks/flush': () => webhooks.flush(),
  })
}
