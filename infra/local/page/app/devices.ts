import { QueryClient } from '@tanstack/query-core'
import type { ClientSession } from '../../../../functions/browser/client-session.ts'
import { element } from './element.ts'

/**
 * Seam's own component, which calls Seam from here with the client session token and nothing else. It does
 * not report that Seam refuses the token, and asks again only when it is recreated: so we look for ourselves.
 */
export function deviceView(place: HTMLElement, refused: (session: ClientSession) => void) {
  let shown: string | undefined
  openByKeyboard(place)

  return {
    hide(): void {
      shown = undefined
      place.replaceChildren()
    },

    /** Shows what the token opens now. Returns how many devices; undefined: Seam could not be asked. */
    async look(session: ClientSession, isCurrent: () => boolean): Promise<number | undefined> {
      const response = await fetch(`${session.endpoint}/devices/list`, {
        method: 'POST',
        headers: { authorization: `Bearer ${session.token}` },
        signal: AbortSignal.timeout(8000),
      }).catch(() => undefined)
      if (!isCurrent()) return undefined
      if (response?.status === 401) refused(session)
      if (!response?.ok) return undefined
      const { devices }: { devices: { device_id: string }[] } = await response.json()
      if (!isCurrent()) return undefined
      const showing = [session.token, ...devices.map(({ device_id }) => device_id).sort()].join()
      if (showing !== shown) {
        shown = showing
        // All of Seam's components share one cache, which does not ask whose answers it holds.
        Object.assign(globalThis, { seamQueryClient: new QueryClient() })
        place.replaceChildren(tableFor(session))
      }
      return devices.length
    },
  }
}

function tableFor({ token, endpoint }: ClientSession): HTMLElement {
  return element('seam-device-table', {
    'client-session-token': token,
    endpoint,
    'disable-search': 'true',
    // Each of these would load or send something past the Content-Security-Policy.
    'disable-css-injection': 'true',
    'disable-font-injection': 'true',
    'disable-telemetry': 'true',
  })
}

/** The component's rows can be clicked and nothing else: here they are buttons, for keys and screen readers too. */
function openByKeyboard(place: HTMLElement): void {
  new MutationObserver(() => {
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
