import { backoffTimer } from './backoff.ts'
import { bearerGetter, issAndSub, meansSignedOut, subjectIn } from './bearers.ts'
import { type BrowserDeps, endSession } from './end-session.ts'
import { type Listener, listenerSet } from './listeners.ts'
import type { ClientSessionOptions } from './options.ts'
import { refreshTimer } from './refresh-timer.ts'
import { stepUpAsker } from './step-up.ts'
import { openTabs } from './tabs.ts'
import { between, sleep, stopwatch, unlessAborted, within } from './time.ts'
import {
  type Action,
  type ClientSession,
  ClientSessionError,
  type Held,
  isClientSession,
  send,
  signedOut,
} from './wire.ts'

// Milliseconds.
/** With less left than this, a call waits for a better token, if it can get one. */
const soon = 10_000
/** A call waits no longer than this for its next try. */
const longestWait = 30_000
const shortestRefresh = 5_000
const signOutTime = 10_000

/** Tries of one call. */
const mostTries = 5
/** In a row, within a quarter of an hour. Then nothing is tried until the page calls, is looked at, or is online again. */
const mostFailures = 12

/** The rules between one page, its identity provider and the endpoint: they all meet in `ask`. */
export class SessionKeeper {
  readonly #deps: BrowserDeps
  readonly #now = stopwatch()
  readonly #backoff = backoffTimer(this.#now)
  readonly #listeners = listenerSet()
  readonly #timer = refreshTimer({
    now: this.#now,
    due: () => this.#due(),
    renew: () => {
      if (this.#held && !this.#usable()) this.#dropSession()
      return this.#ask(true)
    },
    wake: () => {
      this.#backoff.cutShort()
      return this.#ask()
    },
  })

  #held: Held | undefined
  /** Whose session is held or asked for; empty: nobody is signed in. */
  #subject: string | undefined
  #questions = 0
  #lastAnswered = 0
  #running: Promise<void> | undefined
  /** The id of a session that Seam refused. */
  #stale: string | undefined
  /** The same bearer token would be refused again. */
  #refused: { bearer: string; error: ClientSessionError } | undefined
  /** Goes up when everything is forgotten: what began before no longer counts. */
  #epoch = 0
  #lastSignOut = 0
  #isSigningOut: boolean | undefined
  #tabs: BroadcastChannel | undefined
  readonly #stepUp: ReturnType<typeof stepUpAsker>

  constructor({ url, getToken, subjectOf = issAndSub, onStepUp }: ClientSessionOptions) {
    this.#deps = { url, getBearer: bearerGetter(getToken), subjectOf }
    this.#stepUp = stepUpAsker(onStepUp)
  }

  // Fields, so that a page may take one out of the object.
  readonly getClientSession = ({ stale, signal }: GetOptions = {}): Promise<ClientSession> => {
    const held = this.#held
    if (stale && (!held || held.session.client_session_id === stale)) this.#stale = stale
    return unlessAborted(this.#ask(false, signal), signal)
  }

  readonly onChange = (listener: Listener): (() => void) => {
    const remove = this.#listeners.add(listener)
    this.#timer.start()
    this.#timer.after(this.#ask())
    return () => {
      remove()
      if (this.#listeners.size === 0) this.#timer.stop()
    }
  }

  readonly signOut = (options: { everywhere?: boolean } = {}): Promise<boolean> => this.#leave(options)

  /** Forgets everything; the bearer token of this sign-in makes no session again. `end`: what to end at the endpoint. */
  #leave(end?: { everywhere?: boolean }): Promise<boolean> {
    const asked = this.#deps.getBearer(false)
    const running = this.#running
    this.#forget(signedOut())
    const epoch = this.#epoch
    this.#lastSignOut = epoch
    this.#isSigningOut = true
    // A page that still asks must not open a session for the same sign-in again.
    const refuse = (bearer: string) => {
      if (epoch === this.#epoch) this.#refused = { bearer, error: signedOut() }
    }
    const ended = (async () => {
      const bearer = await asked
      if (!bearer) return false
      refuse(bearer)
      const subject = subjectIn(bearer, this.#deps.subjectOf)
      // Of a token that cannot be read, the subject is the token itself.
      if (end && subject !== bearer) this.#tabs?.postMessage(subject)
      // If the endpoint saw that request after this one, it would create a new session.
      await running?.catch(() => {})
      return !!end && endSession(this.#deps, end.everywhere, bearer, refuse)
    })()
    return within(signOutTime, ended)
      .catch(() => false)
      .finally(() => {
        if (epoch === this.#epoch) this.#isSigningOut = false
      })
  }

  readonly reset = (): void => {
    this.#forget()
    this.#isSigningOut = false
    if (this.#listeners.size) this.#timer.after(this.#ask())
  }

  async #ask(refresh?: boolean, signal?: AbortSignal): Promise<ClientSession> {
    this.#tabs ??= openTabs(this.#deps.url, (subject) => {
      // Only what is still being made here needs to be ended here.
      if (subject === this.#subject) void this.#leave(this.#running && {})
    })
    const began = this.#epoch
    // A window that opens by a timer would be blocked.
    const mayRenew: Partial<Record<Action, boolean>> = { reauthenticate: true, step_up: !refresh }
    let fresh = false
    let answered = false
    for (let tries = 1; tries <= 2 * mostTries; tries++) {
      signal?.throwIfAborted()
      if (this.#isSigningOut || this.#lastSignOut > began) throw signedOut()
      const epoch = this.#epoch
      try {
        const bearer = await this.#currentBearer(fresh)
        fresh = false
        if (!bearer || epoch !== this.#epoch) continue
        const good = this.#usable()
        if (good && (answered || (!refresh && good.expiresAt - this.#now() > soon)))
          return this.#handOut(good)
        await this.#vend(bearer)
        // Around again: the user who is signed in after the answer must be the one it is for.
        answered = true
      } catch (thrown) {
        if (epoch !== this.#epoch) continue
        const error = thrown as ClientSessionError
        const { action, code } = error
        const isNobody = /^(not_)?signed_/.test(code)
        if (mayRenew[action] && !isNobody && (action !== 'step_up' || (await this.#stepUp.ask(error)))) {
          fresh = true
          mayRenew[action] = false
          continue
        }
        if (action === 'reauthenticate' || action === 'stop') this.#held = undefined
        const good = this.#usable()
        if (good?.confirmed) return this.#handOut(good)
        const wait = this.#backoff.until - this.#now()
        if (action !== 'retry' || tries >= mostTries || wait > longestWait) {
          this.#listeners.tell(undefined, error)
          throw error
        }
        // Timers may ring a moment early.
        await sleep(wait + 10)
        // Issued too soon after a sign-out: the same one is refused for its whole life.
        fresh = code === 'invalid_token'
      }
    }
    throw new ClientSessionError('retry', 'unexpected_answer')
  }

  /** The bearer token of the user; undefined: ask again. Forgets everything when the user has changed. */
  async #currentBearer(fresh: boolean): Promise<string | undefined> {
    const epoch = this.#epoch
    const question = ++this.#questions
    let cause: unknown
    const bearer = await this.#deps.getBearer(fresh).catch((thrown: unknown) => {
      cause = thrown
      if (meansSignedOut(thrown)) return undefined
      if (thrown instanceof ClientSessionError) throw thrown
      throw this.#failed(new ClientSessionError('retry', 'get_token_failed', { cause }), epoch)
    })
    const answer = bearer ? subjectIn(bearer, this.#deps.subjectOf) : ''
    // An old question may be answered late, with a user who has left.
    if (epoch !== this.#epoch || (question < this.#lastAnswered && answer !== this.#subject)) return undefined
    if (this.#backoff.error?.code === 'get_token_failed') this.#backoff.recovered()
    if (this.#subject !== undefined && answer !== this.#subject) this.#forget()
    this.#subject = answer
    this.#lastAnswered = Math.max(question, this.#lastAnswered)
    if (!bearer) throw new ClientSessionError('reauthenticate', 'not_signed_in', { cause })
    return bearer
  }

  #usable(): Held | undefined {
    const held = this.#held
    return held && this.#now() < held.expiresAt && held.session.client_session_id !== this.#stale
      ? held
      : undefined
  }

  #handOut(good: Held): ClientSession {
    good.confirmed = true
    this.#listeners.tell(good.session)
    if (this.#now() >= good.refreshAt) this.#timer.refresh()
    return good.session
  }

  /** One request at a time, and none whose answer is known or that the endpoint asked to delay. */
  async #vend(bearer: string): Promise<void> {
    const epoch = this.#epoch
    if (this.#refused?.bearer === bearer) throw this.#refused.error
    if (this.#backoff.error && this.#now() < this.#backoff.until) throw this.#backoff.error
    this.#running ??= this.#post(bearer).finally(() => {
      if (epoch === this.#epoch) this.#running = undefined
    })
    return this.#running
  }

  async #post(bearer: string): Promise<void> {
    const epoch = this.#epoch
    const stale = this.#stale
    const sentAt = this.#now()
    try {
      const session = await send(this.#deps.url, 'POST', bearer, stale)
      if (epoch !== this.#epoch) return
      if (!isClientSession(session) || session.client_session_id === stale)
        throw new ClientSessionError('retry', 'unexpected_answer')
      const { client_session_id, expires_in, refresh_in } = Object.freeze(session)
      // The endpoint extends from `refresh_in` to the end: in the first half of that, tabs that began together spread out.
      const latest = Math.max(refresh_in, (refresh_in + expires_in) / 2)
      // Errs on the safe side: not too late an end, not too early a refresh.
      this.#held = {
        session,
        confirmed: false,
        expiresAt: sentAt + expires_in * 1000,
        refreshAt: this.#now() + Math.max(shortestRefresh, between(refresh_in, latest) * 1000),
      }
      if (client_session_id !== this.#stale) this.#stale = undefined
      this.#refused = undefined
      this.#stepUp.mayAsk = true
      this.#backoff.recovered()
    } catch (thrown) {
      const error = this.#failed(thrown as ClientSessionError, epoch)
      if (epoch === this.#epoch && error.action !== 'retry') this.#refused = { bearer, error }
      throw error
    }
  }

  #failed(error: ClientSessionError, epoch: number): ClientSessionError {
    if (epoch === this.#epoch && error.action === 'retry') this.#backoff.failed(error)
    return error
  }

  #dropSession(error?: ClientSessionError): void {
    this.#held = undefined
    this.#listeners.tell(undefined, error)
  }

  #forget(error?: ClientSessionError): void {
    this.#epoch++
    this.#subject = this.#running = this.#stale = this.#refused = undefined
    this.#stepUp.mayAsk = true
    this.#backoff.recovered()
    this.#dropSession(error)
  }

  /** When the timer has something to do: the next try, or the end of the session; never while nobody listens. */
  #due(): number {
    if (this.#listeners.size === 0) return Infinity
    const held = this.#held
    const backoff = this.#backoff
    const hasGivenUp = this.#refused || backoff.failures >= mostFailures
    const nextTry = hasGivenUp ? Infinity : backoff.failures ? backoff.until : (held?.refreshAt ?? Infinity)
    return Math.min(nextTry, held?.expiresAt ?? Infinity)
  }
}

interface GetOptions {
  stale?: string
  signal?: AbortSignal
}
