import type * as Published from '@seamapi/types/connect'
import type * as z from 'zod/v4-mini'
import { type Deadline, signalWithin } from '../http/deadline.ts'
import { type Code, Problem } from '../http/problem.ts'
import type { Times } from '../times.ts'
import type { answers } from './answers.ts'
import { apiKeyIn } from './api-key.ts'

/**
 * Seam over HTTP: the few calls this service makes, each a POST with JSON and the API key. Our own because the
 * SDK's errors carry the API key, it retries silently and it costs a cold start 70 ms.
 */

export type ClientSession = z.infer<typeof answers.session>['client_session'] &
  Pick<
    Published.ClientSession,
    'client_session_id' | 'token' | 'user_identifier_key' | 'connected_account_ids'
  >
export type SessionWithoutToken = z.infer<typeof answers.sessionWithoutToken>['client_session']
export type WebviewMaker = z.infer<typeof answers.webviewMakers>['client_sessions'][number]
export type ConnectWebview = z.infer<typeof answers.webview>['connect_webview'] &
  Pick<Published.ConnectWebview, 'connect_webview_id' | 'url' | 'workspace_id'>
export type ConnectedAccount = z.infer<typeof answers.accounts>['connected_accounts'][number]
export type Workspace = z.infer<typeof answers.workspace>['workspace']

/** Law 13: a list without its filter would return every client session of the workspace, tokens included. */
export type SessionFilter = { user_identifier_key: string }

/** What went wrong at Seam. It holds no part of the request, so it shows no secret however it is printed. */
export class SeamFailure extends Problem {
  override readonly name = 'SeamFailure'
  /** The path that was called. */
  readonly call: string
  /** HTTP status; 0 when there was no answer. */
  readonly httpStatus: number
  /** Seam's `error.type`. */
  readonly type: string | undefined
  readonly seamRequestId: string | undefined

  constructor(
    code: Code,
    call: string,
    what: { status?: number; type?: string; seamRequestId?: string; retryAfter?: number; reason: string },
  ) {
    super(code, { dependency: 'seam', reason: what.reason, retryAfter: what.retryAfter ?? 1 })
    this.call = call
    this.httpStatus = what.status ?? 0
    this.type = what.type
    this.seamRequestId = what.seamRequestId
  }
}

export interface Seam {
  create(params: SessionRequest, deadline: Deadline): Promise<ClientSession>
  getOrCreate(params: SessionRequest, deadline: Deadline): Promise<ClientSession>
  get(params: { client_session_id: string }, deadline: Deadline): Promise<ClientSession>
  list(filter: SessionFilter, deadline: Deadline): Promise<ClientSession[]>
  grantAccess(
    params: { client_session_id: string; connected_account_ids: string[] },
    deadline: Deadline,
  ): Promise<ClientSession>
  revoke(params: { client_session_id: string }, deadline: Deadline): Promise<void>
  /** Throws `SeamFailure` with `httpStatus` 404 when there is no such client session. */
  delete(params: { client_session_id: string }, deadline: Deadline): Promise<void>
  /** The client sessions that a Connect Webview was made with, by browsers, past us. */
  listWebviewMakers(filter: { connect_webview_id: string }, deadline: Deadline): Promise<WebviewMaker[]>
  createWebview(params: WebviewRequest, deadline: Deadline): Promise<ConnectWebview>
  getWebview(params: { connect_webview_id: string }, deadline: Deadline): Promise<ConnectWebview>
  /** The workspace of the API key, and Seam's own clock (ms) where its answer told it. */
  getWorkspace(deadline: Deadline): Promise<Workspace & { answered_at?: number }>
  listConnectedAccounts(deadline: Deadline): Promise<ConnectedAccount[]>
  /** Of the whole workspace: may take long. */
  listConnectedAccountIds(deadline: Deadline): Promise<string[]>
  /** False: Seam shows no such connected account, or says that this is no id of one. */
  knowsAccount(connectedAccountId: string, deadline: Deadline): Promise<boolean>
  knowsIdentity(userIdentityId: string, deadline: Deadline): Promise<boolean>
  /** Every client session of the workspace, strangers' too: for the operator's `orphans` and `drain` only. */
  listWithoutTokens(deadline: Deadline): Promise<SessionWithoutToken[]>
  /** The client session that a token opens, asked with that token; undefined: it opens none (any more). */
  whose(token: string, deadline: Deadline): Promise<SessionWithoutToken | undefined>
}

