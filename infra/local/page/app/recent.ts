import type { Call, Observation } from '../watching.ts'
import { duration, element, part } from './element.ts'
import { pathOf, verdictWords } from './story.ts'
import type { Exchange } from './wire.ts'

/** The last requests, whoever sent them: each unfolds to its verdicts, its calls and, if it was this page's, the wire. */

const shownAtMost = 8

export function showRecent(seen: Observation[], exchanges: Map<string, Exchange>): void {
  const open = new Set([...part('recent').querySelectorAll('details[open]')].map(({ id }) => id))
  const items = seen.slice(-shownAtMost).toReversed()
  part('recent').replaceChildren(
    ...items.map((one) => {
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

function itemOf({ id, at, audit, calls, report }: Observation, exchange: Exchange | undefined): HTMLElement {
  const { what, method, path, status, code, command, verdict, event_type, owner, took } = audit
  const name = report ? 'cleanup' : (command ?? `${method} ${path}`)
  const result = [status, code ?? verdict ?? event_type].filter(Boolean).join(' ')
  const isOthers = method !== undefined && what !== 'webhook' && exchange === undefined
  const lines = [
    isOthers && 'Not of this page: another tab or program asked.',
    owner && `owner ${owner}`,
    ...(audit.verdicts ?? []).map((one) => `${one.replace(':', ' · ')} — ${verdictWords(one)}`),
    audit.reason && `reason, for the log alone: ${audit.reason}`,
    ...calls.map(callLine),
    took !== undefined && `took ${duration(took)}`,
    report && JSON.stringify(report, null, 2),
  ]
  return element(
    'details',
    { id: `seen-${id}` },
    element(
      'summary',
      {},
      element('time', {}, new Date(at).toLocaleTimeString()),
      element('b', {}, name),
      element('span', { class: code === undefined ? '' : 'wrong' }, result),
    ),
    element(
      'pre',
      { tabindex: '0', role: 'group', 'aria-label': 'What it did' },
      lines.filter(Boolean).join('\n'),
    ),
    exchange &&
      element(
        'pre',
        { tabindex: '0', role: 'group', 'aria-label': 'On the wire, secrets masked' },
        exchange.request,
        '\n\n',
        exchange.answer,
      ),
  )
}

const callLine = ({ part, name, took, failed }: Call) =>
  `${part.padEnd(6)} ${pathOf(name)} ${failed ? 'failed after ' : ''}${duration(took)}`
