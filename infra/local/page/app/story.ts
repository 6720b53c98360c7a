import { type Reason, reasons } from '../../../../functions/session/reasons.ts'
import { cleanupWords } from '../../cleanup-words.ts'
import type { Desk } from '../operator.ts'
import type { Observation } from '../watching.ts'
import type { Browser } from './browser.ts'
import { duration, element, fill, masked, part, plural } from './element.ts'

/**
 * One act of this page, from cause to effect: what was done, what the record says of it, what Seam says, and what
 * happens to the token in the hand. What others do meanwhile stands among the recent requests.
 */
export interface Story {
  title: string
  /** Epoch milliseconds. */
  since: number
  before: Scene
  /** Request ids of the act itself, and of what this page asked until it was over. */
  acts: Set<string>
  isBusy: boolean
  failed?: string
}

/** Everything an act can change, at one moment. */
export interface Scene {
  desk?: Desk | undefined
  hands: Hand[]
}

type Hand = ReturnType<typeof handOf>

export function handOf({ number, session, devices, error, refused, login }: Browser) {
  const isSignedOut = login === undefined || error?.code === 'not_signed_in' || error?.code === 'signed_out'
  return {
    name: `Browser ${number}`,
    id: session?.client_session_id,
    token: session && masked(session.token),
    devices,
    problem: isSignedOut ? 'Signed out' : error && `${error.message}${nextStep[error.action] ?? ''}`,
    refused,
  }
}

const nextStep: Record<string, string> = {
  retry: ' It tries again by itself.',
  reauthenticate: ' Sign in again.',
  step_up: ' Sign in once more, as is asked for.',
}

const verdicts: Record<string, string> = {
  reuse: 'Reused the existing token',
  extend: 'Extended the client session, same token',
  widen: 'Widened the client session, same token',
  replace: 'Replaced the client session',
  create: 'Created a client session',
  retire: 'Retired the client session',
  leave: 'Left everything as it is',
}

/** `create:first_request` in words. */
function verdictWords(verdict: string): string {
  const [act = '', reason = ''] = verdict.split(':')
  return `${verdicts[act] ?? act}: ${reasons[reason as Reason]?.sentence ?? `${reason}.`}`
}

export function showStory(story: Story, now: Scene, seen: Observation[]): void {
  const { title, failed, isBusy, before } = story
  const isBad = now.hands.some(({ problem }) => problem !== undefined && problem !== 'Signed out')
  part('headline').textContent = title
  part('outcome').textContent = failed ?? (isBusy ? 'Working on it …' : outcomeOf(story, now, seen))
  part('outcome').className = failed !== undefined || (!isBusy && isBad) ? 'wrong' : ''
  show('did', doneLines(seen))
  show('record', whys(seen), compared(recordFacts(before), recordFacts(now)))
  show('seam', seamLines(seen), compared(live(before), live(now), { gone: ' is dead', here: ' lives' }))
  fill('hands', ...now.hands.map((hand) => handView(hand, handBefore(before, hand))))
}

const handBefore = ({ hands }: Scene, { name }: Hand) => hands.find((one) => one.name === name)

function show(id: string, lines: string[], chips?: HTMLElement): void {
  fill(id, ...lines.map((line) => element('p', {}, line)), chips)
}

/** A list of chips that marks what has come and what is gone. */
function compared(before: string[], after: string[], is = { gone: '', here: '' }): HTMLElement {
  const marked = (change: 'gone' | 'new', text: string) =>
    element('li', { class: change }, element('span', { class: 'unseen' }, `${change}: `), text)
  return element(
    'ul',
    { class: 'chips' },
    before.filter((one) => !after.includes(one)).map((one) => marked('gone', one + is.gone)),
    after.map((one) =>
      before.includes(one) ? element('li', {}, one + is.here) : marked('new', one + is.here),
    ),
  )
}

/** What is done again and again stands there once. */
function doneLines(seen: Observation[]): string[] {
  const joined = (parts: unknown[]) => parts.filter(Boolean).join(' · ')
  const alike = Map.groupBy(seen, (one) => joined([whatOf(one), one.audit.status, one.audit.code]))
  return [...alike].map(([line, { length, 0: one }]) => {
    const took = one?.audit.took
    return joined([line, length > 1 ? `${length} times` : took !== undefined && duration(took)])
  })
}

