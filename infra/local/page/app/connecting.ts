import { part } from './element.ts'

/** How a person connects an account: a page of Seam's in another tab, and asking here how it goes. */
export function accountConnecting(options: {
  api: string
  bearer: () => Promise<string>
  /** Who is signed in; when somebody else is, the waiting ends. */
  sub: () => string
  connected: () => void
}) {
  const { api, bearer, sub, connected } = options
  const every = 1500
  let round = 0

  async function ask(method: string, path: string) {
    const response = await fetch(`${api}/connect-webview${path}`, {
      method,
      headers: { authorization: `Bearer ${await bearer()}` },
    })
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

  async function connect(): Promise<void> {
    const mine = ++round
    const who = sub()
    const over = () => mine !== round || who !== sub()
    try {
      const { connect_webview_id, url } = await ask('POST', '')
      if (over()) return
      show('Log in on Seam’s page; the devices then appear here by themselves.', url)
      window.open(url, '_blank', 'noopener')
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, every))
        if (over()) return
        const answer = await ask('GET', `/${connect_webview_id}`).catch(() => undefined)
        if (over()) return
        if (answer?.status === 'connected') {
          show('')
          return connected()
        }
        if (answer?.status === 'failed') return show('The login has failed. Nothing was connected.')
      }
    } catch (error) {
      if (!over()) show(error instanceof Error ? error.message : 'That did not work.')
    }
  }

  function stop(): void {
    round++
    show('')
  }
  part('connecting-stop').addEventListener('click', stop)
  return { connect, stop }
}
