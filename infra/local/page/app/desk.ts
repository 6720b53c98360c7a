import type { Account, Desk, Trouble, Wish } from '../operator.ts'
import { element, part } from './element.ts'

/** The operator's desk: what somebody with the right to does to the user who is signed in. */

const troubles: [how: Trouble, label: string, what: string][] = [
  ['down', 'Down', 'every call gets a 503'],
  ['silent', 'Silent', 'no answer comes'],
  ['slow', 'Slow', '1.2 s more'],
  ['wrong', 'Wrong', 'an account too many'],
]

export function operatorsDesk(options: { sub: () => string; failed: (sentence: string) => void }) {
  const { sub, failed } = options

  async function wish(wish: Wish, then?: () => void): Promise<void> {
    const response = await fetch('/desk', { method: 'POST', body: JSON.stringify(wish) }).catch(
      () => undefined,
    )
    if (!response?.ok) failed('That could not be done; the log of the local world says why.')
    then?.()
    await refresh()
  }

  /** Asks what there is now and shows it. */
  async function refresh(): Promise<Desk | undefined> {
    const who = sub()
    const response = await fetch(`/desk.json?sub=${encodeURIComponent(who)}`).catch(() => undefined)
    if (!response?.ok || who !== sub()) return undefined
    const desk: Desk = await response.json()
    show(desk, who)
    return desk
  }

  function show(desk: Desk, who: string): void {
    part('desk-user').hidden = who === ''
    part('desk-nobody').hidden = who !== ''
    part('breaking').hidden = !desk.breakable
    const account = (act: 'withdraw' | 'grant', label: string) => (one: Account) =>
      element(
        'li',
        {},
        element('span', {}, element('b', {}, one.provider), ` ${one.whose}`),
        button(label, `${label}: ${one.provider}, ${one.whose}`, () =>
          wish({ act, sub: who, connected_account_id: one.connected_account_id }),
        ),
      )
    const items = [
      ...desk.held.map(account('withdraw', 'Take away')),
      ...desk.free.map(account('grant', 'Give')),
    ]
    part('accounts').replaceChildren(
      ...(items.length > 0 ? items : [element('li', { class: 'none' }, 'No accounts.')]),
    )
    const disabled = desk.status === 'disabled'
    part('user-acts').replaceChildren(
      button(disabled ? 'Enable the user' : 'Disable the user', '', () =>
        wish({ act: disabled ? 'enable' : 'disable', sub: who }),
      ),
      button('Delete the session at Seam', '', () => wish({ act: 'end_at_seam', sub: who })),
    )
    for (const choice of part('troubles').querySelectorAll('button'))
      choice.ariaPressed = String(choice.dataset.how === (desk.trouble ?? 'mended'))
    part('seam-trouble').hidden = desk.trouble === undefined
  }

  part('troubles').replaceChildren(
    ...([['mended', 'Works', 'as it should'], ...troubles] as const).map(([how, label, what]) =>
      element(
        'button',
        {
          type: 'button',
          'data-how': how,
          'aria-pressed': 'false',
          click: () => wish(how === 'mended' ? { act: 'mend' } : { act: 'break', how }),
        },
        element('b', {}, label),
        element('small', {}, what),
      ),
    ),
  )
  part('clean-up').addEventListener('click', () => void wish({ act: 'clean_up' }))

  return { refresh }
}

function button(label: string, spoken: string, click: () => unknown): HTMLElement {
  return element('button', { type: 'button', 'aria-label': spoken || undefined, click }, label)
}
