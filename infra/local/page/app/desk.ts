import type { Account, Act, Desk, SeamFault } from '../operator.ts'
import { element, part } from './element.ts'

/** The operator's desk: what an operator can do to the user who is signed in. */

interface Options {
  sub: () => string
  failed: (sentence: string) => void
}

const seamStates: [how: SeamFault | 'mended', label: string, what: string][] = [
  ['mended', 'Works', 'as it should'],
  ['down', 'Down', 'every call gets a 503'],
  ['silent', 'Silent', 'no answer comes'],
  ['slow', 'Slow', '1.2 s more'],
  ['wrong', 'Wrong', 'an account too many'],
]

export function prepareDesk(options: Options): void {
  const buttons = seamStates.map(([how, label, what]) => {
    const click = () => send(options, how === 'mended' ? { act: 'mend' } : { act: 'break', how })
    const given = { type: 'button', 'data-how': how, 'aria-pressed': 'false', click }
    return element('button', given, element('b', {}, label), element('small', {}, what))
  })
  part('troubles').replaceChildren(...buttons)
  part('clean-up').addEventListener('click', () => void send(options, { act: 'clean_up' }))
}

/** Fetches the current state and shows it. */
export async function refreshDesk(options: Options): Promise<Desk | undefined> {
  const sub = options.sub()
  const response = await fetch(`/desk.json?sub=${encodeURIComponent(sub)}`).catch(() => undefined)
  if (!response?.ok || sub !== options.sub()) return undefined
  const desk: Desk = await response.json()
  show(desk, sub, (act) => send(options, act))
  return desk
}

async function send(options: Options, act: Act): Promise<void> {
  const response = await fetch('/desk', { method: 'POST', body: JSON.stringify(act) }).catch(() => undefined)
  if (!response?.ok) options.failed('That could not be done; the log of the local world says why.')
  await refreshDesk(options)
}

function show(desk: Desk, sub: string, send: (act: Act) => unknown): void {
  part('desk-user').hidden = sub === ''
  part('desk-nobody').hidden = sub !== ''
  part('breaking').hidden = !desk.breakable
  const account = (act: 'withdraw' | 'grant', label: string) => (one: Account) =>
    element(
      'li',
      {},
      element('span', {}, element('b', {}, one.provider), ` ${one.whose}`),
      button(label, () => send({ act, sub, connected_account_id: one.connected_account_id }), one),
    )
  const items = [
    ...desk.held.map(account('withdraw', 'Take away')),
    ...desk.free.map(account('grant', 'Give')),
  ]
  part('accounts').replaceChildren(...(items.length > 0 ? items : [element('li', {}, 'No accounts.')]))
  const isDisabled = desk.status === 'disabled'
  part('user-acts').replaceChildren(
    button(isDisabled ? 'Enable the user' : 'Disable the user', () =>
      send({ act: isDisabled ? 'enable' : 'disable', sub }),
    ),
    button('Delete the session at Seam', () => send({ act: 'end_at_seam', sub })),
  )
  for (const choice of part('troubles').querySelectorAll('button'))
    choice.ariaPressed = String(choice.dataset.how === (desk.fault ?? 'mended'))
  part('seam-trouble').hidden = desk.fault === undefined
}

function button(label: string, click: () => unknown, about?: Account): HTMLElement {
  const spoken = about && `${label}: ${about.provider}, ${about.whose}`
  return element('button', { type: 'button', 'aria-label': spoken, click }, label)
}
