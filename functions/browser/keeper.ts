import type { ClientSessionOptions, ClientSessions } from '../browser.ts'
import { audience } from './audience.ts'
import { bearerGetter, issAndSub, subjectIn } from './bearers.ts'
import { sessionEnder } from './ending.ts'
import { pauser } from './pauses.ts'
import { tender } from './tending.ts'
import { between, sleep, stopwatch, unlessAborted, within } from './time.ts'
import { type ClientSession, ClientSessionError, isClientSession, sender } from './wire.ts'

// Milliseconds.
/** With less left than this, a call waits for a better token, if it can be had. */
const soon = 10_000
/** A call waits no longer than this for its next try. */
const patience = 30_000
const shortestRefresh = 5_000
const signOutTime = 10_000

/** Tries of one call. */
const mostTries = 5
/** In a row, within a quarter of an hour; then nothing is tried until somebody asks, looks at the page, or is online again. */
const mostFailures = 12

/** The rules between one page, its identity provider and the endpoint: `ask` is where they all cross. */
export function sessionKeeper({
  url,
  getToken,
  subjectOf = issAndSub,
}: ClientSessionOptions): ClientSessions {
  const send = sender(url)
  const getBearer = bearerGetter(getToken)
  const endSession = sessionEnder({ send, getBearer, subjectOf })
  const now = stopwatch()
  const pause = pauser(now)
  const listeners = audience()
  const background = tender({
    now,
    wanted: () => listeners.size > 0,
    due,
    renew() {
      if (held && !atHand()) forget()
      return ask(true)
    },
    wake() {
      pause.cutShort()
      return ask()
    },
  })

  let held: Held | undefined
  /** Whose session is held or asked for; empty: nobody is signed in. */
  let subject: string | undefined
  let questions = 0
  let lastAnswered = 0
  let running: Promise<void> | undefined
  /** The id of a session that Seam refused. */
  let dead: string | undefined
  /** The same bearer token would be refused again. */
  let refused: { bearer: string; error: ClientSessionError } | undefined
  /** Goes up when everything is forgotten: what began before then counts no more. */
  let era = 0
  let lastSignOut = 0
  let signingOut = false

  async function ask(renew = false, signal?: AbortSignal): Promise<ClientSession> {
    const began = era
    let fresh = false
    let mayReauthenticate = true
    let answered = false
    for (let tries = 1; tries <= 2 * mostTries; tries++) {
      signal?.throwIfAborted()
      if (signingOut || lastSignOut > began) throw signedOut()
      const mine = era
      try {
        const bearer = await whoIsSignedIn(fresh)
        fresh = false
        if (bearer === undefined || mine !== era) continue
        const good = atHand()
        if (good && (answered || (!renew && good.expiresAt - now() > soon))) return handOut(good)
        await vend(bearer)
        // Around again: whoever is signed in after the answer must be whom it is for.
        answered = true
      } catch (thrown) {
        if (mine !== era) continue
        const error = thrown as ClientSessionError
        const { action, code } = error
        if (action === 'reauthenticate' && mayReauthenticate && !/^(not_)?signed_/.test(code)) {
          fresh = true
          mayReauthenticate = false
          continue
        }
        if (action === 'reauthenticate' || action === 'stop') held = undefined
        const good = atHand()
        if (good?.confirmed) return handOut(good)
        const wait = pause.until - now()
        if (action !== 'retry' || tries >= mostTries || wait > patience) {
          listeners.tell(undefined, error)
          throw error
        }
        // Timers may ring a moment early.
        await sleep(wait + 10)
      }
    }
    throw new ClientSessionError('retry', 'unexpected_answer')
  }

  /** Their bearer token; or nothing: ask again. Forgets everything when it is somebody else than before. */
  async function whoIsSignedIn(fresh: boolean): Promise<string | undefined> {
    const mine = era
    const question = ++questions
    const bearer = await getBearer(fresh).catch((cause: unknown) => {
      throw failed(new ClientSessionError('retry', 'get_token_failed', { cause }), mine)
    })
    const answer = bearer ? subjectIn(bearer, subjectOf) : ''
    // An old question may be answered late, with whom has left.
    if (mine !== era || (question < lastAnswered && answer !== subject)) return undefined
    if (pause.error?.code === 'get_token_failed') pause.recovered()
    if (subject !== undefined && answer !== subject) forgetEverything()
    subject = answer
    lastAnswered = Math.max(question, lastAnswered)
    if (!bearer) throw new ClientSessionError('reauthenticate', 'not_signed_in')
    return bearer
  }

  function atHand(): Held | undefined {
    return held && now() < held.expiresAt && held.session.client_session_id !== dead ? held : undefined
  }

  function handOut(good: Held): ClientSession {
    good.confirmed = true
    listeners.tell(good.session)
    if (now() >= good.refreshAt) background.tend()
    return good.session
  }

  /** One request at a time, and none whose answer is known or that the endpoint asked to wait with. */
  async function vend(bearer: string): Promise<void> {
    if (refused?.bearer === bearer) throw refused.error
    if (pause.error && now() < pause.until) throw pause.error
    if (running === undefined) {
      const mine = era
      running = post(bearer).finally(() => {
        if (mine === era) running = undefined
      })
    }
    return running
  }

  async function post(bearer: string): Promise<void> {
    const mine = era
    const stale = dead
    const sentAt = now()
    try {
      const session = await send('POST', bearer, stale)
      if (mine !== era) return
      if (!isClientSession(session) || session.client_session_id === stale)
        throw new ClientSessionError('retry', 'unexpected_answer')
      held = { session: Object.freeze(session), confirmed: false, ...lifeOf(session, sentAt) }
      if (session.client_session_id !== dead) dead = undefined
      refused = undefined
      pause.recovered()
    } catch (thrown) {
      const error = failed(thrown as ClientSessionError, mine)
      if (mine === era && error.action !== 'retry') refused = { bearer, error }
      throw error
    }
  }

  /** Errs on the safe side: not too late an end, not too early a refresh. */
  function lifeOf({ expires_in, refresh_in }: ClientSession, sentAt: number) {
    // The endpoint extends from `refresh_in` to the end: in the first half of that, tabs that began together spread out.
    const latest = Math.max(refresh_in, (refresh_in + expires_in) / 2)
    return {
      expiresAt: sentAt + expires_in * 1000,
      refreshAt: now() + Math.max(shortestRefresh, between(refresh_in, latest) * 1000),
    }
  }

  function failed(error: ClientSessionError, mine: number): ClientSessionError {
    if (mine === era && error.action === 'retry') pause.failed(error)
    return error
  }

  function forget(): void {
    held = undefined
    listeners.tell()
  }

  function forgetEverything(): void {
    era++
    subject = running = dead = refused = undefined
    pause.recovered()
    forget()
  }

  /** When the background has something to do: the next try, or the end of what is at hand. */
  function due(): number {
    const givenUp = refused !== undefined || pause.failures >= mostFailures
    const nextTry = givenUp ? Infinity : pause.failures > 0 ? pause.until : (held?.refreshAt ?? Infinity)
    return Math.min(nextTry, held?.expiresAt ?? Infinity)
  }

  return {
    getClientSession({ stale, signal } = {}) {
      if (stale !== undefined && (held === undefined || held.session.client_session_id === stale))
        dead = stale
      return unlessAborted(ask(false, signal), signal)
    },

    onChange(listener) {
      const leave = listeners.seat(listener)
      background.start()
      background.after(ask())
      return () => {
        leave()
        if (listeners.size === 0) background.stop()
      }
    },

    async signOut() {
      const asked = getBearer(false)
      const underWay = running
      forgetEverything()
      const mine = era
      lastSignOut = era
      signingOut = true
      const ended = (async () => {
        const bearer = await asked
        // If the endpoint saw that request after this one, it would make a session anew.
        await underWay?.catch(nothing)
        return bearer ? endSession(bearer, refuse) : false
      })()
      return within(signOutTime, ended)
        .catch(() => false)
        .finally(() => {
          if (mine === era) signingOut = false
        })

      /** A page that still asks must not open a session for the same sign-in again. */
      function refuse(bearer: string) {
        if (mine === era) refused = { bearer, error: signedOut() }
      }
    },

    reset() {
      forgetEverything()
      signingOut = false
      if (listeners.size > 0) background.after(ask())
    },
  }
}

interface Held {
  session: ClientSession
  /** By the stopwatch, as `expiresAt`. */
  refreshAt: number
  expiresAt: number
  /** Its user was still signed in after it had come. */
  confirmed: boolean
}

function signedOut(): ClientSessionError {
  return new ClientSessionError('reauthenticate', 'signed_out')
}

function nothing(): void {}
