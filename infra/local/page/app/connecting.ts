import { type Browser, bearerOf } from './browser.ts'
import { part } from './element.ts'

/** Connects an account: the user logs in on Seam's page in another tab, and we poll for the result. */

const every = 1500
let round = 0

/** Resolves when the wait is over. @throws Error why nothing was connected, in a sentence */
export async function connect(browser: Browser): Promise<void> {
  const mine = ++round
  const { login, facts } = browser
  const isOver = () => mine !== round || login !== browser.login
  const ask = async (method: string, path = '') => {
    const headers = { authorization: `Bearer ${await bearerOf(browser)}` }
    const response = await fetch(`${facts.api}/connect-webview${path}`, { method, headers })
    const answer = await response.json()
    if (!response.ok) throw new Error(answer.detail ?? answer.title)
    return answer
  }
  const { connect_webview_id, url } = await ask('POST')
  if (isOver()) return
  part<HTMLAnchorElement>('connecting-link').href = url
  part('connecting').hidden = false
  window.open(url, '_blank', 'noopener')
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, every))
    const answer = isOver() ? undefined : await ask('GET', `/${connect_webview_id}`).catch(() => undefined)
    if (isOver()) return
    if (answer?.status !== 'connected' && answer?.status !== 'failed') continue
    stopConnecting()
    if (answer.status === 'connected') return
    throw new Error('The login failed. Nothing was connected.')
  }
}

export function stopConnecting(): void {
  round++
  part('connecting').hidden = true
}
