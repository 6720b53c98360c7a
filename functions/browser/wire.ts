import { within } from './time.ts'

/** What the endpoint hands out, DESIGN §6. Seconds count from its answer on, because browsers' clocks are wrong. */
export interface ClientSession {
  /** Opens the devices of the signed-in user and no others: for Seam Components or Seam's SDK. */
  readonly token: string
  readonly token_type: 'seam_client_session'
  readonly client_session_id: string
  readonly workspace_id: string
  /** Where Seam's API is. */
  readonly endpoint: string
  /** ISO 8601, by the server's clock. */
  readonly expires_at: string
  readonly expires_in: number
  readonly refresh_in: number
}

/** What is left to do: sign in again; try later; nothing, this user has no access; correct the page. */
export type Action = 'reauthenticate' | 'step_up' | 'retry' | 'stop' | 'fix_request'

/** `cause` is what `getToken` or the network threw. */
export class ClientSessionError extends Error {
  override readonly name: string = 'ClientSessionError'
  readonly action: Action
  /** The endpoint's, or one of `not_signed_in`, `signed_out`, `get_token_failed`, `network`, `unexpected_answer`. */
  readonly code: string
  /** Finds the request in the endpoint's log. */
  readonly requestId: string | undefined
  /** The caller's own subject, on a 403, to send to support. */
  readonly subject: string | undefined
  /** Seconds that the endpoint asked to wait, or 0. */
  readonly retryAfter: number

  constructor(action: Action, code: string, details: Details = {}) {
    super(details.title ?? code, { cause: details.cause })
    this.action = action
    this.code = code
    this.requestId = details.request_id
    this.subject = details.subject
    this.retryAfter = details.retryAfter ?? 0
  }
}

interface Details {
  cause?: unknown
  title?: string
  request_id?: string
  subject?: string
  retryAfter?: number
}

/** Milliseconds. The endpoint itself gives up after 10 s. */
const answerTime = 15_000

/** One request, and what a good answer says. `url`: with or without `/client-session`. Throws `ClientSessionError`. */
export async function send(url: string, method: 'POST' | 'DELETE', bearer: string, stale?: string) {
  const abandon = new AbortController()
  try {
    return await within(answerTime, request(url, method, bearer, stale, abandon.signal))
  } catch (cause) {
    if (cause instanceof ClientSessionError) throw cause
    // A browser says no more than that, also when a gateway's answer lacked CORS headers.
    throw new ClientSessionError('retry', 'network', { cause })
  } finally {
    abandon.abort()
  }
}

async function request(
  url: string,
  method: string,
  bearer: string,
  stale: string | undefined,
  signal: AbortSignal,
): Promise<unknown> {
  const response = await fetch(url.replace(/(\/client-session)?\/*$/, '/client-session'), {
    method,
    headers: { authorization: `Bearer ${bearer}`, ...(stale && { 'content-type': 'application/json' }) },
    ...(stale && { body: JSON.stringify({ stale_client_session_id: stale }) }),
    signal,
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'error',
    // Signing out outlives the page.
    keepalive: method === 'DELETE',
  })
  const said = await response.json().catch(() => undefined)
  if (response.ok) return said
  const retryAfter = Number(response.headers.get('retry-after')) || 0
  // An answer without an action is a gateway's, not the endpoint's: retry.
  const action = /^(reauthenticate|stop|fix_request)$/.test(said?.action) ? said.action : 'retry'
  throw new ClientSessionError(action, said?.code ?? `http_${response.status}`, { ...said, retryAfter })
}

export function isClientSession(it: unknown): it is ClientSession {
  const { token, client_session_id, expires_in, refresh_in } = (it ?? {}) as Partial<ClientSession>
  return !!token && !!client_session_id && Number(expires_in) > 0 && Number(refresh_in) >= 0
}
