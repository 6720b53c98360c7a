import type { Call, Observation } from '../watching.ts'
import { duration, element, fill, part } from './element.ts'
import { pathOf, whatOf } from './story.ts'

/** The last requests, whoever sent them: each unfolds to its record in the log and its calls. */

const shownAtMost = 5

/** `own`: the ids of this page's requests. */
export function showRecent(seen: Observation[], own: Set<string>): void {
  const open = [...part('recent').querySelectorAll('details[open]')].map(({ id }) => id)
  const items = seen.slice(-shownAtMost).toReversed()
  fill(
    'recent',
    items.map((one) => element('li', {}, itemOf(one, open, own))),
  )
  part('no-requests').hidden = items.length > 0
}

/** Polling how a login goes, until something comes of it, is no news. */
export function isQuiet({ audit, calls }: Observation): boolean {
  const isPoll = audit.what === 'connect_webview' && audit.method === 'GET' && audit.code === undefined
  return isPoll && !calls.some(({ name }) => name === 'compareAndSet')
}

function itemOf(observation: Observation, open: string[], own: Set<string>): HTMLElement {
  const { at, audit, calls, report } = observation
  const { what, method, status, code, verdict, request_id } = audit
  const isOthers = method !== undefined && what !== 'webhook' && !own.has(request_id)
  const lines = [
    ...(isOthers ? ['Not of this page: another tab or program asked.'] : []),
    JSON.stringify(report ?? audit, null, 2),
    ...calls.map(callLine),
  ]
  const id = `seen-${observation.id}`
  return element(
    'details',
    { id, open: open.includes(id) },
    element(
      'summary',
      {},
      element('time', {}, new Date(at).toLocaleTimeString()),
      element('b', {}, whatOf(observation)),
      element('span', { class: code && 'wrong' }, [status, code ?? verdict].filter(Boolean).join(' ')),
    ),
    element(
      'pre',
      { tabindex: '0', role: 'group', 'aria-label': 'Its record in the log, and its calls' },
      lines.join('\n'),
    ),
  )
}

const callLine = ({ part, name, took, failed }: Call) =>
  `${part.padEnd(6)} ${pathOf(name)} ${failed ? 'failed after ' : ''}${duration(took)}`
