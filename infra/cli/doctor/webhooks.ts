import { createHmac, randomUUID } from 'node:crypto'
import * as z from 'zod/v4-mini'
import { webhookEvents } from '../setup/webhook.ts'
import { send } from './endpoint.ts'
import { bad, type Finding, good, unknown } from './finding.ts'

const listed = z.object({
  webhooks: z.array(
    z.object({
      url: z.string(),
      event_types: z.optional(z.array(z.string())),
      secret: z.optional(z.string()),
    }),
  ),
})

const setUp = 'npm run setup -- --stack NAME'

/** Whether Seam's events reach the endpoint, and are believed there. */
export async function webhookFindings(
  seam: { endpoint: string; apiKey: string },
  endpoint: string,
): Promise<Finding[]> {
  const what = 'webhook'
  const response = await send(`${seam.endpoint}/webhooks/list`, {
    method: 'POST',
    headers: { authorization: `Bearer ${seam.apiKey}`, 'content-type': 'application/json' },
    body: '{}',
  })
  const parsed = listed.safeParse(await response.json().catch(() => undefined))
  if (!parsed.success) return [unknown(what, `Seam does not list its webhooks (${response.status})`)]
  const url = `${endpoint}/webhooks/seam`
  const webhook = parsed.data.webhooks.find((one) => one.url === url)
  if (webhook === undefined) return [bad(what, `none of Seam’s leads to ${url}`, setUp)]
  const types = webhook.event_types ?? ['*']
  const missing = types.includes('*') ? [] : webhookEvents.filter((type) => !types.includes(type))
  if (missing.length > 0) return [bad(what, `is not sent ${missing.join(', ')}`, setUp)]
  return [good(what, 'Seam’s leads here'), await secretFinding(url, webhook.secret)]
}

/** Tried with an event that means nothing to the service. */
async function secretFinding(url: string, secret: string | undefined): Promise<Finding> {
  const what = 'webhook secret'
  if (secret === undefined) return unknown(what, 'Seam does not show it')
  const id = `msg_doctor_${randomUUID()}`
  const timestamp = String(Math.floor(Date.now() / 1000))
  const body = '{"event_type":"doctor.looks"}'
  const { status } = await send(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'svix-id': id,
      'svix-timestamp': timestamp,
      'svix-signature': `v1,${signature(secret, `${id}.${timestamp}.${body}`)}`,
    },
    body,
  })
  return status === 204
    ? good(what, 'what Seam signs is believed')
    : bad(what, `what Seam signs is answered with ${status}: the service has another secret`, setUp)
}

function signature(secret: string, text: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  return createHmac('sha256', key).update(text).digest('base64')
}
