import { QueryClient } from '@tanstack/query-core'
import type { Browser } from './browser.ts'
import { element, fill, part } from './element.ts'

/** What the browser's token opens now: Seam knows, the page asks. */
export async function look(browser: Browser): Promise<void> {
  const { session, sessions } = browser
  if (session === undefined) return
  const response = await fetch(`${session.endpoint}/devices/list`, {
    method: 'POST',
    headers: { authorization: `Bearer ${session.token}` },
    signal: AbortSignal.timeout(8000),
  }).catch(() => undefined)
  const said = response?.ok ? await response.json() : undefined
  if (browser.session !== session) return
  browser.devices = said?.devices.map(({ display_name }: { display_name: string }) => display_name).sort()
  if (response?.status !== 401) return
  browser.refused = session.client_session_id
  // Seam's component does not report that Seam refuses the token, so the page does.
  await sessions.getClientSession({ stale: session.client_session_id }).catch(() => {})
  if (browser.session !== session) await look(browser)
}

let shown = ''

/** Shows the session's devices in Seam's own component, which asks again only when it is made again. */
export function showDevices({ session, devices }: Browser): void {
  const showing = session === undefined ? '' : [session.token, ...(devices ?? [])].join()
  if (showing === shown || (session !== undefined && devices === undefined)) return
  shown = showing
  // All of Seam's components share one cache, which does not ask whose answers it holds.
  Object.assign(globalThis, { seamQueryClient: new QueryClient() })
  const table =
    session &&
    element('seam-device-table', {
      'client-session-token': session.token,
      endpoint: session.endpoint,
      'disable-search': 'true',
      // Each of these would load or send something past the Content-Security-Policy.
      'disable-css-injection': 'true',
      'disable-font-injection': 'true',
      'disable-telemetry': 'true',
    })
  fill('devices', table)
}

/** The component's rows can be clicked and nothing else: here they are buttons, for keys and screen readers too. */
export function openByKeyboard(): void {
  const place = part('devices')
  new MutationObserver(() => {
    for (const heading of place.querySelectorAll('h5')) heading.ariaLevel = '3'
    for (const row of place.querySelectorAll<HTMLElement>('.seam-table-row:not([role])')) {
      row.role = 'button'
      row.tabIndex = 0
    }
  }).observe(place, { childList: true, subtree: true })
  place.addEventListener('keydown', (event) => {
    const { key, target } = event
    if (!(target instanceof HTMLElement) || !target.matches('.seam-table-row')) return
    if (key !== 'Enter' && key !== ' ') return
    event.preventDefault()
    target.click()
  })
}
