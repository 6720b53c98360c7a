import { part } from './element.ts'

/** Connects an account: the user logs in on Seam's page in another tab, and we poll for the result. */

interface Options {
  api: string
  bearer: () => Promise<string>
  /** The user who is signed in. We stop waiting when that changes. */
  sub: () => string
  connected: () => void
}

const every = 1500
let round = 0

export async function connect(options: Options): Promise<void> {
  const mine = ++round
  const sub = options.sub()
  const isOver = () => mine !== round || sub !== options.sub()
  try {
    const { connect_webview_id, url } = await ask(options, 'POST', '')
    if (isOver()) return
    show('Log in on Seam’s page; the devices then appear here by themselves.', url)
    window.open(url, '_blank', 'noopener')
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, every))
      const answer = isOver()
        ? undefined
        : await ask(options, 'GET', `/${connect_webview_id}`).catch(() => undefined)
      if (isOver()) return
      if (answer?.status === 'failed') return show('The login has failed. Nothing was connected.')
      if (answer?.status !== 'connected') continue
      show('')
      return options.connected()
    }
  } catch (error) {
    if (!isOver()) show(error instanceof Error ? error.message : 'That did not work.')
  }
}

export function stopConnecting(): void {
  round++
  show('')
}
part('connecting-stop').addEventListener('click', stopConnecting)

async function ask({ api, bearer }: Options, method: string, path: string) {
  const headers = { authorization: `Bearer ${await bearer()}` }
  const response = await fetch(`${api}/connect-webview${path}`, { method, headers })
  const answer = await response.json()
  if (!response.ok) throw new Error(answer.detail ?? answer.title)
  return answer
}

function show(sentence: string, url?: string): void {
  part('connecting').hidden = sentence === ''
  part('connecting-text').textContent = sentence
  part('connecting-link').hidden = url === undefined
  part('connecting-stop').hidden = url === undefined
  if (url !== undefined) part<HTMLAnchorElement>('connecting-link').href = url
}