/** A whole workspace in one answer takes longer than one client session. */
const timeoutFactor = { usual: 1, wholeWorkspace: 10 }

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
  accepted_capabilities?: string[]
  custom_redirect_url?: string
  custom_redirect_failure_url?: string
  wait_for_device_creation?: boolean
}

export function seamClient(options: {
  endpoint: string
  /** `fresh`: read it again, because Seam refused the one that was given before. */
  apiKey: (how: { fresh: boolean }, deadline: Deadline) => Promise<string>
  times: Times
  fetch?: typeof fetch
}): Seam {
  const send = options.fetch ?? fetch

  async function post<T extends z.ZodMiniType>(
    call: string,
    body: Record<string, unknown>,
    form: (of: typeof answers) => T,
    deadline: Deadline,
    how: { timeoutFactor?: number; token?: string } = {},
  ): Promise<{ value: z.infer<T>; answeredAt: number | undefined }> {
    const key = async (fresh: boolean) => how.token ?? (await readKey(fresh, deadline))
    let response = await once(call, body, await key(false), deadline, how.timeoutFactor)
    if (response.status === 401 && how.token === undefined)
      response = await once(call, body, await key(true), deadline, how.timeoutFactor)
    // Loaded, with zod, by the first who asks Seam: who reuses a client session needs neither.
    const { answers, typeOfError } = await import('./answers.ts')
    if (response.status !== 200) throw failure(call, response, typeOfError(response.json))
    const parsed = form(answers).safeParse(response.json)
    if (!parsed.success)
      throw new SeamFailure('upstream_rejected', call, {
        ...response,
        reason: `its answer lacks ${parsed.error.issues[0]?.path.join('.') || 'an object'}`,
      })
    const answeredAt = Date.parse(response.date ?? '')
    return { value: parsed.data, answeredAt: Number.isNaN(answeredAt) ? undefined : answeredAt }
  }

  /** A wrong form is the secret's fault, not Seam's: Seam is not called, and the secret is read again at once. */
  async function readKey(fresh: boolean, deadline: Deadline): Promise<string> {
    const key = apiKeyIn(await options.apiKey({ fresh }, deadline))
    if (key !== undefined) return key
    if (!fresh) return readKey(true, deadline)
    throw new Problem('upstream_unavailable', {
      dependency: 'secrets',
      reason: 'api_key_of_wrong_form',
      retryAfter: 5,
    })
  }

  async function once(
    call: string,
    body: Record<string, unknown>,
    key: string,
    deadline: Deadline,
    times = timeoutFactor.usual,
  ) {
    try {
      const response = await send(`${options.endpoint}/${call}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        redirect: 'error',
        signal: signalWithin(times * options.times.seam, deadline),
      })
      const text = await response.text()
      return {
        status: response.status,
        json: parseJson(text),
        seamRequestId: response.headers.get('seam-request-id') ?? undefined,
        retryAfter: retryAfter(response.headers.get('retry-after')),
        date: response.headers.get('date'),
      }
    } catch (error) {
      // The cause is dropped on purpose: what a network error carries is not ours to vouch for.
      const timedOut = error instanceof Error && error.name === 'TimeoutError'
      throw timedOut
        ? new SeamFailure('upstream_timeout', call, { reason: 'no answer in time' })
        : new SeamFailure('upstream_unavailable', call, { reason: 'no connection' })
    }
  }

  async function listConnectedAccounts(deadline: Deadline): Promise<ConnectedAccount[]> {
    const accounts: ConnectedAccount[] = []
    let cursor: string | undefined
    do {
      const page = cursor === undefined ? {} : { page_cursor: cursor }
      const { value } = await post('connected_accounts/list', page, ({ accounts }) => accounts, deadline)
      accounts.push(...value.connected_accounts)
      cursor = value.pagination?.has_next_page ? (value.pagination.next_page_cursor ?? undefined) : undefined
    } while (cursor !== undefined)
    return accounts
  }

  return {
    async create(params, deadline) {
      return (await post('client_sessions/create', wire(params), ({ session }) => session, deadline)).value
        .client_session
    },
    async getOrCreate(params, deadline) {
      return (await post('client_sessions/get_or_create', wire(params), ({ session }) => session, deadline))
        .value.client_session
    },
    async get(params, deadline) {
      return (await post('client_sessions/get', params, ({ session }) => session, deadline)).value
        .client_session
    },
    async list(filter, deadline) {
      return (await post('client_sessions/list', filter, ({ sessions }) => sessions, deadline)).value
        .client_sessions
    },
    async grantAccess(params, deadline) {
      return (await post('client_sessions/grant_access', params, ({ session }) => session, deadline)).value
        .client_session
    },
    async revoke(params, deadline) {
      await post('client_sessions/revoke', params, ({ nothing }) => nothing, deadline)
    },
    async delete(params, deadline) {
      await post('client_sessions/delete', params, ({ nothing }) => nothing, deadline)
    },
    async listWebviewMakers(filter, deadline) {
      return (await post('client_sessions/list', filter, ({ webviewMakers }) => webviewMakers, deadline))
        .value.client_sessions
    },
    async createWebview(params, deadline) {
      return (await post('connect_webviews/create', { ...params }, ({ webview }) => webview, deadline)).value
        .connect_webview
    },
    async getWebview(params, deadline) {
      return (await post('connect_webviews/get', params, ({ webview }) => webview, deadline)).value
        .connect_webview
    },
    async getWorkspace(deadline) {
      const { value, answeredAt } = await post('workspaces/get', {}, ({ workspace }) => workspace, deadline)
      return { ...value.workspace, ...(answeredAt !== undefined && { answered_at: answeredAt }) }
    },
    listConnectedAccounts,
    async listConnectedAccountIds(deadline) {
      return (await listConnectedAccounts(deadline)).map(({ connected_account_id }) => connected_account_id)
    },
    knowsAccount: (connected_account_id, deadline) =>
      isKnown(post('connected_accounts/get', { connected_account_id }, ({ nothing }) => nothing, deadline)),
    knowsIdentity: (user_identity_id, deadline) =>
      isKnown(post('user_identities/get', { user_identity_id }, ({ nothing }) => nothing, deadline)),
    async listWithoutTokens(deadline) {
      const how = { timeoutFactor: timeoutFactor.wholeWorkspace }
      const form = ({ sessionsWithoutTokens }: typeof answers) => sessionsWithoutTokens
      return (await post('client_sessions/list', {}, form, deadline, how)).value.client_sessions
    },
    async whose(token, deadline) {
      const form = ({ sessionWithoutToken }: typeof answers) => sessionWithoutToken
      return post('client_sessions/get', {}, form, deadline, { token }).then(
        ({ value }) => value.client_session,
        (error: unknown) => {
          if (error instanceof SeamFailure && error.httpStatus === 401) return undefined
          throw error
        },
      )
    },
  }
}

function wire({ expires_at, ...request }: SessionRequest) {
  return { ...request, expires_at: new Date(expires_at).toISOString() }
}

/** `false` when Seam answers that there is no such thing. */
async function isKnown(answer: Promise<unknown>): Promise<boolean> {
  try {
    await answer
    return true
  } catch (error) {
    if (error instanceof SeamFailure && (error.httpStatus === 404 || error.httpStatus === 400)) return false
    throw error
  }
}

function failure(
  call: string,
  response: { status: number; seamRequestId: string | undefined; retryAfter: number | undefined },
  type: string | undefined,
): SeamFailure {
  const { status, seamRequestId, retryAfter } = response
  const what = {
    status,
    ...(type !== undefined && { type }),
    ...(seamRequestId !== undefined && { seamRequestId }),
    ...(retryAfter !== undefined && { retryAfter }),
    reason: `Seam answered ${status}`,
  }
  return new SeamFailure(
    status === 429 || status >= 500 ? 'upstream_unavailable' : 'upstream_rejected',
    call,
    what,
  )
}

/** Seconds, capped: a caller should not be sent away for longer than a minute by another service's wish. */
function retryAfter(header: string | null): number | undefined {
  const seconds = Number(header)
  return header === null || !Number.isFinite(seconds) ? undefined : Math.min(60, Math.max(1, seconds))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
