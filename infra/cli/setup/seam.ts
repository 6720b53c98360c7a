import * as z from 'zod/v4-mini'
import { typeOfError } from '../../../functions/seam/answers.ts'
import { CliError } from '../../local/cli-error.ts'
import { Refused } from '../errors.ts'

/** What an operator sets up at Seam once; the functions call none of it. */

export interface SeamAccess {
  endpoint: string
  apiKey: string
}

const webhook = z.object({
  webhook_id: z.string(),
  url: z.string(),
  event_types: z.optional(z.array(z.string())),
  secret: z.optional(z.string()),
})
export type SeamWebhook = z.infer<typeof webhook>

/** The events that the service acts on; of its own deletions it need not be told. */
export const webhookEvents = [
  'connect_webview.login_succeeded',
  'connected_account.connected',
  'connected_account.created',
  'connected_account.deleted',
]

const answers = {
  'webhooks/list': z.object({ webhooks: z.array(webhook) }),
  'webhooks/create': z.object({ webhook }),
  'webhooks/delete': z.unknown(),
  'workspaces/update': z.unknown(),
}
type Call = keyof typeof answers

/** Milliseconds. */
const retryDelay = 15_000

/** @throws CliError without any part of the request, so that no key is ever shown */
export async function callSeam<C extends Call>(
  { endpoint, apiKey }: SeamAccess,
  call: C,
  params: object = {},
): Promise<z.infer<(typeof answers)[C]>> {
  const response = await fetch(`${endpoint}/${call}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(params),
    redirect: 'error',
    signal: AbortSignal.timeout(retryDelay),
  }).catch(() => undefined)
  if (response === undefined) throw new CliError(`Seam did not answer ${call}. Run it again.`)
  const body: unknown = await response.json().catch(() => undefined)
  const said = [response.status, typeOfError(body)].filter(Boolean).join(' ')
  if (response.status === 429 || response.status >= 500)
    throw new CliError(`Seam could not do ${call} (${said}). Run it again.`)
  if (!response.ok) throw new Refused(`Seam refused ${call} (${said}).`)
  const parsed = answers[call].safeParse(body)
  if (parsed.success) return parsed.data as z.infer<(typeof answers)[C]>
  throw new CliError(`Seam answered ${call} in a way that this version does not understand.`)
}

/** The events that Seam does not send there. */
export function unheard({ event_types = ['*'] }: SeamWebhook): string[] {
  return event_types.includes('*') ? [] : webhookEvents.filter((type) => !event_types.includes(type))
}
