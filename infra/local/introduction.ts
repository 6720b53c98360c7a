import { curlFor } from './curl.ts'
import type { WorldFile } from './world-file.ts'

/** What `npm start` prints: what a newcomer needs next, in that order. */
export function introduction(file: WorldFile, localIssuer: string, folder: string | undefined): string {
  const { api, page, issuer, audience, seam, seam_control, dynamodb, users } = file
  const sub = users?.[0] ?? 'ada'
  const isLocal = issuer === localIssuer
  const run = `${folder ? `LOCAL_DIR='${folder}' ` : ''}npm run -s`
  const who = isLocal ? `as ${sub}` : `with a token of ${issuer} for ${audience} in $TOKEN`
  const subject = `'${file.configuration.deployment === 'local' ? 'local' : '<issuer name>'}|${sub}'`
  const faults = (method: string, body = '') => `curl -sS -X ${method} ${seam_control}/faults${body}`
  return `The token vending machine, on this machine alone. Open the page:

  ${page}

Ask for a client session token ${who}:

${curlFor(api, issuer, sub, isLocal ? undefined : '$TOKEN')}

Operate it, in another terminal:

${run} token-vending -- show ${subject}
${run} token-vending -- accounts
${run} cleanup -- --dry-run
${run} doctor
${seam_control === undefined ? '' : `\nBreak Seam, and mend it:\n\n${faults('PUT', ` -d '{"faults":[{"kind":"status","status":503}]}'`)}\n${faults('DELETE')}\n`}
  API        ${api}
  issuer     ${issuer}
  Seam       ${seam}
  DynamoDB   ${dynamodb}

Ctrl-C stops all of it; "npm start -- --reset" begins anew.
`
}
