import type * as Published from '@seamapi/types/connect'
import type * as z from 'zod/v4-mini'
import type { Deadline } from '../http/deadline.ts'
import type { answers } from './answers.ts'
import { SeamFailure } from './failure.ts'
import { type Call, post, type SeamClients } from './post.ts'

/**
 * Seam over HTTP: the few calls this service makes, each a POST with JSON and the API key. Our own because the
 * SDK's errors carry the API key, it retries silently and it costs a cold start 70 ms.
 */

export type ClientSession = z.infer<typeof answers.session>['client_session'] &
  Pick<
    Published.ClientSession,
    'client_session_id' | 'token' | 'user_identifier_key' | 'connected_account_ids'
  >
export type ConnectWebview = z.infer<typeof answers.webview>['connect_webview'] &
  Pick<Published.ConnectWebview, 'connect_webview_id' | 'url' | 'workspace_id'>
type ConnectedAccount = z.infer<typeof answers.accounts>['connected_accounts'][number]
export type Workspace = z.infer<typeof answers.workspace>['workspace']

/** Law 13: a list without its filter would return every client session of the workspace, tokens included. */
export type SessionFilter = { user_identifier_key: string }

export type Seam = ReturnType<typeof seamClient>

export interface SessionRequest {
  user_identifier_key: string
  connected_account_ids: string[]
  user_identity_id?: string
  /** Epoch milliseconds; sent as ISO 8601. Always explicit: Seam's default is undocumented. */
  expires_at: number
}

/** Nothing in it names anybody. */
export interface WebviewRequest {
  accepted_providers?: string[]
  excluded_providers?: string[]
  provider_category?: string
  device_selection_mode?: string
  automatically_manage_new_devices?: boolean
  accepted_capabilities?: string[]
  custom_redirect_url?: string
  custom_redirect_failure_url?: string
  wait_for_device_creation?: boolean
}

export function seamClient(options: Omit<SeamClients, 'fetch'> & { fetch?: typeof fetch }) {
  const clients: SeamClients = { ...options, fetch: options.fetch ?? fetch }
  const ask = async <Form extends keyof typeof answers>(
    form: Form,
    path: string,
    body: object,
    deadline: Deadline,
    how: Pick<Call<Form>, 'timeoutFactor' | 'token'> = {},
  ) => (await post(clients, { form, path, body, ...how }, deadline)).value
  return {
    getOrCreate: async (
      { expires_at, ...request }: SessionRequest,
      deadline: Deadline,
    ): Promise<ClientSession> => {
      const body = { ...request, expires_at: new Date(expires_at).toISOString() }
      return (await ask('session', 'client_sessions/get_or_create', body, deadline)).client_session
    },
    list: async (filter: SessionFilter, deadline: Deadline): Promise<ClientSession[]> =>
      (await ask('sessions', 'client_sessions/list', filter, deadline)).client_sessions,
    /** Throws `SeamFailure` with `httpStatus` 404 when there is no such client session. */
    delete: async (params: { client_session_id: string }, deadline: Deadline): Promise<void> => {
      await ask('nothing', 'client_sessions/delete', params, deadline)
    },
    /** The client sessions that a Connect Webview was made with, by browsers, past us. */
    listWebviewMakers: async (filter: ConnectWebviewId, deadline: Deadline) =>
      (await ask('webviewMakers', 'client_sessions/list', filter, deadline)).client_sessions,
    createWebview: async (params: WebviewRequest, deadline: Deadline): Promise<ConnectWebview> =>
      (await ask('webview', 'connect_webviews/create', params, deadline)).connect_webview,
    getWebview: async (params: ConnectWebviewId, deadline: Deadline): Promise<ConnectWebview> =>
      (await ask('webview', 'connect_webviews/get', params, deadline)).connect_webview,
    /** The workspace of the API key, and Seam's own clock (ms) where its answer told it. */
    getWorkspace: async (deadline: Deadline): Promise<Workspace & { answered_at?: number }> => {
      const call = { path: 'workspaces/get', body: {}, form: 'workspace' } as const
      const { value, answeredAt } = await post(clients, call, deadline)
      return { ...value.workspace, ...(answeredAt !== undefined && { answered_at: answeredAt }) }
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

interface ConnectWebviewId {
  connect_webview_id: string
}

async function listConnectedAccounts(clients: SeamClients, deadline: Deadline): Promise<ConnectedAccount[]> {
  const accounts: ConnectedAccount[] = []
  let cursor: string | undefined
  do {
    const body = cursor === undefined ? {} : { page_cursor: cursor }
    const call = { path: 'connected_accounts/list', body, form: 'accounts' } as const
    const { value } = await post(clients, call, deadline)
    accounts.push(...value.connected_accounts)
    cursor = value.pagination?.has_next_page ? (value.pagination.next_page_cursor ?? undefined) : undefined
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
