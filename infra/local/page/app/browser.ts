import {
  type ClientSession,
  type ClientSessionError,
  clientSession,
} from '../../../../functions/browser/client-session.ts'
import type { PageFacts } from '../server.ts'

/** One browser of the user who is signed in: a login of its own, and so a client session of its own. */
export interface Browser {
  number: number
  facts: PageFacts
  /** Absent: nobody is signed in. */
  login?: { claims: Claims; cached?: string | undefined } | undefined
  sessions: ReturnType<typeof clientSession>
  /** What it holds now. */
  session?: ClientSession | undefined
  error?: ClientSessionError | undefined
  /** By `performance.now()`. */
  since: number
  /** Names of what the token opens; undefined: Seam could not be asked. */
  devices?: string[] | undefined
  /** Seam has answered 401 to this client session's token. */
  refused?: string | undefined
}

/** `sub`, and whatever else a login's bearer tokens say. */
export type Claims = Record<string, unknown>

export function newBrowser(number: number, facts: PageFacts, changed: () => void): Browser {
  /** As an app's identity provider gives it: cached, unless it must be fresh. */
  const getToken = async ({ fresh }: { fresh: boolean }) => {
    const { login } = browser
    if (login && fresh) login.cached = undefined
    return login && bearerOf(browser)
  }
  const sessions = clientSession({ url: facts.api, getToken })
  const browser: Browser = { number, facts, sessions, since: 0 }
  sessions.onChange((session, error) => {
    Object.assign(browser, { session, error, since: performance.now(), devices: session && browser.devices })
    changed()
  })
  return browser
}

/** Without `claims`: nobody is signed in any more. */
export function signIn(browser: Browser, claims?: Claims): void {
  Object.assign(browser, { login: claims && { claims }, devices: undefined, refused: undefined })
  browser.sessions.reset()
}

/** As if the app had been asleep for hours: the token at hand has expired. */
export async function expireSignIn({ login, facts, sessions }: Browser): Promise<void> {
  if (login) login.cached = await fetchToken(facts, { ...login.claims, iat: 1, exp: 2 })
  sessions.reset()
}

export async function bearerOf({ login, facts }: Browser): Promise<string> {
  if (login === undefined) throw new Error('Nobody is signed in.')
  login.cached ??= await fetchToken(facts, login.claims)
  return login.cached
}

async function fetchToken({ issuer }: PageFacts, claims: Claims): Promise<string> {
  const response = await fetch(`${issuer}/token`, { method: 'POST', body: JSON.stringify(claims) })
  if (!response.ok) throw new Error(`The identity provider answered ${response.status}.`)
  return (await response.json()).access_token
}
