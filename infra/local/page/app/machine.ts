import type { CleanupReport } from '../../../../functions/cleanup/report.ts'
import type { Observation } from '../watching.ts'
import { duration, element, part } from './element.ts'
import { reasons, reportRows } from './sentences.ts'
import { isQuiet, routeOf, type Step, stepsOf, summaryOf } from './steps.ts'
import type { Exchange } from './wire.ts'

/** The right side of the page: what the machine did, the last act in full and those before it by name. */

const shownAtMost = 8

export function machineView() {
  const seen: Observation[] = []
  const exchanges = new Map<string, Exchange>()
  let chosen: Observation | undefined

  function show(observation: Observation): void {
    chosen = observation
    const { audit, at, report } = observation
    part('summary').textContent = `${summaryOf(observation)}.`
    part('summary').classList.toggle('wrong', audit.code !== undefined)
    part('moment').textContent = new Date(at).toLocaleTimeString()
    part('steps').replaceChildren(
      ...(report === undefined ? stepsOf(observation).map(stepItem) : reportItems(report)),
    )
    showWire(exchanges.get(audit.request_id), audit.what === 'account' || report !== undefined)
    showEarlier()
  }

  function showEarlier(): void {
    part('earlier').hidden = seen.length < 2
    part('earlier-list').replaceChildren(
      ...seen.toReversed().map((observation) =>
        element(
          'li',
          {},
          element(
            'button',
            {
              type: 'button',
              class: 'earlier',
              'aria-pressed': String(observation === chosen),
              click: () => show(observation),
            },
            element('time', {}, new Date(observation.at).toLocaleTimeString()),
            element('span', { class: 'what' }, shortly(observation)),
            element('span', { class: observation.audit.code ? 'code wrong' : 'code' }, resultOf(observation)),
          ),
        ),
      ),
    )
  }

  return {
    /** Acts are shown as they come, but for the quiet ones. */
    see(observation: Observation): void {
      if (isQuiet(observation) && observation.audit.what !== 'webhook') return
      seen.push(observation)
      if (seen.length > shownAtMost) seen.shift()
      if (isQuiet(observation)) showEarlier()
      else show(observation)
    },
    exchanged(exchange: Exchange): void {
      exchanges.set(exchange.request_id, exchange)
      if (chosen?.audit.request_id === exchange.request_id) showWire(exchange, false)
    },
  }
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

function reportItems(report: CleanupReport): HTMLElement[] {
  const ended = Object.entries(report.ended).map(
    ([reason, count]) =>
      `${count} because ${reason === 'let_go' ? 'it was let go of' : (reasons[reason] ?? reason)}`,
  )
  const rows = reportRows.flatMap(([name, label]) => {
    const count = report[name as keyof CleanupReport]
    return typeof count === 'number' && count > 0 ? `${count} ${label}` : []
  })
  const nothing = ended.length === 0
  const steps: Step[] = [
    {
      title: 'Looked',
      text: 'At every record, and judged it as a request would',
      details: rows,
      state: 'done',
    },
    {
      title: nothing ? 'Nothing ended' : 'Ended',
      text: nothing ? 'No client session was stale' : ended.join(', '),
      state: nothing ? 'skipped' : 'done',
    },
    {
      title: report.stopped === undefined ? 'Done' : 'Stopped early',
      text:
        [report.stopped, report.fuse, ...report.alarms].filter(Boolean).join(', ') || 'Nothing needs a look',
      took: report.took,
      state: report.alarms.length === 0 ? 'done' : 'failed',
    },
  ]
  return steps.map(stepItem)
}

function shortly({ audit, report }: Observation): string {
  if (report !== undefined) return 'cleanup'
  return audit.what === 'account' ? `operator: ${audit.command?.replaceAll('_', ' ')}` : routeOf(audit)
}

function resultOf({ audit }: Observation): string {
  return [audit.status, audit.code ?? audit.verdict].filter(Boolean).join(' ')
}
