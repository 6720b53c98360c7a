import {
  type ClientSession,
  type ClientSessionError,
  clientSession,
} from '../../../../functions/browser/client-session.ts'
import type { PageFacts } from '../server.ts'
import type { Observation } from '../watching.ts'
import { connect, stopConnecting } from './connecting.ts'
import { prepareDesk, refreshDesk } from './desk.ts'
import { deviceView } from './devices.ts'
import { element, part } from './element.ts'
import { identityClient } from './identity.ts'
import { exchanged, see } from './machine.ts'
import { refusals } from './sentences.ts'
import { setAge, showSession } from './session-card.ts'
import { summaryOf } from './steps.ts'
import { recordExchanges } from './wire.ts'

/** The page, from top to bottom: an app's side of the token vending machine, and windows on what happens behind. */

const facts: PageFacts = await untilStarted()

recordExchanges(facts.api, exchanged)

const identity = identityClient(facts.issuer)
const sessions = clientSession({ url: facts.api, getToken: identity.getToken })

const devices = deviceView(part('devices'), ({ client_session_id }) => {
  say('Seam refused the token; asking for another …')
  sessions.getClientSession({ stale: client_session_id }).catch(() => {})
})
const desk = { sub: () => identity.sub, failed: (sentence: string) => say(sentence, 'wrong') }
const connecting = {
  api: facts.api,
  bearer: async () => (await identity.getToken({ fresh: false })) ?? '',
  sub: () => identity.sub,
  connected: () => void look(),
}

let current: ClientSession | undefined
sessions.onChange(changed)
showUsers()
prepareDesk(desk)
watchTheMachine()
if (facts.operator) {
  window.addEventListener('hashchange', () => subInAddress() !== identity.sub && signIn(subInAddress()))
  signIn(subInAddress())
}
document.addEventListener('visibilitychange', () => void look())
setInterval(() => document.hidden || void look(), 15_000)

part('ask-again').addEventListener('click', () => sessions.reset())
part('connect').addEventListener('click', () => void connect(connecting))
part('sign-out').addEventListener('click', () => void signOut())
part('expire').addEventListener('click', async () => {
  await identity.expire()
  sessions.reset()
})

/** The local world may still be starting, or be starting again. */
async function untilStarted(): Promise<PageFacts> {
  for (;;) {
    const response = await fetch('/facts.json').catch(() => undefined)
    if (response?.ok) return response.json()
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
}

/** The address holds the user who is signed in, so each tab can have its own and a reload changes nothing. */
function subInAddress(): string {
  return decodeURIComponent(location.hash.slice(1))
}

function signIn(sub: string): void {
  identity.signIn(sub)
  stopConnecting()
  if (subInAddress() !== sub) location.hash = encodeURIComponent(sub)
  for (const button of part('users').querySelectorAll('button[data-sub]'))
    button.ariaPressed = String((button as HTMLElement).dataset.sub === sub)
  part('acts').hidden = sub === ''
  sessions.reset()
  say(sub === '' ? 'Nobody is signed in. Choose a user.' : `Signing in as ${sub} …`)
  void updateDesk()
}

async function signOut(): Promise<void> {
  say('Signing out …')
  const confirmed = await sessions.signOut()
  signIn('')
  say(
    confirmed
      ? 'Signed out; the client session has ended, on all devices.'
      : 'Signed out here. Seam could not confirm the end of the client session; the cleanup will see to it.',
  )
}

function changed(session: ClientSession | undefined, error: ClientSessionError | undefined): void {
  current = session
  showSession(session)
  if (session !== undefined) void look()
  else {
    devices.hide()
    if (error !== undefined && identity.sub !== '') sayWhy(error)
  }
}

/** What the token opens now: Seam knows, the page asks. */
async function look(): Promise<void> {
  const session = current
  if (session === undefined) return
  const count = await devices.look(session, () => session === current)
  if (session !== current) return
  if (count === undefined) say('Seam cannot be asked for the devices right now.', 'wrong')
  else say(`Signed in as ${identity.sub}: ${count === 1 ? 'one device' : `${count} devices`}.`)
  await updateDesk()
}

function sayWhy({ action, code, subject }: ClientSessionError): void {
  if (code === 'not_signed_in' || code === 'signed_out') return
  const next = {
    retry: ' It is tried again by itself.',
    stop: subject === undefined ? '' : ` Support would ask for “${subject}”.`,
    reauthenticate: ' Sign in again.',
    step_up: ' Sign in once more, as is asked for.',
    fix_request: '',
  }[action]
  say(`${refusals[code] ?? code}.${next}`, 'wrong')
}

async function updateDesk(): Promise<void> {
  if (!facts.operator) return
  const { session } = (await refreshDesk(desk)) ?? {}
  if (session !== undefined) setAge(session.client_session_id, session.age / 1000)
}

function watchTheMachine(): void {
  const events = new EventSource('/seen')
  const connected = (is: boolean) => {
    part('connection').textContent = is ? 'The local world is running' : 'The local world has stopped'
    part('connection').classList.toggle('wrong', !is)
  }
  /** What comes before `here` is past. */
  let state: 'connecting' | 'live' | 'lost' = 'connecting'
  events.addEventListener('here', () => {
    connected(true)
    // Back again: no need to wait for the helper's next try.
    if (state === 'lost') catchUp()
    state = 'live'
  })
  events.addEventListener('error', () => {
    connected(false)
    state = 'lost'
  })
  events.addEventListener('message', ({ data }) => {
    const observation: Observation = JSON.parse(data)
    see(observation)
    if (state !== 'live') return
    const { what } = observation.audit
    // On a phone the machine is far above the buttons.
    if (what === 'account' || what === 'cleanup') part('done').textContent = `${summaryOf(observation)}.`
    if (what !== 'account') return
    // An app learns such things by its next call to Seam, or by its backend; this page makes that call at once.
    catchUp()
    void updateDesk()
  })
}

function catchUp(): void {
  if (current === undefined && identity.sub !== '') sessions.reset()
  else void look()
}

function showUsers(): void {
  part('desk').hidden = !facts.operator
  if (!facts.operator) {
    part('users').hidden = true
    say(
      'The API trusts another identity provider, so nobody can sign in here. Ask with the curl that “npm start” printed: what the machine does about it is shown here.',
    )
    return
  }
  const buttons = facts.users.map((sub) =>
    element(
      'button',
      { type: 'button', 'data-sub': sub, 'aria-pressed': 'false', click: () => signIn(sub) },
      element('span', { class: 'initial', 'aria-hidden': 'true' }, sub.slice(0, 1).toUpperCase()),
      sub,
    ),
  )
  part('user-buttons').replaceChildren(...buttons)
  const other = part<HTMLInputElement>('other')
  part('users').addEventListener('submit', (event) => {
    event.preventDefault()
    if (other.value.trim() !== '') signIn(other.value.trim())
    other.value = ''
  })
}

function say(sentence: string, kind = ''): void {
  part('status').textContent = sentence
  part('status').className = kind
}
