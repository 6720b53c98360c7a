import { webhookKeysFrom } from '../../../functions/connecting/signature.ts'
import { CliError } from '../../local/cli-error.ts'
import type { Secrets } from '../aws/secrets.ts'
import { Refused } from '../errors.ts'
import { callSeam, type SeamAccess, type SeamWebhook, unheard, webhookEvents } from './seam.ts'

/**
 * Lets Seam tell this address what happens there, and the service believe it. Returns what was done, as a sentence.
 * Whatever an earlier run was cut short at, it ends the same. `renew`: with a new secret.
 * @throws CliError
 */
export async function registerWebhook(
  seam: SeamAccess,
  secrets: Secrets,
  url: string,
  renew: boolean,
): Promise<string> {
  const known = secretsIn(await secrets.read('WebhookSecretsSecret'))
  const { webhooks } = await callSeam(seam, 'webhooks/list')
  const ours = webhooks.filter((webhook) => webhook.url === url)
  const hearing = ours.filter((webhook) => unheard(webhook).length === 0)
  // Of two that are believed, the later one: its secret stands first.
  const current = known.flatMap((one) => hearing.filter(({ secret }) => secret === one))[0] ?? hearing[0]

  if (current !== undefined && !renew) {
    const { secret } = current
    if (secret === undefined && known.length > 0)
      return `Seam’s webhook leads to ${url}; Seam does not show its secret, so the stored one was left.`
    if (secret !== undefined) {
      const isStored = known.includes(secret)
      if (!isStored) await store(secrets, [secret, ...known])
      // A renewal that was cut short leaves two.
      await remove(
        seam,
        ours.filter((webhook) => webhook !== current),
      )
      return isStored
        ? `Seam’s webhook leads to ${url} already.`
        : `Seam’s webhook led to ${url} already; its secret was stored.`
    }
  }

  const { webhook: made } = await callSeam(seam, 'webhooks/create', { url, event_types: webhookEvents })
  if (made.secret === undefined)
    throw new CliError(
      `Seam made the webhook ${made.webhook_id} and did not tell its secret: copy it from Seam’s console.`,
    )
  // The one before too: what the old webhook has sent is tried again for a day.
  await store(secrets, [made.secret, ...known].slice(0, 2))
  // Only now: until its secret is stored, the new one is not believed.
  await remove(seam, ours)
  return ours.length === 0
    ? `Seam’s webhook was made: it leads to ${url}, and its secret is stored.`
    : `Seam’s webhook was made again: it leads to ${url}, and its new secret is stored.`
}

const store = (secrets: Secrets, list: string[]) =>
  secrets.write('WebhookSecretsSecret', JSON.stringify(list))

async function remove(seam: SeamAccess, webhooks: SeamWebhook[]): Promise<void> {
  for (const { webhook_id } of webhooks) await callSeam(seam, 'webhooks/delete', { webhook_id })
}

function secretsIn(json: string | undefined): string[] {
  if (json === undefined) return []
  try {
    webhookKeysFrom(json)
    return JSON.parse(json)
  } catch {
    throw new Refused(
      'The stored webhook secrets are no JSON list of "whsec_…". Correct or empty that secret.',
    )
  }
}
