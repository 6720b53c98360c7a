import type * as z from 'zod/v4-mini'
import { parseJson } from '../caller/jws.ts'
import type { WebviewOptions } from '../connecting/webview-options.ts'
import { type Deadline, signalWithin } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import type { Times } from '../times.ts'
import type { answers } from './answers.ts'
import { apiKeyIn } from './api-key.ts'
import { SeamFailure } from './failure.ts'

/**
 * Seam over HTTP: the few calls this service makes, each a POST with JSON and the API key. Our own because the
 * SDK's errors carry the API key, it retries silently and it costs a cold start 70 ms.
 */

type Form = keyof typeof answers
type Answer<Of extends Form> = z.infer<(typeof answers)[Of]>
export type ClientSession = Answer<'session'>['client_session']
export type ConnectWebview = Answer<'webview'>['connect_webview']
export type Workspace = Answer<'workspace'>['workspace']

export type Seam = ReturnType<typeof seamClient>

export interface SessionRequest {
  user_identifier_key: string
  connected_account_ids: string[]
  user_identity_id?: string
  /** Epoch milliseconds; sent as ISO 8601. Always explicit: Seam's default is undocumented. */
  expires_at: number
}

interface SeamClients {
  endpoint: string
  /** `fresh`: read it again, because Seam refused the one that was given before. */
  apiKey: (how: { fresh: boolean }, deadline: Deadline) => Promise<string>
  times: Times
  fetch?: typeof fetch
}

export function seamClient(clients: SeamClients) {
  const ask = async <Of extends Form>(form: Of, path: string, body: object, deadline: Deadline, how?: How) =>
    (await post(clients, form, { path, body, ...how }, deadline)).answer
  return {
    getOrCreate: async ({ expires_at, ...request }: SessionRequest, deadline: Deadline) => {
      const body = { ...request, expires_at: new Date(expires_at).toISOString() }
      return (await ask('session', 'client_sessions/get_or_create', body, deadline)).client_session
    },
    /** Law 13: a list without its filter would return every client session of the workspace, tokens included. */
    list: async (filter: { user_identifier_key: string }, deadline: Deadline) =>
      (await ask('sessions', 'client_sessions/list', filter, deadline)).client_sessions,
    /** Throws `SeamFailure` with `httpStatus` 404 when there is no such client session. */
    delete: async (params: { client_session_id: string }, deadline: Deadline): Promise<void> => {
      await ask('nothing', 'client_sessions/delete', params, deadline)
    },
    /** The client sessions that a Connect Webview was made with, by browsers, past us. */
    listWebviewMakers: async (filter: { connect_webview_id: string }, deadline: Deadline) =>
      (await ask('webviewMakers', 'client_sessions/list', filter, deadline)).client_sessions,
    createWebview: async (params: Partial<WebviewOptions>, deadline: Deadline) =>
      (await ask('webview', 'connect_webviews/create', params, deadline)).connect_webview,
    getWebview: async (params: { connect_webview_id: string }, deadline: Deadline) =>
      (await ask('webview', 'connect_webviews/get', params, deadline)).connect_webview,
    /** The workspace of the API key, and Seam's own clock (ms) where its answer told it. */
    getWorkspace: async (deadline: Deadline): Promise<Workspace & { answered_at?: number }> => {
      const call = { path: 'workspaces/get', body: {} }
      const { answer, answered_at } = await post(clients, 'workspace', call, deadline)
      return { ...answer.workspace, answered_at }
    },
    listConnectedAccounts: (deadline: Deadline) => listConnectedAccounts(clients, deadline),
    /** Of the whole workspace: may take long. */
    listConnectedAccountIds: async (deadline: Deadline) =>
      (await listConnectedAccounts(clients, deadline)).map(({ connected_account_id: id }) => id),
    /** False: Seam shows no such connected account, or says that this is no id of one. */
    knowsAccount: (connected_account_id: string, deadline: Deadline) =>
      isKnown(ask('nothing', 'connected_accounts/get', { connected_account_id }, deadline)),
    knowsIdentity: (user_identity_id: string, deadline: Deadline) =>
      isKnown(ask('nothing', 'user_identities/get', { user_identity_id }, deadline)),
    /** Every client session of the workspace, strangers' too: for the operator's `orphans` and `drain` only. */
    listWithoutTokens: async (deadline: Deadline) => {
      // A whole workspace in one answer takes longer than one client session.
      const how = { timeoutFactor: 10 }
      return (await ask('sessionsWithoutTokens', 'client_sessions/list', {}, deadline, how)).client_sessions
    },
    /** The client session that a token opens, asked with that token; undefined: it opens none (any more). */
    whose: async (token: string, deadline: Deadline) => {
      const asked = ask('sessionWithoutToken', 'client_sessions/get', {}, deadline, { token })
      return (await unless([401], asked))?.client_session
    },
  }
}

