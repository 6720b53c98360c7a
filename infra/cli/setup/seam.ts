import type { RouteRequestBody } from '@seamapi/types/connect'
import * as z from 'zod/v4-mini'
import { typeOfError } from '../../../functions/seam-answers.ts'
import { Trouble } from '../../local/trouble.ts'
import { Refused } from '../errors.ts'

/** What is set up at Seam once, by an operator; the functions call none of it. */

const webhook = z.object({
  webhook_id: z.string(),
  url: z.string(),
  event_types: z.optional(z.array(z.string())),
  secret: z.optional(z.string()),
})
export type SeamWebhook = z.infer<typeof webhook>

export interface SeamSettings {
  listWebhooks(): Promise<SeamWebhook[]>
  createWebhook(params: RouteRequestBody<'/webhooks/create'>): Promise<SeamWebhook>
  deleteWebhook(params: { webhook_id: string }): Promise<void>
  updateWorkspace(params: { is_publishable_key_auth_enabled: boolean }): Promise<void>
}

/** Milliseconds. */
const patience = 15_000

/** Its methods throw a `Trouble` without any part of the request, so that no key is ever shown. */
export function seamSettings({ endpoint, apiKey }: { endpoint: string; apiKey: string }): SeamSettings {
  async function post<T extends z.ZodMiniType>(call: string, params: object, answer: T): Promise<z.infer<T>> {
    const response = await fetch(`${endpoint}/${call}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(params),
      redirect: 'error',
      signal: AbortSignal.timeout(patience),
    }).catch(() => undefined)
    if (response === undefined) throw new Trouble(`Seam did not answer ${call}. Run it again.`)
    const body: unknown = await response.json().catch(() => undefined)
    const said = [response.status, typeOfError(body)].filter(Boolean).join(' ')
    if (response.status === 429 || response.status >= 500)
      throw new Trouble(`Seam could not do ${call} (${said}). Run it again.`)
    if (!response.ok) throw new Refused(`Seam refused ${call} (${said}).`)
    const parsed = answer.safeParse(body)
    if (!parsed.success)
      throw new Trouble(`Seam answered ${call} in a way that this version does not understand.`)
    return parsed.data
  }

  return {
    async listWebhooks() {
      return (await post('webhooks/list', {}, z.object({ webhooks: z.array(webhook) }))).webhooks
    },
    async createWebhook(params) {
      return (await post('webhooks/create', params, z.object({ webhook }))).webhook
    },
    async deleteWebhook(params) {
      await post('webhooks/delete', params, z.unknown())
    },
    async updateWorkspace(params) {
      await post('workspaces/update', params, z.unknown())
    },
  }
}
