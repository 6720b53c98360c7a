import type { Act, Desk } from '../operator.ts'
import type { PageFacts } from '../server.ts'
import type { Observation } from '../watching.ts'
import { type Browser, expireSignIn, newBrowser, sidOf, signIn } from './browser.ts'
import { prepareCode, showCode } from './code.ts'
import { connect, stopConnecting } from './connecting.ts'
import { prepareDesk, showDesk } from './desk.ts'
import { look, openByKeyboard, showDevices } from './devices.ts'
import { button, minutes, part } from './element.ts'
import { preparePeople } from './people.ts'
import { isQuiet, showRecent } from './recent.ts'
import { handOf, type Scene, type Story, showStory } from './story.ts'
import { untilStarted, watchWorld } from './watch.ts'
import { type Exchange, masked, recordExchanges } from './wire.ts'

/** The page: an app's side of the token vending machine, what an operator does, and what happens behind. */

const facts: PageFacts = await untilStarted()
const seen: Observation[] = []
const exchanges = new Map<string, Exchange>()

/** Whose page this is, and what the next sign-in claims. */
let who = ''
let claims: Record<string, unknown> = {}
const browsers: Browser[] = [newBrowser(1, facts, render)]
let [active] = browsers as [Browser]
let desk: Desk | undefined
let story: Story | undefined
let looking = Promise.resolve()
let next: Promise<void> | undefined

recordExchanges(facts.api, (exchange) => {
  exchanges.set(exchange.request_id, exchange)
  render()
})
openByKeyboard(part('devices'))
prepareDesk(send)
prepareCode(facts.configuration)
prepareActs()
preparePeople(facts, become)
watchWorld((observation, isLive) => {
  if (isQuiet(observation)) return
  seen.push(observation)
  if (seen.length > 30) seen.shift()
  render()
  // An app learns of these by its next call to Seam; this page makes that call at once.
  const { what, path } = observation.audit
  if (isLive && (what === 'admin' || what === 'webhook' || path === '/identity-events')) void refresh()
}, startOver)
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

function become(sub: string, more: Record<string, unknown> = {}): void {
  who = sub
  claims = more
  desk = undefined
  stopConnecting()
  for (const other of browsers.splice(1)) signIn(other, '', {})
  ;[active] = browsers as [Browser]
  if (subInAddress() !== sub) location.hash = encodeURIComponent(sub)
  if (sub === '') {
    signIn(active, '', {})
    story = undefined
    render()
    return
  }
  void tell(`${sub} signed in`, async () => signIn(active, sub, claims), true)
}

/** One story: what is done in `act`, and whatever follows from it. `act` may tell the id of its request. */
async function tell(title: string, act: () => Promise<unknown>, isFresh = false): Promise<void> {
  const mine: Story = {
    title,
    since: Date.now(),
    before: isFresh ? undefined : structuredClone(scene()),
    acts: new Set(),
    isBusy: true,
  }
  story = mine
  render()
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

/** The world has started again: no need to wait for the helper's next try. */
function startOver(): void {
  for (const { session, sessions } of browsers) if (session === undefined) sessions.reset()
  void refresh()
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
      if (browser.login.sub === '' || browser.isLeaving) return
      if (browser.session === undefined) browser.sessions.reset()
      // While the world is stopped, the helper tries for longer than anybody wants to wait here.
      await browser.sessions.getClientSession({ signal: AbortSignal.timeout(5000) }).catch(() => {})
      await look(browser)
    }),
  )
  if (!facts.operator) return
  const response = await fetch(`/desk.json?sub=${encodeURIComponent(sub)}`).catch(() => undefined)
  if (response?.ok && sub === who) desk = await response.json()
}

function scene(): Scene {
  return { desk, hands: browsers.map(handOf) }
}

function ofStory({ since, acts }: Story): Observation[] {
  const isMine = ({ audit: { request_id, what, owner, path }, at }: Observation) =>
    at >= since &&
    (acts.has(request_id) ||
      exchanges.has(request_id) ||
      ((what === 'webhook' || path === '/identity-events') &&
        owner !== undefined &&
        owner === desk?.record?.owner))
  return seen.filter(isMine)
}

