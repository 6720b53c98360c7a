import type { Act, Desk, SeamFault } from '../operator.ts'
import type { Browser } from './browser.ts'
import { button, element, part } from './element.ts'
import { accountName } from './story.ts'

/** What an operator, an identity provider or Seam can do to the user who is signed in. */

export type Send = (act: Act, title: string) => void

const seamStates: [how: SeamFault | 'works', label: string, title: string][] = [
  ['works', 'Works', 'Seam works again'],
  ['down', 'Down', 'Seam is down: every call gets a 503'],
  ['silent', 'Silent', 'Seam answers no more'],
  ['slow', 'Slow', 'Seam is slow: every answer takes 1.2 s more'],
  ['wrong', 'Wrong', 'Seam answers with an account too many'],
]

export function prepareDesk(send: Send): void {
  const choice = ([how, label, title]: (typeof seamStates)[number]) =>
    button(label, () => send(how === 'works' ? { act: 'mend' } : { act: 'break', how }, title), {
      'data-how': how,
      title,
    })
  part('seam-states').replaceChildren(...seamStates.map(choice))
  part('clean-up').addEventListener('click', () => send({ act: 'clean_up' }, 'You ran the cleanup'))
}

export function showDesk(desk: Desk | undefined, sub: string, { session }: Browser, send: Send): void {
  part('desk-user').hidden = sub === ''
  part('desk-nobody').hidden = sub !== ''
  part('breaking').hidden = desk?.breakable === false
  for (const choice of part('seam-states').querySelectorAll('button'))
    choice.ariaPressed = String(choice.dataset.how === (desk?.fault ?? 'works'))
  if (desk === undefined || sub === '') return
  const { connected_account_ids: held = [], status, user_identity_id } = desk.record ?? {}
  part('accounts').replaceChildren(
    ...held.map((id) => heldRow(desk, sub, id, send)),
    ...(held.length === 0 ? [element('li', {}, 'No accounts.')] : []),
  )
  showFree(desk, sub, held, send)
  const toUser = (label: string, act: Extract<Act, { sub: string }>['act'], title: string) =>
    button(label, () => send({ act, sub } as Act, title))
  part('user-acts').replaceChildren(
    status === 'disabled'
      ? toUser('Enable', 'enable', `You enabled ${sub}`)
      : toUser('Disable', 'disable', `You disabled ${sub}`),
    toUser('Sign out everywhere', 'sign_out_everywhere', `You signed ${sub} out everywhere`),
    ...(desk.breakable
      ? [
          user_identity_id === undefined
            ? toUser('Give a user identity', 'give_identity', `You gave ${sub} a Seam user identity`)
            : toUser('Take the user identity', 'take_identity', `You took ${sub}’s Seam user identity`),
        ]
      : []),
    ...(session ? [endButton(session.client_session_id, send)] : []),
  )
}

const endButton = (client_session_id: string, send: Send) =>
  button('Delete the session at Seam', () =>
    send({ act: 'end_at_seam', client_session_id }, 'Somebody deleted the client session at Seam'),
  )

function heldRow(desk: Desk, sub: string, connected_account_id: string, send: Send): HTMLElement {
  const name = accountName(desk, connected_account_id)
  const devices = desk.accounts.find((one) => one.connected_account_id === connected_account_id)?.devices
  const take = () => send({ act: 'withdraw', sub, connected_account_id }, `You took ${name} from ${sub}`)
  return element(
    'li',
    {},
    element('span', {}, element('b', {}, name), element('br'), element('small', {}, devices?.join(', '))),
    button('Take away', take, { 'aria-label': `Take away: ${name}` }),
  )
}

/** Every other account of the workspace, to be given with one click. */
function showFree(desk: Desk, sub: string, held: string[], send: Send): void {
  const free = desk.accounts.filter(({ connected_account_id: id }) => !held.includes(id))
  const select = part<HTMLSelectElement>('free')
  const chosen = select.value
  const options = free.map(({ connected_account_id: value, provider, whose, devices }) =>
    element('option', { value, selected: value === chosen }, `${provider} ${whose}: ${devices.join(', ')}`),
  )
  select.replaceChildren(...options)
  part('giving').hidden = free.length === 0
  part('give').onclick = () => {
    const connected_account_id = select.value
    send(
      { act: 'grant', sub, connected_account_id },
      `You gave ${accountName(desk, connected_account_id)} to ${sub}`,
    )
  }
}
