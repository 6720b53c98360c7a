import { randomUUID } from 'node:crypto'
import { Webhook } from 'svix'
import type { Workspace } from '../../../functions/seam/client.ts'
import { CliError } from '../../local/cli-error.ts'
import { Refused } from '../errors.ts'
import { send } from '../send.ts'
import { callSeam, openWorkspace, type SeamAccess, unheard } from '../setup/seam.ts'
import { bad, check, type Finding, good, look, unknown } from './finding.ts'

const setUp = '`setup --stack NAME`'

/** What the API key opens, and whether Seam's events reach the vending endpoint. `expected`: whose client sessions the table holds. */
export async function workspaceFindings(access: SeamAccess, expected?: string, vending?: string) {
  try {
    const { apiKey, workspace } = await openWorkspace(access)
    const findings = [keyFinding(workspace, expected), publishableFinding(workspace)]
    if (vending === undefined) return findings
    return [...findings, ...(await webhookFindings({ ...access, apiKey }, vending))]
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    return [bad(error instanceof Refused ? 'Seam API key' : 'Seam', 'cannot be used', error.message)]
  }
}

export function keyFinding({ workspace_id, name, is_sandbox }: Workspace, expected = workspace_id): Finding {
  const said = `opens ${name ?? workspace_id} (${is_sandbox ? 'sandbox' : 'production'})`
  const otherwise = `${said}, and the records belong to workspace ${expected}`
  return check('Seam API key', expected === workspace_id, said, otherwise, 'store the key of that workspace')
}

/** Law 1: with it, whoever learns a `user_identifier_key` gets that user’s client session token. */
export function publishableFinding({ is_publishable_key_auth_enabled: enabled }: Workspace): Finding {
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
  const now = new Date()
  const body = '{"event_type":"doctor.looks"}'
  const headers = {
    'content-type': 'application/json',
    'svix-id': id,
    'svix-timestamp': String(Math.floor(now.getTime() / 1000)),
    'svix-signature': new Webhook(secret).sign(id, now, body),
  }
  const { status } = await send(url, { method: 'POST', headers, body })
  const otherwise = `what Seam signs is answered with ${status}: the service has another secret`
  return check(what, status === 204, 'what Seam signs is believed', otherwise, setUp)
}
