import {
  type ClientSession,
  type ClientSessionError,
  clientSession,
  type GetToken,
} from '../../../../functions/browser/client-session.ts'

/** One browser of the user who is signed in: a login of its own, and so a client session of its own. */
export interface Browser {
  number: number
  login: Login
  sessions: ReturnType<typeof clientSession>
  /** What it holds now. */
  session?: ClientSession | undefined
  error?: ClientSessionError | undefined
  /** By `performance.now()`. */
  since: number
  /** Names of what the token opens; undefined: Seam could not be asked. */
  devices?: string[] | undefined
  /** It is signing out: nothing is to be asked for. */
  isLeaving?: boolean
  /** Seam has answered 401 to this client session's token. */
  refused?: string | undefined
}

interface Login {
  sub: string
  claims: Record<string, unknown>
  cached?: string | undefined
}

export function newBrowser(
  number: number,
  { api, issuer }: { api: string; issuer: string },
  changed: (browser: Browser) => void,
): Browser {
  const login: Login = { sub: '', claims: {} }
  const sessions = clientSession({ url: api, getToken: tokenOf(login, issuer) })
  const browser: Browser = { number, login, sessions, since: 0 }
  sessions.onChange((session, error) => {
    Object.assign(browser, { session, error, since: performance.now(), devices: session && browser.devices })
    changed(browser)
  })
  return browser
}

/** Each browser's login has another `sid`, and each new login after the first, which is the one of a plain curl. */
export function signIn(browser: Browser, sub: string, claims: Record<string, unknown>, isNew = false): void {
  const { login, number } = browser
  const sid = isNew || number > 1 ? { sid: crypto.randomUUID() } : {}
  Object.assign(login, { sub, claims: { ...sid, ...claims }, cached: undefined })
  Object.assign(browser, { devices: undefined, refused: undefined, isLeaving: false })
  browser.sessions.reset()
}

/** The `sid` of the browser's bearer token, as a provider's logout names it. */
export async function sidOf(browser: Browser, issuer: string): Promise<string> {
  const [, claims = ''] = (await bearerOf(browser, issuer)).split('.')
  return JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/'))).sid
}

/** As if the app had been asleep for hours: the token at hand has expired. */
export async function expireSignIn({ login, sessions }: Browser, issuer: string): Promise<void> {
  login.cached = await fetchToken(login, issuer, { iat: 1, exp: 2 })
  sessions.reset()
}

export const bearerOf = async ({ login }: Browser, issuer: string): Promise<string> =>
  (login.cached ??= await fetchToken(login, issuer))

/** As an app's identity provider gives it: cached, unless it must be fresh. */
function tokenOf(login: Login, issuer: string): GetToken {
  return async function getToken({ fresh }) {
    const { sub } = login
    if (sub === '') return undefined
    if (!fresh && login.cached !== undefined) return login.cached
    const token = await fetchToken(login, issuer)
    // Somebody else has signed in meanwhile.
    if (login.sub !== sub) return getToken({ fresh: false })
    login.cached = token
    return token
  }
}

async function fetchToken({ sub, claims }: Login, issuer: string, more = {}): Promise<string> {
  const body = JSON.stringify({ ...claims, sub, ...more })
  const response = await fetch(`${issuer}/token`, { method: 'POST', body })
  if (!response.ok) throw new Error(`The identity provider answered ${response.status}.`)
  return (await response.json()).access_token
}
