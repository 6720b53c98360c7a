import type { Listener } from './listeners.ts'
import type { ClientSessionOptions } from './options.ts'
import { SessionKeeper } from './session-keeper.ts'
import type { ClientSession } from './wire.ts'

/**
 * The page's side of the token vending machine: a Seam client session for the user who is signed in. It depends on
 * nothing, stores nothing (memory only), and is safe to import on a server.
 */

export type { ClientSessionOptions, GetToken, OnStepUp, Requirement, SubjectOf } from './options.ts'
export { type Action, type ClientSession, ClientSessionError } from './wire.ts'
export type { Listener }

export interface ClientSessions {
  /**
   * The session of the user who is signed in, cached or new: one request for any number of callers. When Seam has answered
   * 401, say so: `stale` is the `client_session_id` whose token it refused.
   * Throws `ClientSessionError`, after a few tries where trying helps, or the signal's reason.
   */
  getClientSession(options?: { stale?: string; signal?: AbortSignal }): Promise<ClientSession>
  /** While anybody listens and the page is visible, a fresh session is kept at hand. Returns what ends the listening. */
  onChange(listener: Listener): () => void
  /**
   * Forgets everything at once and ends the session of this login; where the configuration has no `sessionClaim`, all
   * devices of the user share it. `everywhere`: ends all sessions of the user, and the bearer tokens that were issued so far
   * make no more. The other tabs of this origin forget, too. Call it before you sign out at your identity provider. Never
   * rejects; false: not confirmed in 10 s, so the session may live until it expires.
   */
  signOut(options?: { everywhere?: boolean }): Promise<boolean>
  /**
   * Forgets everything at once. Call it when your identity provider says that the user changed, and to try again after
   * `stop` or `step_up`.
   */
  reset(): void
}

/**
 * Keeps client sessions for one page: make it once, where the page begins. Each example is a file of its own.
 *
 * @example Seam Components
 * import { QueryClient } from '@tanstack/query-core'
 * import { type ClientSession, clientSession } from 'seam-token-vending/browser'
 * import { identityProvider } from './identity-provider.js'
 *
 * export const sessions = clientSession({
 *   url: 'https://vending.example',
 *   getToken: ({ fresh }) => identityProvider.getToken({ ignoreCache: fresh }),
 * })
 * identityProvider.onUserChange(() => sessions.reset())
 *
 * let table: Element | undefined
 * let shown: { session: ClientSession; since: number } | undefined
 * sessions.onChange((session) => {
 *   shown = session && { session, since: performance.now() }
 *   if (session === undefined) {
 *     // It remembers what its user had open, and all components share a cache that does not ask whose answers it
 *     // holds: the next user gets another of both.
 *     table?.remove()
 *     table = undefined
 *     Object.assign(globalThis, { seamQueryClient: new QueryClient() })
 *     return
 *   }
 *   table ??= document.querySelector('#devices')?.appendChild(document.createElement('seam-device-table'))
 *   table?.setAttribute('endpoint', session.endpoint)
 *   table?.setAttribute('client-session-token', session.token)
 * })
 *
 * // Seam's components keep to themselves that Seam has refused a token; the browser tells.
 * new PerformanceObserver((list) => {
 *   for (const { name, responseStatus, startTime } of list.getEntries() as PerformanceResourceTiming[])
 *     if (responseStatus === 401 && shown && name.startsWith(shown.session.endpoint) && startTime > shown.since)
 *       sessions.getClientSession({ stale: shown.session.client_session_id }).catch(() => {})
 * }).observe({ type: 'resource' })
 *
 * export async function signOut() {
 *   await sessions.signOut()
 *   await identityProvider.signOut()
 * }
 *
 * @example Seam’s SDK
 * import { isSeamHttpUnauthorizedError, SeamHttp } from '@seamapi/http/connect'
 * import { sessions } from './seam-components.js'
 *
 * let session = await sessions.getClientSession()
 * const seam = SeamHttp.fromClientSessionToken(session.token, { endpoint: session.endpoint })
 * sessions.onChange((next) => {
 *   if (next === undefined || next.token === session.token) return
 *   session = next
 *   // Calls use the new token from here on; what the SDK then tries with it shows in the next call, too.
 *   seam.updateClientSessionToken(next.token).catch(() => {})
 * })
 *
 * export async function listDevices() {
 *   try {
 *     return await seam.devices.list()
 *   } catch (error) {
 *     if (!isSeamHttpUnauthorizedError(error)) throw error
 *     await sessions.getClientSession({ stale: session.client_session_id })
 *     return seam.devices.list()
 *   }
 * }
 */
export function clientSession(options: ClientSessionOptions): ClientSessions {
  return new SessionKeeper(options)
}
