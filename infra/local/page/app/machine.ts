import type { CleanupReport } from '../../../../functions/cleanup/report.ts'
import type { Observation } from '../watching.ts'
import { duration, element, part } from './element.ts'
import { reasons, reportRows } from './sentences.ts'
import { isQuiet, routeOf, type Step, step, stepsOf, summaryOf } from './steps.ts'
import type { Exchange } from './wire.ts'

/** The right side of the page: the machine's last act in full, and earlier ones by name. */

const shownAtMost = 8
const seen: Observation[] = []
const exchanges = new Map<string, Exchange>()
let chosen: Observation | undefined

/** Shows each act when it arrives, except the quiet ones. */
export function see(observation: Observation): void {
  if (isQuiet(observation) && observation.audit.what !== 'webhook') return
  seen.push(observation)
  if (seen.length > shownAtMost) seen.shift()
  if (isQuiet(observation)) showEarlier()
  else show(observation)
}

export function exchanged(exchange: Exchange): void {
  exchanges.set(exchange.request_id, exchange)
  if (chosen?.audit.request_id === exchange.request_id) showWire(exchange, false)
}

function show(observation: Observation): void {
  chosen = observation
  const { audit, at, report } = observation
  part('summary').textContent = `${summaryOf(observation)}.`
  part('summary').classList.toggle('wrong', audit.code !== undefined)
  part('moment').textContent = new Date(at).toLocaleTimeString()
  const steps = report === undefined ? stepsOf(observation) : reportSteps(report)
  part('steps').replaceChildren(...steps.map(stepItem))
  showWire(exchanges.get(audit.request_id), audit.what === 'account' || report !== undefined)
  showEarlier()
}

function showEarlier(): void {
  part('earlier').hidden = seen.length < 2
  part('earlier-list').replaceChildren(
    ...seen.toReversed().map((one) => element('li', {}, earlierButton(one))),
  )
}

function earlierButton(observation: Observation): HTMLElement {
  const { at, audit } = observation
  const pressed = String(observation === chosen)
  return element(
    'button',
    { type: 'button', class: 'earlier', 'aria-pressed': pressed, click: () => show(observation) },
    element('time', {}, new Date(at).toLocaleTimeString()),
    element('span', { class: 'what' }, nameOf(observation)),
    element('span', { class: audit.code ? 'code wrong' : 'code' }, resultOf(observation)),
  )
}

function showWire(exchange: Exchange | undefined, nothing: boolean): void {
  part('wire').hidden = nothing
  part('wire-request').textContent = exchange?.request ?? 'Not of this page: another tab or program asked.'
  part('wire-answer').textContent = exchange?.answer ?? ''
  part('wire-answer').hidden = exchange === undefined
}

function stepItem({ title, text, details = [], took, state }: Step): HTMLElement {
  const spoken = { done: '', failed: ' (failed)', skipped: ' (not needed)' }[state]
  return element(
    'li',
    { class: `step ${state}` },
    element('h3', {}, title, element('span', { class: 'unseen' }, spoken)),
    took !== undefined && took > 0 && element('span', { class: 'took' }, duration(took)),
    element('p', {}, text),
    details.map((line) => element('code', {}, line)),
  )
}

function reportSteps(report: CleanupReport): Step[] {
  const { alarms, fuse, stopped, took } = report
  const nameOfReason = (reason: string) =>
    reason === 'let_go' ? 'it was let go of' : (reasons[reason] ?? reason)
  const ended = Object.entries(report.ended).map(
    ([reason, count]) => `${count} because ${nameOfReason(reason)}`,
  )
  const details = reportRows.flatMap(([name, label]) => {
    const count = report[name as keyof CleanupReport]
    return typeof count === 'number' && count > 0 ? `${count} ${label}` : []
  })
  const why = [stopped, fuse, ...alarms].filter(Boolean).join(', ') || 'Nothing needs a look'
  return [
    step('Looked', 'At every record, and judged it as a request would', 'done', { details }),
    ended.length === 0
      ? step('Nothing ended', 'No client session was stale', 'skipped')
      : step('Ended', ended.join(', '), 'done'),
    step(stopped === undefined ? 'Done' : 'Stopped early', why, alarms.length === 0 ? 'done' : 'failed', {
      took,
    }),
  ]
}

function nameOf({ audit, report }: Observation): string {
  if (report !== undefined) return 'cleanup'
  return audit.what === 'account' ? `operator: ${audit.command?.replaceAll('_', ' ')}` : routeOf(audit)
}

function resultOf({ audit }: Observation): string {
  return [audit.status, audit.code ?? audit.verdict].filter(Boolean).join(' ')
}
