import { createHmac, randomUUID } from 'node:crypto'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import { Problem } from '../../../functions/http/problem.ts'
import { apiKeyForm, apiKeyIn } from '../../../functions/seam/api-key.ts'
import { type Seam, seamClient, type Workspace } from '../../../functions/seam/client.ts'
import { SeamFailure } from '../../../functions/seam/failure.ts'
import { times } from '../../../functions/times.ts'
import { CliError } from '../../local/cli-error.ts'
import { send } from '../send.ts'
import { callSeam, type SeamAccess, unheard } from '../setup/seam.ts'
import { bad, check, type Finding, good, look, unknown } from './finding.ts'

const setUp = '`setup --stack NAME`'

/** What the API key opens, and whether Seam's events reach the vending endpoint. `expected`: whose client sessions the table holds. */
export async function workspaceFindings(
  { endpoint, apiKey }: SeamAccess,
  expected: string | undefined,
  vending: string | undefined,
): Promise<Finding[]> {
  const findings = await seamFindings(seamClient({ endpoint, apiKey: async () => apiKey, times }), expected)
  const isAccepted = findings.length > 1
  if (!isAccepted || vending === undefined) return findings
  return [...findings, ...(await webhookFindings({ endpoint, apiKey: apiKeyIn(apiKey) ?? apiKey }, vending))]
}

/** One finding where the key is not accepted, several where it is. */
export async function seamFindings(
  seam: Pick<Seam, 'getWorkspace'>,
  expected: string | undefined,
): Promise<Finding[]> {
  try {
    const workspace = await seam.getWorkspace(deadlineIn(times.seam, Date.now))
    return [keyFinding(workspace, expected), publishableFinding(workspace)]
  } catch (error) {
    if (error instanceof Problem && error.details.dependency === 'secrets')
      return [bad('Seam API key', 'is of the wrong form', `store it again; ${apiKeyForm}`)]
    if (!(error instanceof SeamFailure)) throw error
    return error.httpStatus === 401 || error.httpStatus === 403
      ? [bad('Seam API key', 'is not accepted', 'make a new one in Seam’s console, and store it')]
      : [bad('Seam', error.message, 'check "seamEndpoint" and the network')]
  }
}

function keyFinding({ workspace_id, name, is_sandbox }: Workspace, expected = workspace_id): Finding {
  const said = `opens ${name ?? workspace_id} (${is_sandbox ? 'sandbox' : 'production'})`
  const otherwise = `${said}, and the records belong to workspace ${expected}`
  return check('Seam API key', expected === workspace_id, said, otherwise, 'store the key of that workspace')
}

/** Law 1: with it, whoever learns a `user_identifier_key` gets that user’s client session token. */
function publishableFinding({ is_publishable_key_auth_enabled: enabled }: Workspace): Finding {
  const what = 'publishable-key access'
  if (enabled === undefined)
    return look(what, 'Seam does not say whether it is on', 'look it up in Seam’s console; it must be off')
  const otherwise = 'is on: browsers may ask Seam for client sessions past this service'
  const todo = 'switch it off: `setup` offers to for a stack, or do it in Seam’s console'
  return check(what, !enabled, 'is off', otherwise, todo)
}

/** Whether Seam's events reach the endpoint, and are believed there. */
async function webhookFindings(seam: SeamAccess, vending: string): Promise<Finding[]> {
  const what = 'webhook'
  try {
    const url = `${vending}/webhooks/seam`
    const { webhooks } = await callSeam(seam, 'webhooks/list')
    const webhook = webhooks.find((one) => one.url === url)
    const todo = 'of a stack that is gone? Delete it in Seam’s console'
    const notes = webhooks
      .filter((one) => one.url !== url && one.url.endsWith('/webhooks/seam'))
      .map((one) => look('another webhook', `of Seam’s leads to ${one.url}`, todo))
    if (webhook === undefined) return [bad(what, `none of Seam’s leads to ${url}`, setUp), ...notes]
    const missing = unheard(webhook)
    if (missing.length > 0) return [bad(what, `is not sent ${missing.join(', ')}`, setUp), ...notes]
    return [good(what, 'Seam’s leads here'), await secretFinding(url, webhook.secret), ...notes]
  } catch (error) {
    if (error instanceof CliError) return [unknown(what, 'not checked', error.message)]
    throw error
  }
}

/** Tried with an event that means nothing to the service. */
async function secretFinding(url: string, secret: string | undefined): Promise<Finding> {
  const what = 'webhook secret'
  if (secret === undefined) return unknown(what, 'Seam does not show it')
  const id = `msg_doctor_${randomUUID()}`
  const timestamp = String(Math.floor(Date.now() / 1000))
  const body = '{"event_type":"doctor.looks"}'
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  const headers = {
    'content-type': 'application/json',
    'svix-id': id,
    'svix-timestamp': timestamp,
    'svix-signature': `v1,${signature}`,
  }
  const { status } = await send(url, { method: 'POST', headers, body })
  const otherwise = `what Seam signs is answered with ${status}: the service has another secret`
  return check(what, status === 204, 'what Seam signs is believed', otherwise, setUp)
}
