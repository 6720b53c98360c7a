import { decodeJwt } from 'jose'
import type { Act, Desk } from '../operator.ts'
import type { PageFacts } from '../server.ts'
import type { Observation } from '../watching.ts'
import { type Browser, bearerOf, type Claims, expireSignIn, newBrowser, signIn } from './browser.ts'
import { prepareCode, showCode } from './code.ts'
import { connect, stopConnecting } from './connecting.ts'
import { showDesk } from './desk.ts'
import { look, openByKeyboard, showDevices } from './devices.ts'
import { button, fill, masked, minutes, part } from './element.ts'
import { preparePeople } from './people.ts'
import { isQuiet, showRecent } from './recent.ts'
import { handOf, type Scene, type Story, showStory } from './story.ts'
import { watchRequests, watchWorld } from './watch.ts'

/** The page: an app's side of the token vending machine, what an operator does, and what happens behind. */

const facts: PageFacts = await (await fetch('/facts.json')).json()
const seen: Observation[] = []
/** Ids of this page's own requests. */
const own = new Set<string>()

/** Whose page this is, and what the next sign-in claims. */
let who = ''
let claims: Claims = {}
const browsers: Browser[] = [newBrowser(1, facts, render)]
let [active] = browsers as [Browser]
let desk: Desk | undefined
let story: Story | undefined
let looking = Promise.resolve()
let next: Promise<void> | undefined

/** Where the button is, what it and the story say (that after the user's name), and what is done. */
const acts: [place: string, label: string, title: string, act: () => unknown][] = [
  ['acts', 'Connect an account', ' connects an account', () => connect(active)],
  ['acts', 'Ask again', ' asked again', () => active.sessions.reset()],
  ['acts', 'Expire the sign-in', '’s sign-in expired', () => expireSignIn(active)],
  ['acts', 'Sign out', ' signed out of this browser', signOut],
  ['sign-in', 'Sign in again', ' signed in again', () => signIn(active, anotherLogin())],
  ['provider', 'Provider ends this login', '’s login was ended by the provider', endLogin],
  ['provider', 'Provider disables them', ' was disabled by the provider', disableThem],
]
for (const [place, label, title, act] of acts)
  part(place).append(button(label, () => void tell(who + title, act)))
part('clean-up').addEventListener('click', () => send({ act: 'clean_up' }, 'You ran the cleanup'))
part('connecting-stop').addEventListener('click', stopConnecting)
watchRequests(facts.api, (requestId) => {
  own.add(requestId)
  if (story?.isBusy) story.acts.add(requestId)
  render()
})
openByKeyboard()
prepareCode(facts.configuration)
preparePeople(facts, become)
watchWorld((observation, isLive) => {
  if (isQuiet(observation)) return
  seen.push(observation)
  if (seen.length > 30) seen.shift()
  render()
  // An app learns of these by its next call to Seam; this page makes that call at once.
  if (isLive && (isTold(observation) || observation.audit.what === 'admin')) void refresh()
}, refresh)
setInterval(tick, 1000)
setInterval(() => document.hidden || void refresh(), 15_000)
document.addEventListener('visibilitychange', () => void refresh())
render()
if (facts.operator) {
  window.addEventListener('hashchange', () => subInAddress() !== who && become(subInAddress()))
  become(subInAddress())
}

/** The address holds the user who is signed in, so each tab can have its own and a reload changes nothing. */
function subInAddress(): string {
  return decodeURIComponent(location.hash.slice(1))
}

function become(sub: string, more: Claims = {}): void {
  who = sub
  claims = { ...more, sub }
  desk = undefined
  stopConnecting()
  for (const other of browsers.splice(1)) signIn(other)
  ;[active] = browsers as [Browser]
  signIn(active)
  if (subInAddress() !== sub) location.hash = encodeURIComponent(sub)
  if (sub !== '') void tell(`${sub} signed in`, () => signIn(active, claims))
}

/** A `sid` of its own: the first login has that of a plain curl. */
function anotherLogin(): Claims {
  return { sid: crypto.randomUUID(), ...claims }
}

/** One story: what is done in `act`, and whatever follows from it. `act` may tell the id of its request. */
async function tell(title: string, act: () => unknown): Promise<void> {
  const before = structuredClone(scene())
  const mine: Story = { title, since: Date.now(), before, acts: new Set(), isBusy: true }
  story = mine
  render()
  // Of somebody who has just come nothing is known yet.
  before.desk ??= await readDesk()
  if (story !== mine) return
  try {
    const id = await act()
    if (typeof id === 'string') mine.acts.add(id)
  } catch (error) {
    mine.failed = error instanceof Error ? error.message : 'That did not work.'
  }
  await refresh()
  mine.isBusy = false
  render()
}

