import type { CleanupReport } from '../../../../functions/cleanup/report.ts'
import { type Reason, reasons } from '../../../../functions/session/reasons.ts'
import type { Desk } from '../operator.ts'
import type { Observation } from '../watching.ts'
import type { Browser } from './browser.ts'
import { duration, element, part, plural } from './element.ts'
import { masked } from './wire.ts'

/**
 * One act of this page, from cause to effect: what was done, what the record says of it, what Seam says, and what
 * happens to the token in the hand. What others do meanwhile stands among the recent requests.
 */
export interface Story {
  title: string
  /** Epoch milliseconds. */
  since: number
  before: Scene | undefined
  /** Request ids of the act itself. */
  acts: Set<string>
  isBusy: boolean
  failed?: string
}

/** Everything an act can change, at one moment. */
export interface Scene {
  desk?: Desk | undefined
  hands: Hand[]
}

interface Hand {
  name: string
  id?: string | undefined
  token?: string | undefined
  devices?: string[] | undefined
  problem?: string | undefined
  refused?: string | undefined
}

export function handOf({ number, session, devices, error, refused, login }: Browser): Hand {
  const isSignedOut = login.sub === '' || error?.code === 'not_signed_in' || error?.code === 'signed_out'
  return {
    name: `Browser ${number}`,
    id: session?.client_session_id,
    token: session && masked(session.token),
    devices,
    problem: isSignedOut ? 'Signed out' : error && `${error.message}${nextStep[error.action]}`,
    refused,
  }
}

const nextStep = {
  retry: ' It tries again by itself.',
  stop: '',
  reauthenticate: ' Sign in again.',
  step_up: ' Sign in once more, as is asked for.',
  fix_request: '',
}

const acts: Record<string, string> = {
  reuse: 'Reused the existing token',
  extend: 'Extended the client session, same token',
  widen: 'Widened the client session, same token',
  replace: 'Replaced the client session',
  create: 'Created a client session',
  retire: 'Retired the client session',
  leave: 'Left everything as it is',
}

/** `create:first_request` in words. */
export function verdictWords(verdict: string): string {
  const [act = '', reason = ''] = verdict.split(':')
  const why = reasons[reason as Reason]?.sentence ?? `${reason}.`
  return `${acts[act] ?? act}: ${why}`
}

type Chip = { text: string; change?: 'gone' | 'new' | false | undefined }

export function showStory(story: Story, now: Scene, seen: Observation[]): void {
  const { title, failed, isBusy } = story
  part('headline').textContent = title
  part('outcome').textContent = failed ?? (isBusy ? 'Working on it …' : outcomeOf(story, now, seen))
  part('outcome').className = failed !== undefined || (!isBusy && now.hands.some(isBad)) ? 'wrong' : ''
  show('did', seen.map(requestLine).slice(-4), [])
  show('record', [recordState(now.desk), ...whys(seen)], recordChips(story, now))
  show('seam', seamLines(seen), seamChips(story, now))
  part('hands').replaceChildren(...now.hands.map((hand) => handView(hand, handBefore(story, hand))))
}

const isBad = ({ problem }: Hand) => problem !== undefined && problem !== 'Signed out'
const handBefore = ({ before }: Story, { name }: Hand) => before?.hands.find((one) => one.name === name)

function show(id: string, lines: (string | undefined)[], chips: Chip[]): void {
  const paragraphs = lines.filter((line) => line !== undefined).map((line) => element('p', {}, line))
  part(id).replaceChildren(...paragraphs, ...(chips.length > 0 ? [chipList(chips)] : []))
}

const spoken = { gone: 'gone: ', new: 'new: ' }

const chipList = (chips: Chip[]): HTMLElement =>
  element(
    'ul',
    { class: 'chips' },
    chips.map(({ text, change }) =>
      element(
        'li',
        { class: change || '' },
        change && element('span', { class: 'unseen' }, spoken[change]),
        text,
      ),
    ),
  )

/** What is in one list and not in the other. */
const compared = (before: string[], after: string[], same: boolean): Chip[] => [
  ...before.filter((one) => !after.includes(one)).map((text): Chip => ({ text, change: 'gone' })),
  ...after.flatMap((text): Chip[] =>
    before.includes(text) ? (same ? [{ text }] : []) : [{ text, change: 'new' }],
  ),
]

function requestLine({ audit, report }: Observation): string {
  const { what: kind, method, path, status, took, command, event_type, code } = audit
  if (report !== undefined) return reportLine(report)
  const what = event_type
    ? `${kind === 'webhook' ? 'Seam told the webhook' : 'The provider told'}: ${event_type}`
    : (command ?? `${method} ${path}`)
  return [what, status, code, took !== undefined && duration(took)].filter(Boolean).join(' · ')
}

function reportLine({
  looked_at,
  ended,
  strays_ended,
  settled,
  failed,
  stopped,
  fuse,
  ...report
}: CleanupReport) {
  if (report.other_run_until !== undefined)
    return `Another run is at work until ${new Date(report.other_run_until).toLocaleTimeString()}.`
  const why = Object.entries(ended).map(([reason, count]) => `${count} ended (${reason})`)
  const counts = Object.entries({ 'strays ended': strays_ended, 'retired keys settled': settled, failed })
  const rest = counts.flatMap(([name, count]) => (count > 0 ? `${count} ${name}` : []))
  return [`${plural(looked_at, 'record')} looked at`, ...why, ...rest, fuse, stopped]
    .filter(Boolean)
    .join(', ')
}

