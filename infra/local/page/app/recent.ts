import type { Call, Observation } from '../watching.ts'
import { duration, element, fill, part } from './element.ts'
import { pathOf, whatOf } from './story.ts'
import type { Exchange } from './wire.ts'

/** The last requests, whoever sent them: each unfolds to its record in the log, its calls and, if it was this page's, the wire. */

const shownAtMost = 8

export function showRecent(seen: Observation[], exchanges: Map<string, Exchange>): void {
  const open = new Set([...part('recent').querySelectorAll('details[open]')].map(({ id }) => id))
  const items = seen.slice(-shownAtMost).toReversed()
  fill(
    'recent',
    items.map((one) => {
      const item = itemOf(one, exchanges.get(one.audit.request_id))
      item.toggleAttribute('open', open.has(item.id))
      return element('li', {}, item)
    }),
  )
  part('no-requests').hidden = items.length > 0
}

/** Polling how a login goes, until something comes of it, is no news. */
export function isQuiet({ audit, calls }: Observation): boolean {
  const isPoll = audit.what === 'connect_webview' && audit.method === 'GET' && audit.code === undefined
  return isPoll && !calls.some(({ name }) => name === 'compareAndSet')
}

function itemOf(observation: Observation, exchange: Exchange | undefined): HTMLElement {
  const { id, at, audit, calls, report } = observation
  const { what, method, status, code, verdict } = audit
  const isOthers = method !== undefined && what !== 'webhook' && exchange === undefined
  const lines = [
    ...(isOthers ? ['Not of this page: another tab or program asked.'] : []),
    JSON.stringify(report ?? audit, null, 2),
    ...calls.map(callLine),
  ]
  return element(
    'details',
    { id: `seen-${id}` },
    element(
      'summary',
      {},
      element('time', {}, new Date(at).toLocaleTimeString()),
      element('b', {}, whatOf(observation)),
      element('span', { class: code && 'wrong' }, [status, code ?? verdict].filter(Boolean).join(' ')),
    ),
    details('Its record in the log, and its calls', lines.join('\n')),
    exchange && details('On the wire, secrets masked', exchange.text),
  )
}

const details = (label: string, text: string) =>
  element('pre', { tabindex: '0', role: 'group', 'aria-label': label }, text)

const callLine = ({ part, name, took, failed }: Call) =>
  `${part.padEnd(6)} ${pathOf(name)} ${failed ? 'failed after ' : ''}${duration(took)}`