function send(act: Act, title: string): void {
  void tell(title, async () => {
    const response = await fetch('/desk', { method: 'POST', body: JSON.stringify(act) })
    const { request_id, error } = await response.json()
    if (error) throw new Error(error)
    return request_id
  })
}

/** Looks again at everything that an act may have changed: one look at a time, and one that starts after the call. */
function refresh(): Promise<void> {
  next ??= looking.then(() => {
    next = undefined
    return refreshNow()
      .catch(() => {})
      .finally(render)
  })
  looking = next
  return next
}

async function refreshNow(): Promise<void> {
  const sub = who
  await Promise.all(
    browsers.map(async (browser) => {
      if (browser.login === undefined) return
      if (browser.session === undefined) browser.sessions.reset()
      // While the world is stopped, the helper tries for longer than anybody wants to wait here.
      await browser.sessions.getClientSession({ signal: AbortSignal.timeout(5000) }).catch(() => {})
      await look(browser)
    }),
  )
  const now = await readDesk()
  if (sub === who) desk = now ?? desk
}

async function readDesk(): Promise<Desk | undefined> {
  if (!facts.operator) return undefined
  const response = await fetch(`/desk.json?sub=${encodeURIComponent(who)}`).catch(() => undefined)
  return response?.ok ? response.json() : undefined
}

function scene(): Scene {
  return { desk, hands: browsers.map(handOf) }
}

/** What others have told us, which no act of an app has caused. */
function isTold({ audit: { what } }: Observation): boolean {
  return what === 'webhook' || what === 'identity_event'
}

function ofStory({ since, acts }: Story): Observation[] {
  const { owner } = desk?.record ?? {}
  return seen.filter((one) => {
    const isTheirs = isTold(one) && owner !== undefined && owner === one.audit.owner
    return one.at >= since && (acts.has(one.audit.request_id) || isTheirs)
  })
}

function render(): void {
  if (story !== undefined) showStory(story, scene(), ofStory(story))
  for (const one of part('known').querySelectorAll('button'))
    one.ariaPressed = String(one.dataset.sub === who)
  const names = browsers.map((one) =>
    button(`Browser ${one.number}`, () => choose(one), { 'aria-pressed': String(one === active) }),
  )
  fill('browsers', names, browsers.length === 1 && button('Open a second browser', openAnother))
  showBrowser(active)
  showDesk(desk, who, send)
  showCode(facts, who || facts.users[0] || 'ada')
  showRecent(seen, own)
}

function showBrowser(browser: Browser): void {
  const { session, devices, login, error } = browser
  const { problem = '' } = handOf(browser)
  part('app').hidden = who === ''
  part('session').hidden = session === undefined
  part('token').textContent = session ? masked(session.token) : ''
  part('client-session-id').textContent = session?.client_session_id ?? ''
  part('acts').hidden = login === undefined
  part('sign-in').hidden = login !== undefined && error?.action !== 'reauthenticate'
  const isBlind = session !== undefined && devices === undefined && !story?.isBusy
  const hasNone =
    devices?.length === 0 && 'This token opens no devices. Connect an account, or have one given.'
  part('status').textContent = isBlind
    ? 'Seam cannot be asked for the devices right now.'
    : hasNone || problem
  showDevices(browser)
  tick()
}

function tick(): void {
  const { session, since } = active
  if (session === undefined) return
  // Relative times from the moment of the answer: the clock of this device may be wrong by hours.
  const passed = (performance.now() - since) / 1000
  part('life').textContent =
    `Refreshes in ${minutes(session.refresh_in - passed)}, expires in ${minutes(session.expires_in - passed)}`
}

function choose(browser: Browser): void {
  active = browser
  render()
}

function openAnother(): void {
  const second = newBrowser(2, facts, render)
  void tell(`${who} signed in with a second browser`, () => {
    browsers.push(second)
    active = second
    signIn(second, anotherLogin())
  })
}

async function signOut(): Promise<void> {
  const isConfirmed = active.sessions.signOut()
  signIn(active)
  if (!(await isConfirmed))
    throw new Error('Signed out here. Seam could not confirm it; the cleanup will see to it.')
}

async function endLogin(): Promise<void> {
  await tellProvider('backchannel-logout', decodeJwt(await bearerOf(active)).sid)
}

function disableThem(): Promise<void> {
  return tellProvider('account-disabled')
}

/** The local identity provider signs an event and sends it to the API, as a real one does. */
async function tellProvider(kind: string, sid?: unknown): Promise<void> {
  const body = JSON.stringify({ sub: who, kind, sid })
  const response = await fetch(`${facts.issuer}/send`, { method: 'POST', body })
  const { status, error_description } = await response.json()
  if (!(status < 300)) throw new Error(error_description ?? `The API answered ${status} to the event.`)
}
