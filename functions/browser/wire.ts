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

/** What is left to do: sign in again; sign in more strongly; try later; nothing, this user has no access; correct the page. */
export type Action = 'reauthenticate' | 'step_up' | 'retry' | 'stop' | 'fix_request'

/** `cause` is what `getToken` or the network threw. */
export class ClientSessionError extends Error {
  override readonly name: string = 'ClientSessionError'
  declare readonly action: Action
  /**
   * The endpoint's, or one of `not_signed_in`, `signed_out`, `get_token_failed`, `network`,
   * `unexpected_answer`.
   */
  declare readonly code: string
  /** Finds the request in the endpoint's log. */
  declare readonly requestId: string | undefined
  /** The caller's own subject, on a 403, to send to support. */
  declare readonly subject: string | undefined
  /** Seconds that the endpoint asked to wait, or 0. */
  declare readonly retryAfter: number
  /** With `step_up`. */
  declare readonly acrValues: readonly string[]
  declare readonly maxAge: number | undefined

  constructor(action: Action, code: string, details: Details = {}) {
    super(details.title ?? code, { cause: details.cause })
    Object.assign(this, {
      action,
      code,
      requestId: details.request_id,
      subject: details.subject,
      retryAfter: details.retryAfter || 0,
      acrValues: details.acr_values ?? [],
      maxAge: details.max_age,
    })
  }
}

interface Details {
  cause?: unknown
  title?: string
  request_id?: string
  subject?: string
  retryAfter?: number
  acr_values?: string[]
  max_age?: number
}

/** Milliseconds. The endpoint itself gives up after 10 s. */
const answerTime = 15_000

/** One request, and what a good answer says. `url`: with or without `/client-session`. Throws `ClientSessionError`. */
export async function send(
  url: string,
  method: 'POST' | 'DELETE',
  bearer: string,
  stale?: string,
  everywhere?: boolean,
): Promise<unknown> {
  const abandon = new AbortController()
  const request = async () => {
    const response = await fetch(
      url.replace(/(\/client-session)?\/*$/, everywhere ? '/client-sessions' : '/client-session'),
      {
        method,
        headers: { authorization: `Bearer ${bearer}`, ...(stale && { 'content-type': 'application/json' }) },
        ...(stale && { body: JSON.stringify({ stale_client_session_id: stale }) }),
        signal: abandon.signal,
        credentials: 'omit',
        redirect: 'error',
        // Signing out outlives the page.
        keepalive: method === 'DELETE',
      },
    )
    const said = await response.json().catch(() => undefined)
    if (response.ok) return said
    const retryAfter = Number(response.headers.get('retry-after'))
    // An answer without an action is a gateway's, not the endpoint's: retry. An unknown one is a newer endpoint's: stop.
    const given = said?.action ?? 'retry'
    const action = /^(reauthenticate|step_up|retry|fix_request)$/.test(given) ? given : 'stop'
    throw new ClientSessionError(action, said?.code ?? `http_${response.status}`, { ...said, retryAfter })
  }
  try {
    return await within(answerTime, request())
  } catch (cause) {
    if (cause instanceof ClientSessionError) throw cause
    // A browser says no more than that, also when a gateway's answer lacked CORS headers.
    throw new ClientSessionError('retry', 'network', { cause })
  } finally {
    abandon.abort()
  }
}

export function isClientSession(it: unknown): it is ClientSession {
  const session = it as ClientSession | undefined
  return !!session?.token && !!session.client_session_id && session.expires_in > 0 && session.refresh_in >= 0
}

/** A session at hand. */
export interface Held {
  session: ClientSession
  /** By the stopwatch, as `expiresAt`. */
  refreshAt: number
  expiresAt: number
  /** Its user was still signed in after it had come. */
  confirmed: boolean
}

export function signedOut(): ClientSessionError {
  return new ClientSessionError('reauthenticate', 'signed_out')
}