function recordState(desk: Desk | undefined): string {
  if (desk?.record === undefined) return 'No record yet.'
  const { status, connected_account_ids: ids, client_sessions } = desk.record
  return `${status}, ${plural(ids.length, 'account')}, ${plural(client_sessions.length, 'client session')}`
}

/** The verdicts that changed something, or else the first. */
function whys(seen: Observation[]): string[] {
  const verdicts = [...new Set(seen.flatMap(({ audit }) => audit.verdicts ?? []))]
  const telling = verdicts.filter((verdict) => !/^(reuse|leave):/.test(verdict))
  return (telling.length > 0 ? telling : verdicts.slice(0, 1)).map(verdictWords)
}

const short = (id: string) => `client session ${id.slice(0, 8)}`

function recordChips({ before, since }: Story, { desk }: Scene): Chip[] {
  const facts = (of: Desk | undefined) => {
    const {
      status,
      connected_account_ids = [],
      client_sessions = [],
      user_identity_id,
      not_before,
    } = of?.record ?? {}
    const accounts = connected_account_ids.map((id) => accountName(desk, id))
    const sessions = client_sessions.map(({ client_session_id }) => short(client_session_id))
    return [
      ...(status && status !== 'active' ? [status] : []),
      ...accounts,
      ...sessions,
      ...(user_identity_id ? ['user identity'] : []),
      ...(not_before ? [`refuses tokens issued before ${new Date(not_before).toLocaleTimeString()}`] : []),
    ]
  }
  if (before?.desk !== undefined) return compared(facts(before.desk), facts(desk), false)
  const made = desk?.record?.client_sessions.filter(({ created_at }) => Date.parse(created_at) >= since) ?? []
  return made.map(({ client_session_id }) => ({ text: short(client_session_id), change: 'new' }))
}

export function accountName(desk: Desk | undefined, id: string): string {
  const account = desk?.accounts.find(({ connected_account_id }) => connected_account_id === id)
  return account ? `${account.provider} ${account.whose}` : `account ${id.slice(0, 8)}`
}

function seamLines(seen: Observation[]): string[] {
  const calls = seen.flatMap(({ calls }) => calls.filter(({ part }) => part === 'seam'))
  const wrong = seen.flatMap(({ audit }) => audit.wrong_answers ?? []).map((one) => `Not believed: ${one}`)
  const names = calls.map(
    ({ name, took, failed }) => `${pathOf(name)}${failed ? ' failed' : ` ${duration(took)}`}`,
  )
  return [names.length > 0 ? names.join(', ') : 'Not asked: the record is enough.', ...wrong]
}

/** `getOrCreate` as Seam writes it. */
export const pathOf = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

function seamChips({ before }: Story, { desk }: Scene): Chip[] {
  return compared((before?.desk?.live ?? []).map(short), (desk?.live ?? []).map(short), false).map(
    (chip) => ({
      ...chip,
      text: `${chip.text} ${chip.change === 'gone' ? 'is dead' : 'lives'}`,
    }),
  )
}

function handView(hand: Hand, before: Hand | undefined): HTMLElement {
  const { name, token, devices = [], problem, refused } = hand
  const old = before?.token !== undefined && before.id !== hand.id
  return element(
    'div',
    { class: 'hand' },
    element('h4', {}, name),
    old && element('p', {}, element('s', {}, before.token), before.id === refused && ' Seam answers 401.'),
    element('p', {}, token ? element('code', {}, token) : (problem ?? 'No token yet.')),
    chipList(compared(before?.devices ?? [], token ? devices : [], true)),
  )
}

/** What the act came to for the first browser that it touched. */
function outcomeOf(story: Story, now: Scene, seen: Observation[]): string {
  const { before } = story
  const report = seen.find((one) => one.report !== undefined)?.report
  if (report !== undefined) return `${reportLine(report)}.`
  const changed = now.hands.find((hand) => hand.id !== handBefore(story, hand)?.id) ?? now.hands[0]
  if (changed === undefined || before === undefined) return changed === undefined ? '' : opens(changed)
  const was = handBefore(story, changed)
  if (changed.id === undefined)
    return was?.id === undefined
      ? (changed.problem ?? '')
      : `Its token died at once. ${changed.problem ?? ''}`
  if (was?.id === undefined) return opens(changed)
  if (was.id !== changed.id) return `The old token died at once. ${opens(changed, 'The new one')}`
  const count = (changed.devices?.length ?? 0) - (was.devices?.length ?? 0)
  if (changed.devices === undefined) return 'Same token; Seam cannot be asked for its devices.'
  if (count !== 0) return `Same token, ${plural(Math.abs(count), 'device')} ${count > 0 ? 'more' : 'fewer'}.`
  const reused = seen.some(({ audit }) => audit.verdict === 'reuse')
  return reused ? 'Reused the existing token: same devices.' : 'Same token, same devices.'
}

function opens({ token, devices, problem }: Hand, what = 'The token'): string {
  if (token === undefined) return problem ?? ''
  return devices ? `${what} opens ${plural(devices.length, 'device')}.` : 'A token is in hand.'
}