async function listConnectedAccounts(clients: SeamClients, deadline: Deadline) {
  const accounts: Answer<'accounts'>['connected_accounts'] = []
  let cursor: string | undefined
  do {
    const body = cursor === undefined ? {} : { page_cursor: cursor }
    const call = { path: 'connected_accounts/list', body }
    const { connected_accounts, pagination } = (await post(clients, 'accounts', call, deadline)).answer
    accounts.push(...connected_accounts)
    cursor = pagination?.has_next_page ? (pagination.next_page_cursor ?? undefined) : undefined
  } while (cursor !== undefined)
  return accounts
}

async function isKnown(answer: Promise<object>): Promise<boolean> {
  return (await unless([400, 404], answer)) !== undefined
}

/** Undefined when Seam answers with one of these statuses. */
async function unless<T>(statuses: number[], answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof SeamFailure && statuses.includes(error.httpStatus)) return undefined
    throw error
  }
}

interface How {
  /** Of `times.seam`. */
  timeoutFactor?: number
  /** Instead of the API key. */
  token?: string
}

type Call = How & { path: string; body: object }

/** `answered_at`: epoch ms by Seam's clock, where its answer told it. */
async function post<Of extends Form>(clients: SeamClients, form: Of, call: Call, deadline: Deadline) {
  const { path, token } = call
  let response = await send(clients, call, token ?? (await readKey(clients, false, deadline)), deadline)
  if (response.status === 401 && token === undefined)
    response = await send(clients, call, await readKey(clients, true, deadline), deadline)
  const { status, json, answered_at } = response
  if (status !== 200) {
    const code = status === 429 || status >= 500 ? 'upstream_unavailable' : 'upstream_rejected'
    throw new SeamFailure(code, path, { ...response, reason: `Seam answered ${status}` })
  }
  // Loaded, with zod, by the first who asks Seam: who reuses a client session needs neither.
  const { answers } = await import('./answers.ts')
  const parsed = answers[form].safeParse(json)
  if (parsed.success) return { answer: parsed.data as Answer<Of>, answered_at }
  const lacks = parsed.error.issues[0]?.path.join('.') || 'an object'
  throw new SeamFailure('upstream_rejected', path, { status, reason: `its answer lacks ${lacks}` })
}

/** A wrong form is the secret's fault, not Seam's: Seam is not called, and the secret is read again at once. */
async function readKey(clients: SeamClients, fresh: boolean, deadline: Deadline): Promise<string> {
  const key = apiKeyIn(await clients.apiKey({ fresh }, deadline))
  if (key !== undefined) return key
  if (!fresh) return readKey(clients, true, deadline)
  throw new Problem('upstream_unavailable', {
    dependency: 'secrets',
    reason: 'api_key_of_wrong_form',
    retryAfter: 5,
  })
}

async function send(
  clients: SeamClients,
  { path, body, timeoutFactor = 1 }: Call,
  key: string,
  deadline: Deadline,
) {
  try {
    const response = await (clients.fetch ?? fetch)(`${clients.endpoint}/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: signalWithin(timeoutFactor * clients.times.seam, deadline),
    })
    return {
      status: response.status,
      json: parseJson(await response.text()),
      retryAfter: secondsIn(response.headers.get('retry-after')),
      answered_at: Date.parse(response.headers.get('date') ?? '') || undefined,
    }
  } catch (error) {
    // The cause is dropped on purpose: what a network error carries is not ours to vouch for.
    const timedOut = error instanceof Error && error.name === 'TimeoutError'
    throw timedOut
      ? new SeamFailure('upstream_timeout', path, { reason: 'no answer in time' })
      : new SeamFailure('upstream_unavailable', path, { reason: 'no connection' })
  }
}

/** Capped: a caller should not be sent away for longer than a minute by another service's wish. */
function secondsIn(header: string | null): number | undefined {
  const seconds = Number(header)
  return header === null || !Number.isFinite(seconds) ? undefined : Math.min(60, Math.max(1, seconds))
}
