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
  const rowsOf = (ids: string[]) => ids.map((id) => accountRow(desk, sub, id, held.includes(id), send))
  const rows = rowsOf(held)
  fill('accounts', rows.length > 0 ? rows : element('li', {}, 'No accounts.'))
  const free = desk.accounts.map((one) => one.connected_account_id).filter((id) => !held.includes(id))
  part('giving').hidden = free.length === 0
  fill('free', rowsOf(free))
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

function accountRow(desk: Desk, sub: string, id: string, isHeld: boolean, send: Send): HTMLElement {
  const name = accountName(desk, id)
  const devices = desk.accounts.find((one) => one.connected_account_id === id)?.devices
  const [label, act, title] = isHeld
    ? (['Take away', 'withdraw', `You took ${name} from ${sub}`] as const)
    : (['Give', 'grant', `You gave ${name} to ${sub}`] as const)
  return element(
    'li',
    {},
    element('span', {}, element('b', {}, name), element('br'), element('small', {}, devices?.join(', '))),
    button(label, () => send({ act, sub, connected_account_id: id }, title), {
      'aria-label': `${label}: ${name}`,
    }),
  )
}
