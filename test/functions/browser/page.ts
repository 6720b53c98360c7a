import {
  type ClientSession,
  type ClientSessionError,
  type ClientSessionOptions,
  type ClientSessions,
  clientSession,
} from '../../../functions/browser/client-session.ts'
import { bearerOf, type Endpoint, startEndpoint } from './endpoint.ts'
import { passing, resumeTime, stopTime } from './time.ts'

/** A page whose user, endpoint and time a test decides. */
export interface Page {
  endpoint: Endpoint
  /** Answers `getToken`. */
  getToken: (options: { fresh: boolean }) => string | undefined | Promise<string | undefined>
  /** Each time that `getToken` was called: whether it had to be fresh. */
  asked: boolean[]
  /** Another one on the same page, as another tab has it. */
  sessions(options?: Partial<ClientSessionOptions>): ClientSessions
  /** Everything that listeners were told: tokens and codes. */
  told: string[]
  listen(sessions: ClientSessions): () => void
  hide(): void
  show(): void
  /** The network is back. */
  online(): void
  close(): Promise<void>
}

export async function openPage(): Promise<Page> {
  const endpoint = await startEndpoint()
  stopTime()
  const browser = openBrowser()
  const leaving: (() => void)[] = []
  const page: Page = {
    endpoint,
    getToken: () => bearerOf('ada'),
    asked: [],
    sessions: (options) =>
      clientSession({
        url: endpoint.url,
        getToken: async (options) => {
          page.asked.push(options.fresh)
          return page.getToken(options)
        },
        ...options,
      }),
    told: [],
    listen(sessions) {
      const leave = sessions.onChange((session, error) => {
        page.told.push(session?.token ?? error?.code ?? 'nothing')
      })
      leaving.push(leave)
      return leave
    },
    hide: () => browser.see('hidden'),
    show: () => browser.see('visible'),
    online: browser.online,
    async close() {
      for (const leave of leaving) leave()
      browser.close()
      resumeTime()
      await endpoint.close()
    },
  }
  return page
}

/** As much of a browser as the helper looks at. */
function openBrowser() {
  const window = new EventTarget()
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  const globals = {
    document,
    addEventListener: window.addEventListener.bind(window),
    removeEventListener: window.removeEventListener.bind(window),
  }
  Object.assign(globalThis, globals)
  return {
    see(visibilityState: 'visible' | 'hidden') {
      document.visibilityState = visibilityState
      document.dispatchEvent(new Event('visibilitychange'))
    },
    online: () => void window.dispatchEvent(new Event('online')),
    close() {
      for (const name of Object.keys(globals)) Reflect.deleteProperty(globalThis, name)
    },
  }
}

export const tokenOf = ({ token }: ClientSession) => token

/** What the work fails with, however long the page has to wait. */
export async function errorOf(work: Promise<unknown>): Promise<ClientSessionError> {
  const [result] = await passing(Promise.allSettled([work]))
  if (result?.status !== 'rejected') throw new Error('It did not fail.')
  return result.reason
}
