import type { Configuration } from '../../../../functions/config.ts'
import { explainFrom } from '../../../explain.ts'
import { curlFor } from '../../curl.ts'
import type { PageFacts } from '../server.ts'
import { part } from './element.ts'

/** What engineers show each other: the lines for this very page, the request, and what a bearer token is worth. */

export function showCode({ api, issuer }: PageFacts, sub: string): void {
  part('lines').textContent = `import { clientSession } from 'seam-token-vending/browser'
const login = () => fetch('${issuer}/token', { method: 'POST', body: '${JSON.stringify({ sub })}' })
const getToken = async () => (await (await login()).json()).access_token
const table = document.body.appendChild(document.createElement('seam-device-table'))
clientSession({ url: '${api}', getToken }).onChange((session) => {
  table.setAttribute('endpoint', session?.endpoint ?? '')
  table.setAttribute('client-session-token', session?.token ?? '')
})`
  part('curl').textContent = curlFor(api, issuer, sub)
  part<HTMLAnchorElement>('openapi').href = `${api}/openapi.json`
}

export function prepareCode(configuration: Configuration): void {
  for (const copy of document.querySelectorAll<HTMLButtonElement>('button[data-copy]'))
    copy.addEventListener('click', async () => {
      await navigator.clipboard.writeText(part(copy.dataset.copy ?? '').textContent ?? '')
      copy.textContent = 'Copied'
    })
  const pasted = part<HTMLTextAreaElement>('pasted')
  pasted.addEventListener('input', async () => {
    const token = pasted.value.trim().replace(/^bearer\s+/i, '')
    part('explained').textContent = token && (await explained(configuration, token))
  })
}

/** With the service's own code; only the issuer's public keys are fetched. */
async function explained(configuration: Configuration, token: string): Promise<string> {
  const { sentence, ...more } = await explainFrom(configuration, token)
  return 'subject' in more ? `It speaks for ${more.subject}. ${sentence}` : sentence
}
