import type { Act, Desk, SeamState } from '../operator.ts'
import { button, element, fill, part } from './element.ts'
import { accountName } from './story.ts'

/** What an operator, an identity provider or Seam can do to the user who is signed in. */

export type Send = (act: Act, title: string) => void

const seamStates: [how: SeamState, label: string, title: string][] = [
  ['works', 'Works', 'Seam works again'],
  ['down', 'Down', 'Seam is down: every call gets a 503'],
  ['slow', 'Slow', 'Seam is slow: every answer takes 1.2 s more'],
  ['wrong', 'Wrong', 'Seam answers with an account too many'],
]

export function showDesk(desk: Desk | undefined, sub: string, send: Send): void {
  part('desk-user').hidden = sub === ''
  part('desk-nobody').hidden = sub !== ''
  part('breaking').hidden = desk?.breakable === false
  const states = seamStates.map(([how, label, title]) =>
    button(label, () => send({ act: 'seam', how }, title), {
      title,
      'aria-pressed': String(how === (desk?.seam ?? 'works')),
    }),
  )
  fill('seam-states', states)
  if (desk === undefined || sub === '') return
  const { connected_account_ids: held = [], status, user_identity_id } = desk.record ?? {}
  const rows = held.map((id) => heldRow(desk, sub, id, send))
  fill('accounts', rows.length > 0 ? rows : element('li', {}, 'No accounts.'))
  showFree(desk, sub, held, send)
  const acting = (label: string, title: string, act: Act) => button(label, () => send(act, title))
  const given = user_identity_id === undefined
  fill(
    'user-acts',
    status === 'disabled'
      ? acting('Enable', `You enabled ${sub}`, { act: 'enable', sub })
      : acting('Disable', `You disabled ${sub}`, { act: 'disable', sub }),
    acting('Sign out everywhere', `You signed ${sub} out everywhere`, { act: 'sign_out_everywhere', sub }),
    desk.breakable &&
      acting(
        given ? 'Give a user identity' : 'Take the user identity',
        given ? `You gave ${sub} a Seam user identity` : `You took ${sub}’s Seam user identity`,
        { act: 'set_identity', sub, given },
      ),
  )
}

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
  fill('free', options)
  part('giving').hidden = free.length === 0
  part('give').onclick = () => {
    const connected_account_id = select.value
    send(
      { act: 'grant', sub, connected_account_id },
      `You gave ${accountName(desk, connected_account_id)} to ${sub}`,
    )
  }
}
