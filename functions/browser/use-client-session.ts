import { useCallback, useEffect, useSyncExternalStore } from 'react'
import {
  type ClientSession,
  type ClientSessionError,
  type ClientSessionOptions,
  type ClientSessions,
  clientSession,
  type GetToken,
  type OnStepUp,
} from './client-session.ts'

export type ClientSessionState = { session?: ClientSession; error?: ClientSessionError } & (
  | { status: 'pending' }
  | { status: 'ready'; session: ClientSession }
  | { status: 'signed_out' | 'denied' | 'step_up' | 'error'; error: ClientSessionError }
)

/** `user`: whoever is signed in, by any name of yours. When it changes, everything is forgotten at once. */
export type HookOptions = (ClientSessionOptions & { user?: string | null | undefined }) | ClientSessions

const pending: ClientSessionState = { status: 'pending' }
const statuses = {
  reauthenticate: 'signed_out',
  stop: 'denied',
  step_up: 'step_up',
  retry: 'error',
  fix_request: 'error',
} as const

/** One for all components that name the same endpoint, or use the same `ClientSessions`. */
const stores = new Map<unknown, ReturnType<typeof makeStore>>()

function makeStore(first: HookOptions) {
  const getToken: GetToken = (how) => store.options.getToken(how)
  const onStepUp: OnStepUp = (requirement) => store.options.onStepUp?.(requirement)
  const isMade = 'getClientSession' in first
  const stepUp = !isMade && first.onStepUp && { onStepUp }
  const store = {
    sessions: isMade ? first : clientSession({ ...first, getToken, ...stepUp }),
    options: first as Exclude<HookOptions, ClientSessions>,
    components: 0,
    shown: pending,
  }
  return store
}

/**
 * The client session of the user who is signed in, for this component. One request serves all components of a page, whose
 * `options` may be made anew at each rendering. `retry` asks again; while `ready` it says that Seam has refused the token.
 *
 * @example React
 * import { DeviceTable, SeamProvider } from '@seamapi/react'
 * import { QueryClient } from '@tanstack/react-query'
 * import { createElement, useMemo } from 'react'
 * import { useClientSession } from 'seam-token-vending/react'
 * import { sessions } from './seam-components.js'
 *
 * export function Devices() {
 *   const { status, session, error } = useClientSession(sessions)
 *   const id = session?.client_session_id
 *   // Seam's components keep what they were told: the next session gets another cache.
 *   const queryClient = useMemo(() => new QueryClient(), [id])
 *   if (status === 'denied') return `You have no access (${error.subject}).`
 *   if (session === undefined) return null
 *   // Without `endpoint`: SeamProvider 4.14 throws when there is one, even Seam's own. For another Seam, as in the local
 *   // world, let an earlier script say `globalThis.process = { env: { SEAM_ENDPOINT: 'http://127.0.0.1:4802' } }`.
 *   const props = { clientSessionToken: session.token, queryClient }
 *   return createElement(SeamProvider, { key: id, ...props }, createElement(DeviceTable))
 * }
 */
export function useClientSession(options: HookOptions): ClientSessionState & { retry(): void } {
  const key = 'url' in options ? options.url : options
  const user = 'url' in options ? options.user : undefined
  // biome-ignore lint/correctness/useExhaustiveDependencies: the effect below hands on what `options` becomes.
  const subscribe = useCallback(
    (notify: () => void) => {
      const store = stores.get(key) ?? makeStore(options)
      stores.set(key, store)
      store.components++
      const leave = store.sessions.onChange((session, error) => {
        const { shown } = store
        if (session !== shown.session || error !== shown.error)
          store.shown = session
            ? { status: 'ready', session }
            : error
              ? { status: statuses[error.action], error }
              : pending
        notify()
      })
      return () => {
        leave()
        if (--store.components === 0) store.shown = pending
      }
    },
    [key],
  )
  const shownTo = (it = stores.get(key)) => (it?.options.user === user && it?.shown) || pending
  const shown = useSyncExternalStore(subscribe, shownTo, () => pending)
  useEffect(() => {
    const store = stores.get(key)
    if (!store || !('url' in options)) return
    const hasChanged = store.options.user !== user
    store.options = options
    if (hasChanged) store.sessions.reset()
  })
  const retry = useCallback(() => {
    const { sessions, shown } = stores.get(key) ?? {}
    if (!shown?.session) return sessions?.reset()
    sessions?.getClientSession({ stale: shown.session.client_session_id }).catch(() => {})
  }, [key])
  return { ...shown, retry }
}
