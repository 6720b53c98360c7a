import type { Browser } from './browser.ts'
import { bearerOf } from './browser.ts'
import { part } from './element.ts'

/** Connects an account: the user logs in on Seam's page in another tab, and we poll for the result. */

const every = 1500
let round = 0

/** Resolves when the wait is over; true: an account was connected. */
export async function connect(
  browser: Browser,
  { api, issuer }: { api: string; issuer: string },
): Promise<boolean> {
  const mine = ++round
  const { sub } = browser.login
  const isOver = () => mine !== round || sub !== browser.login.sub
  const ask = async (method: string, path: string) => {
    const headers = { authorization: `Bearer ${await bearerOf(browser, issuer)}` }
    const response = await fetch(`${api}/connect-webview${path}`, { method, headers })
    const answer = await response.json()
    if (!response.ok) throw new Error(answer.detail ?? answer.title)
    return answer
  }
  try {
    const { connect_webview_id, url } = await ask('POST', '')
    if (isOver()) return false
    show('Log in on Seam’s page; the devices then appear here by themselves.', url)
    window.open(url, '_blank', 'noopener')
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, every))
      const answer = isOver() ? undefined : await ask('GET', `/${connect_webview_id}`).catch(() => undefined)
      if (isOver()) return false
      if (answer?.status !== 'connected' && answer?.status !== 'failed') continue
      show(answer.status === 'failed' ? 'The login failed. Nothing was connected.' : '')
      return answer.status === 'connected'
    }
  } catch (error) {
    if (!isOver()) show(error instanceof Error ? error.message : 'That did not work.')
    return false
  }
}

export function stopConnecting(): void {
  round++
  show('')
}

function show(sentence: string, url?: string): void {
  part('connecting').hidden = sentence === ''
  part('connecting-text').textContent = sentence
  part('connecting-link').hidden = url === undefined
  part('connecting-stop').hidden = url === undefined
  if (url !== undefined) part<HTMLAnchorElement>('connecting-link').href = url
}
