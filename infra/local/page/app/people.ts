import type { PageFacts } from '../server.ts'
import { button, fill, part } from './element.ts'

/** Who may sign in on the page: those who have accounts from the start, and anybody who is invented. */
export function preparePeople(
  { operator, users, issuer, configuration }: PageFacts,
  become: (sub: string, claims?: Record<string, unknown>) => void,
): void {
  part('operator').hidden = part('people').hidden = !operator
  part('provider').hidden = !configuration.issuers.find((one) => one.issuer === issuer)?.events
  if (!operator) {
    part('headline').textContent = 'Ask with the curl that “npm start” printed, and watch.'
    part('outcome').textContent =
      'The API trusts another identity provider, so nobody can sign in on this page.'
  }
  const known = users.map((sub) => button(sub, () => become(sub), { 'data-sub': sub }))
  fill('known', known)
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