/** Of a request, an event or an act of this page. */
export function whatOf({ audit: { what, method, path, command, event_type } }: Observation): string {
  if (event_type)
    return `${what === 'webhook' ? 'Seam told the webhook' : 'The provider told'}: ${event_type}`
  return command ?? (method ? `${method} ${path}` : what)
}

/** The verdicts that changed something, or else the first. */
function whys(seen: Observation[]): string[] {
  const verdicts = [...new Set(seen.flatMap(({ audit }) => audit.verdicts ?? []))]
  const telling = verdicts.filter((verdict) => !/^(reuse|leave):/.test(verdict))
  return (telling.length > 0 ? telling : verdicts.slice(0, 1)).map(verdictWords)
}

const short = (id: string) => `client session ${id.slice(0, 8)}`
const live = ({ desk }: Scene) => desk?.live.map(short) ?? []

function recordFacts({ desk }: Scene): string[] {
  if (desk?.record === undefined) return []
  const { status, connected_account_ids, client_sessions, user_identity_id, not_before } = desk.record
  return [
    status,
    ...connected_account_ids.map((id) => accountName(desk, id)),
    ...client_sessions.map(({ client_session_id }) => short(client_session_id)),
    ...(user_identity_id ? ['user identity'] : []),
    ...(not_before ? [`refuses tokens issued before ${new Date(not_before).toLocaleTimeString()}`] : []),
  ]
}

export function accountName(desk: Desk, id: string): string {
  const account = desk.accounts.find(({ connected_account_id }) => connected_account_id === id)
  return account ? `${account.provider} ${account.whose}` : `account ${id.slice(0, 8)}`
}

function seamLines(seen: Observation[]): string[] {
  const calls = seen.flatMap(({ calls }) => calls.filter(({ part }) => part === 'seam'))
  const names = calls.map(({ name, took, failed }) => `${pathOf(name)} ${failed ? 'failed' : duration(took)}`)
  const wrong = seen.flatMap(({ audit }) => audit.wrong_answers ?? []).map((one) => `Not believed: ${one}`)
  return [names.join(', ') || 'Not asked: the record is enough.', ...wrong]
}

/** `getOrCreate` as Seam writes it. */
export const pathOf = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

function handView({ name, id, token, devices, problem, refused }: Hand, before?: Hand): HTMLElement {
  const isOld = before?.token !== undefined && before.id !== id
  return element(
    'div',
    {},
    element('h4', {}, name),
    isOld && element('p', {}, element('s', {}, before.token), before.id === refused && ' Seam answers 401.'),
    element('p', {}, token ? element('code', {}, token) : (problem ?? 'No token yet.')),
    // While Seam cannot be asked, nothing is gone.
    compared(before?.devices ?? [], token ? (devices ?? before?.devices ?? []) : []),
  )
}

/** What the act came to for the first browser that it touched. */
function outcomeOf({ before }: Story, now: Scene, seen: Observation[]): string {
  const report = seen.find((one) => one.report !== undefined)?.report
  if (report !== undefined) {
    const lookedAt = `${plural(report.looked_at, 'record')} looked at`
    return [lookedAt, cleanupWords(report)].filter(Boolean).join(', ')
  }
  const hand = now.hands.find((one) => one.id !== handBefore(before, one)?.id) ?? now.hands[0]
  const was = hand && handBefore(before, hand)
  if (hand?.id === undefined) return `${was?.id ? 'Its token died at once. ' : ''}${hand?.problem ?? ''}`
  const died = was?.id !== undefined && was.id !== hand.id ? 'The old token died at once. ' : ''
  if (hand.devices === undefined) return `${died}Seam cannot be asked what the token opens.`
  const { length } = hand.devices
  if (was?.id !== hand.id)
    return `${died}The ${died ? 'new one' : 'token'} opens ${plural(length, 'device')}.`
  const more = length - (was.devices?.length ?? 0)
  if (more !== 0) return `Same token, ${plural(Math.abs(more), 'device')} ${more > 0 ? 'more' : 'fewer'}.`
  const isReused = seen.some(({ audit }) => audit.verdict === 'reuse')
  return isReused ? 'Reused the existing token: same devices.' : 'Same token, same devices.'
}
