import * as z from 'zod/v4-mini'
import { webhookKeysFrom } from '../../../functions/connecting/signature.ts'
import { answers as forms } from '../../../functions/seam/answers.ts'
import { apiKeyForm, apiKeyIn } from '../../../functions/seam/api-key.ts'
import { CliError } from '../../local/cli-error.ts'
import { type DeployedStack, readSecret, writeSecret } from '../aws/stack.ts'
import { Refused } from '../errors.ts'
import { bearer, post } from '../send.ts'

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
type SeamWebhook = z.infer<typeof webhook>

/** The events that the service acts on; it needs none about its own deletions. */
const webhookEvents = [
  'connect_webview.login_succeeded',
  'connected_account.connected',
  'connected_account.created',
  'connected_account.deleted',
]

const answers = {
  'workspaces/get': forms.workspace,
  'webhooks/list': z.object({ webhooks: z.array(webhook) }),
  'webhooks/create': z.object({ webhook }),
  'webhooks/delete': z.unknown(),
  'workspaces/update': z.unknown(),
}
type Call = keyof typeof answers

/** @throws CliError */
export async function callSeam<C extends Call>(
  { endpoint, apiKey }: SeamAccess,
  call: C,
  params: object = {},
): Promise<z.infer<(typeof answers)[C]>> {
  const { status, type, body } = await post(`${endpoint}/${call}`, bearer(apiKey), params)
  const said = [status || 'no answer', type].filter(Boolean).join(' ')
  if (status === 401) throw new Refused('Seam does not accept that API key.')
  if (status === 0 || status === 429 || status >= 500)
    throw new CliError(`Seam failed to answer ${call} (${said}). Run it again.`)
  if (status >= 300) throw new Refused(`Seam refused ${call} (${said}).`)
  const parsed = answers[call].safeParse(body)
  if (parsed.success) return parsed.data as z.infer<(typeof answers)[C]>
  throw new CliError(`This version does not understand Seam’s answer to ${call}.`)
}

/** The workspace that a key opens, and the key without the line end that an editor may have left. @throws CliError */
export async function openWorkspace({ endpoint, apiKey: given }: SeamAccess) {
  const [, other] = /^seam_(cst|pk)/.exec(given) ?? []
  const kind = other === 'cst' ? 'client session token' : 'publishable key'
  if (other !== undefined) throw new Refused(`That is a ${kind}. Give an API key of the workspace.`)
  const apiKey = apiKeyIn(given)
  // What no header can carry cannot be a key, and would be shown by an error about it.
  if (apiKey === undefined) throw new Refused(`That is not an API key: ${apiKeyForm}.`)
  const { workspace } = await callSeam({ endpoint, apiKey }, 'workspaces/get')
  return { apiKey, workspace }
}

/** The events that Seam does not send there. */
export function unheard({ event_types = ['*'] }: SeamWebhook): string[] {
  return event_types.includes('*') ? [] : webhookEvents.filter((type) => !event_types.includes(type))
}

/**
 * Has Seam send its events to the stack, and stores the secret with which the service believes them. Wherever an
 * earlier run was cut short, it ends the same. Returns what was done, as a sentence. `renew`: with a new secret.
 * @throws CliError
 */
export async function registerWebhook(seam: SeamAccess, stack: DeployedStack, renew: boolean) {
  const url = `${stack.outputs.Endpoint}/webhooks/seam`
  const known = secretsIn(await readSecret(stack, 'WebhookSecretsSecret'))
  const store = (list: string[]) => writeSecret(stack, 'WebhookSecretsSecret', JSON.stringify(list))
  const remove = async (webhooks: SeamWebhook[]) => {
    for (const { webhook_id } of webhooks) await callSeam(seam, 'webhooks/delete', { webhook_id })
  }
  const { webhooks } = await callSeam(seam, 'webhooks/list')
  const ours = webhooks.filter((webhook) => webhook.url === url)
  const hearing = ours.filter((webhook) => unheard(webhook).length === 0)
  // Of two that are believed, the later one: its secret stands first.
  const current = known.flatMap((one) => hearing.filter(({ secret }) => secret === one))[0] ?? hearing[0]

  if (current !== undefined && !renew) {
    const { secret } = current
    if (secret === undefined && known.length > 0)
      return `Seam’s webhook points to ${url}. Seam does not show its secret, so the stored one was kept.`
    if (secret !== undefined) {
      const isStored = known.includes(secret)
      if (!isStored) await store([secret, ...known])
      // A renewal that was cut short leaves two.
      await remove(ours.filter((webhook) => webhook !== current))
      return `Seam’s webhook already points to ${url}${isStored ? '.' : '; stored its secret.'}`
    }
  }

  const { webhook: made } = await callSeam(seam, 'webhooks/create', { url, event_types: webhookEvents })
  if (made.secret === undefined)
    throw new CliError(
      `Seam created the webhook ${made.webhook_id} without showing its secret: copy it from Seam’s console.`,
    )
  // The one before too: what the old webhook has sent is tried again for a day.
  await store([made.secret, ...known].slice(0, 2))
  // Only now: until its secret is stored, the new one is not believed.
  await remove(ours)
  return ours.length === 0
    ? `Created Seam’s webhook for ${url} and stored its secret.`
    : `Replaced Seam’s webhook for ${url} and stored its new secret.`
}

function secretsIn(json: string | undefined): string[] {
  if (json === undefined) return []
  try {
    webhookKeysFrom(json)
    return JSON.parse(json)
  } catch {
    throw new Refused(
      'The stored webhook secrets are not a JSON list of "whsec_…". Correct or empty that secret.',
    )
  }
}