function render(): void {
  document.body.dataset.signedIn = String(who !== '')
  if (story !== undefined) showStory(story, scene(), ofStory(story))
  for (const one of part('people').querySelectorAll<HTMLElement>('button[data-sub]'))
    one.ariaPressed = String(one.dataset.sub === who)
  const names = browsers.map((one) => {
    const label = `Browser ${one.number}`
    return button(label, () => choose(one), { 'aria-pressed': String(one === active) })
  })
  part('browsers').replaceChildren(...names, ...(who !== '' && browsers.length === 1 ? [openAnother()] : []))
  showBrowser(active)
  showDesk(desk, who, active, send)
  showCode(facts, who || facts.users[0] || 'ada')
  showRecent(seen, exchanges)
}

function showBrowser(browser: Browser): void {
  const { session, devices, login } = browser
  const { problem } = handOf(browser)
  part('app').hidden = who === ''
  part('session').hidden = session === undefined
  part('token').textContent = session ? masked(session.token) : ''
  part('client-session-id').textContent = session?.client_session_id ?? ''
  part('sign-out').hidden = login.sub === ''
  part('sign-in').hidden = login.sub !== '' && browser.error?.action !== 'reauthenticate'
  for (const id of ['connect', 'ask-again', 'expire']) part<HTMLButtonElement>(id).disabled = login.sub === ''
  const isBlind = session !== undefined && devices === undefined && !story?.isBusy
  part('status').textContent = isBlind
    ? 'Seam cannot be asked for the devices right now.'
    : (problem ??
      (devices?.length === 0 ? 'This token opens no devices. Connect an account, or have one given.' : ''))
  showDevices(part('devices'), browser)
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

function openAnother(): HTMLElement {
  return button('Open a second browser', () => {
    const second = newBrowser(2, facts, render)
    void tell(`${who} signed in with a second browser`, async () => {
      browsers.push(second)
      active = second
      signIn(second, who, claims)
    })
  })
}

function prepareActs(): void {
  const on = (id: string, title: (sub: string) => string, act: () => Promise<unknown>) =>
    part(id).addEventListener('click', () => void tell(title(who), act))
  on(
    'ask-again',
    () => 'The page asked again',
    async () => active.sessions.reset(),
  )
  on(
    'expire',
    (sub) => `${sub}’s sign-in expired`,
    () => expireSignIn(active, facts.issuer),
  )
  on(
    'sign-in',
    (sub) => `${sub} signed in again`,
    async () => signIn(active, who, claims, true),
  )
  on(
    'sign-out',
    (sub) => `${sub} signed out of browser ${active.number}`,
    async () => {
      active.isLeaving = true
      const isConfirmed = await active.sessions.signOut()
      signIn(active, '', {})
      if (!isConfirmed)
        throw new Error('Signed out here. Seam could not confirm it; the cleanup will see to it.')
    },
  )
  on(
    'connect',
    (sub) => `${sub} connects an account`,
    () => connect(active, facts),
  )
  on(
    'provider-logout',
    (sub) => `The identity provider ended ${sub}’s login`,
    async () => tellProvider('backchannel-logout', await sidOf(active, facts.issuer)),
  )
  on(
    'provider-disable',
    (sub) => `The identity provider disabled ${sub}`,
    () => tellProvider('account-disabled'),
  )
  part('connecting-stop').addEventListener('click', stopConnecting)
}

/** The local identity provider signs an event and sends it to the API, as a real one does. */
async function tellProvider(kind: string, sid?: string): Promise<void> {
  const body = JSON.stringify({ sub: who, kind, sid })
  const { status, error_description } = await (
    await fetch(`${facts.issuer}/send`, { method: 'POST', body })
  ).json()
  if (!(status < 300)) throw new Error(error_description ?? `The API answered ${status} to the event.`)
}
