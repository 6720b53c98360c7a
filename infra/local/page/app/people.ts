import type { PageFacts } from '../server.ts'
import { element, part } from './element.ts'

/** Who may sign in on the page: those who have accounts from the start, and anybody who is invented. */
export function preparePeople(
  facts: PageFacts,
  become: (sub: string, claims?: Record<string, unknown>) => void,
): void {
  part('operator').hidden = !facts.operator
  part('people').hidden = !facts.operator
  const ours = facts.configuration.issuers.find(({ issuer }) => issuer === facts.issuer)
  part('provider').hidden = ours === undefined || !('events' in ours)
  if (!facts.operator) {
    part('headline').textContent = 'Ask with the curl that “npm start” printed, and watch.'
    part('outcome').textContent =
      'The API trusts another identity provider, so nobody can sign in on this page.'
  }
  const known = facts.users.map((sub) => {
    const initial = element(
      'span',
      { class: 'initial', 'aria-hidden': 'true' },
      sub.slice(0, 1).toUpperCase(),
    )
    return element('button', { type: 'button', 'data-sub': sub, click: () => become(sub) }, initial, sub)
  })
  part('known').replaceChildren(...known)
  part<HTMLFormElement>('invented').addEventListener('submit', (event) => {
    event.preventDefault()
    const field = part<HTMLTextAreaElement>('claims')
    try {
      become(part<HTMLInputElement>('sub').value.trim(), JSON.parse(field.value.trim() || '{}'))
      part<HTMLDetailsElement>('invent').open = false
    } catch {
      field.setCustomValidity('Write a JSON object, such as {"email":"eve@example.com"}.')
      field.reportValidity()
      field.setCustomValidity('')
    }
  })
}
