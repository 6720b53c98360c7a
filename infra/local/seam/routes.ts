import * as z from 'zod/v4-mini'
import type { Authority, Changes, ClientSessionStore } from './client-sessions.ts'
import type { ConnectWebviewStore } from './connect-webviews.ts'
import type { FakeSeam } from './fake.ts'
import { keepAnswerWithin, keepCallWithin } from './scope.ts'
import type { Webhooks } from './webhooks.ts'
import { webviewPages } from './webview-page.ts'
import { type Answer, bearerOf, type Call, checked, ok, Refusal } from './wire.ts'

type Route = {
  methods: string[]
  allows: Authority['by'][]
  run: (call: Call, authority: Authority) => Answer
}

type Parts = {
  fake: FakeSeam
  store: ClientSessionStore
  webviews: ConnectWebviewStore
  changes: Changes
  deleteAccount: (connected_account_id: string) => void
  webhooks: Webhooks
}

/** What a call came to, and whether the workspace is another one since. */
export type Outcome = { answer: Answer; changed: boolean }

/** What Seam's fake may answer; the rest of it (its own database, other workspaces) stays out of reach. */
const handedOver =
  /^\/(devices|locks|access_codes|thermostats|noise_sensors|action_attempts|events|health)(\/|$)/

const onlyLooks = /\/(get|list|list_device_providers)$|^\/health/

const workspaceChange = z.object({
  name: z.optional(z.string()),
  is_publishable_key_auth_enabled: z.optional(z.boolean()),
})
const page = z.object({
  limit: z.optional(z.coerce.number()),
  page_cursor: z.optional(z.nullable(z.string())),
})
const accountNamed = z.object({ connected_account_id: z.string() })
const webviewNamed = z.object({ connect_webview_id: z.string() })
const webhookNamed = z.object({ webhook_id: z.string() })
const newWebhook = z.object({
  url: z.url({ protocol: /^https?$/ }),
  event_types: z.optional(z.array(z.string()).check(z.minLength(1))),
})

/** @returns the whole of the local Seam as one function; it throws a Refusal for what Seam refuses. */
export const seamRoutes = (parts: Parts): ((call: Call) => Promise<Outcome>) => {
  const { fake, store, webviews, changes, webhooks } = parts
  const pages = webviewPages(webviews)

  const accountShown = ({ connected_account_id }: { connected_account_id: string }) => {
    const account = fake.accounts().find((one) => one.connected_account_id === connected_account_id)
    if (account === undefined)
      throw new Refusal(404, 'connected_account_not_found', 'Could not find connected account')
    const { connect_webview_id, workspace_id, bridge_id, ...shown } = account
    return { ...shown, errors: [], warnings: [] }
  }

  const listAccounts = (params: unknown): Answer => {
    const { limit = 11_000, page_cursor } = checked(page, params)
    const accounts = fake.accounts()
    const start = page_cursor ? Number(Buffer.from(page_cursor, 'base64url').toString()) : 0
    const next = start + limit < accounts.length ? start + limit : undefined
    return ok({
      connected_accounts: accounts.slice(start, start + limit).map(accountShown),
      pagination: {
        has_next_page: next !== undefined,
        next_page_cursor: next === undefined ? null : Buffer.from(String(next)).toString('base64url'),
        next_page_url: null,
      },
    })
  }

  const removeAccount = (params: unknown): Answer => {
    const { connected_account_id } = checked(accountNamed, params)
    accountShown({ connected_account_id })
    parts.deleteAccount(connected_account_id)
    return ok()
  }

  const updateWorkspace = (params: unknown): Answer => {
    fake.updateWorkspace(checked(workspaceChange, params))
    changes.count++
    return ok()
  }

  const webhookShown = (webhook_id: string): Answer => {
    const webhook = webhooks.list().find((one) => one.webhook_id === webhook_id)
    if (webhook === undefined) throw new Refusal(404, 'webhook_not_found', 'Could not find webhook')
    return ok({ webhook })
  }

  const addWebhook = (params: unknown): Answer => {
    const { url, event_types } = checked(newWebhook, params)
    return webhookShown(webhooks.add(url, event_types).webhook_id)
  }

  const removeWebhook = (params: unknown): Answer => {
    const { webhook_id } = checked(webhookNamed, params)
    webhookShown(webhook_id)
    webhooks.remove(webhook_id)
    return ok()
  }

  const showWorkspace = (authority: Authority): Answer => {
    const { created_at, ...workspace } = fake.workspace()
    const { publishable_key, ...forBrowsers } = workspace
    return ok({
      workspace: { ...(authority.by === 'api_key' ? workspace : forBrowsers), organization_id: null },
    })
  }

  const routes: Record<string, Route> = {
    '/client_sessions/create': {
      methods: ['POST', 'PUT'],
      allows: ['api_key'],
      run: ({ params, method }) => store.create(params, method === 'PUT' ? 'answered' : 'refused'),
    },
    '/client_sessions/get_or_create': {
      methods: ['POST', 'PUT'],
      allows: ['api_key', 'publishable_key'],
      run: ({ params }, authority) =>
        authority.by === 'publishable_key'
          ? store.getOrCreateByPublishableKey(authority.user_identifier_key, params)
          : store.getOrCreate(params),
    },
    '/client_sessions/get': {
      methods: ['POST', 'GET'],
      allows: ['api_key', 'client_session'],
      run: ({ params }, authority) => store.get(params, authority),
    },
    '/client_sessions/list': {
      methods: ['POST', 'GET'],
      allows: ['api_key'],
      run: ({ params }) => store.list(params),
    },
    '/client_sessions/grant_access': {
      methods: ['POST', 'PATCH'],
      allows: ['api_key'],
      run: ({ params }) => store.grantAccess(params),
    },
    '/client_sessions/revoke': {
      methods: ['POST'],
      allows: ['api_key'],
      run: ({ params }) => store.end(params, 'revoked_at'),
    },
    '/client_sessions/delete': {
      methods: ['POST', 'DELETE'],
      allows: ['api_key'],
      run: ({ params }) => store.end(params, 'deleted_at'),
    },
    '/workspaces/get': {
      methods: ['POST', 'GET'],
      allows: ['api_key', 'client_session'],
      run: (_call, authority) => showWorkspace(authority),
    },
    '/workspaces/update': {
      methods: ['POST', 'PATCH'],
      allows: ['api_key'],
      run: ({ params }) => updateWorkspace(params),
    },
    '/connected_accounts/list': {
      methods: ['POST', 'GET'],
      allows: ['api_key'],
      run: ({ params }) => listAccounts(params),
    },
    '/connected_accounts/get': {
      methods: ['POST', 'GET'],
      allows: ['api_key', 'client_session'],
      run: (call, authority) => {
        if (authority.by === 'client_session')
          keepCallWithin(call, authority.session.connected_account_ids, fake)
        return ok({ connected_account: accountShown(checked(accountNamed, call.params)) })
      },
    },
    '/connected_accounts/delete': {
      methods: ['POST', 'DELETE'],
      allows: ['api_key'],
      run: ({ params }) => removeAccount(params),
    },
    '/connect_webviews/create': {
      methods: ['POST'],
      allows: ['api_key', 'client_session'],
      run: ({ params }, authority) => webviews.create(params, authority),
    },
    '/connect_webviews/get': {
      methods: ['POST', 'GET'],
      allows: ['api_key', 'client_session'],
      run: ({ params }, authority) => webviews.get(params, authority),
    },
    '/connect_webviews/list': {
      methods: ['POST', 'GET'],
      allows: ['api_key', 'client_session'],
      run: (_call, authority) => webviews.list(authority),
    },
    '/connect_webviews/view': {
      methods: ['GET', 'POST'],
      allows: ['nobody'],
      run: (call) => (call.method === 'GET' ? pages.show(call) : pages.act(call)),
    },
    '/webhooks/create': {
      methods: ['POST'],
      allows: ['api_key'],
      run: ({ params }) => addWebhook(params),
    },
    '/webhooks/get': {
      methods: ['POST', 'GET'],
      allows: ['api_key'],
      run: ({ params }) => webhookShown(checked(webhookNamed, params).webhook_id),
    },
    '/webhooks/list': {
      methods: ['POST', 'GET'],
      allows: ['api_key'],
      run: () => ok({ webhooks: webhooks.list() }),
    },
    '/webhooks/delete': {
      methods: ['POST', 'DELETE'],
      allows: ['api_key'],
      run: ({ params }) => removeWebhook(params),
    },
    '/_fake/complete_connect_webview': {
      methods: ['POST'],
      allows: ['nobody'],
      run: ({ params }) => {
        webviews.complete(checked(webviewNamed, params).connect_webview_id)
        return ok()
      },
    },
  }

  const authorityOf = ({ headers, params }: Call): Authority => {
    const publishableKey = headers['seam-publishable-key']
    if (publishableKey !== undefined) return byPublishableKey(publishableKey, params, headers)
    const token = headers['seam-client-session-token'] ?? headers['client-session-token'] ?? bearerOf(headers)
    if (token === undefined) throw new Refusal(401, 'unauthorized', 'No credentials were sent')
    if (token === fake.api_key) return { by: 'api_key' }
    if (!String(token).startsWith('seam_cst')) throw new Refusal(401, 'unauthorized', 'API Key not found')
    const session = store.byToken(String(token))
    if (session === undefined || session.deleted_at !== undefined)
      throw new Refusal(401, 'client_session_not_found', 'Unauthorized (client session not found)')
    if (session.revoked_at !== undefined)
      throw new Refusal(401, 'client_session_revoked', 'Unauthorized (client session revoked)')
    if (!store.isLive(session))
      throw new Refusal(401, 'client_session_expired', 'Unauthorized (client session expired)')
    return { by: 'client_session', session }
  }

  const byPublishableKey = (
    publishableKey: string | string[],
    params: Call['params'],
    headers: Call['headers'],
  ): Authority => {
    const workspace = fake.workspace()
    if (publishableKey !== workspace.publishable_key || !workspace.is_publishable_key_auth_enabled)
      throw new Refusal(401, 'unauthorized', 'This publishable key is not accepted')
    const key = params.user_identifier_key ?? headers['seam-user-identifier-key']
    if (typeof key !== 'string' || key === '')
      throw new Refusal(400, 'publishable_key_requires_user_identifier_key', 'Give a user_identifier_key')
    return { by: 'publishable_key', user_identifier_key: key }
  }

  /** By a client session token only within its accounts; by the API key as the fake pleases. */
  const handOver = async (call: Call, authority: Authority): Promise<Outcome> => {
    const accounts = authority.by === 'client_session' ? authority.session.connected_account_ids : undefined
    if (accounts) keepCallWithin(call, accounts, fake)
    if (admitted !== changes.count) fake.admit(store.rows().filter(store.isLive))
    admitted = changes.count
    const answer = await fake.handOver(call)
    const changed = answer.status < 300 && !onlyLooks.test(call.path)
    return { answer: accounts ? keepAnswerWithin(answer, accounts, fake) : answer, changed }
  }
  let admitted: number | undefined

  return async (call) => {
    const route = routes[call.path]
    if (route === undefined && !handedOver.test(call.path))
      throw new Refusal(404, 'not_found', `The local Seam does not know ${call.path}`)
    if (route !== undefined && !route.methods.includes(call.method))
      throw new Refusal(405, 'method_not_allowed', `${call.path} takes ${route.methods.join(' or ')}`)
    const authority: Authority = route?.allows.includes('nobody') ? { by: 'nobody' } : authorityOf(call)
    if (route === undefined && authority.by !== 'publishable_key') return handOver(call, authority)
    if (!route?.allows.includes(authority.by))
      throw new Refusal(401, 'unauthorized', `${call.path} cannot be called by ${words[authority.by]}`)
    const before = changes.count
    return { answer: route.run(call, authority), changed: changes.count > before }
  }
}

const words = {
  api_key: 'an API key',
  client_session: 'a client session token',
  publishable_key: 'a publishable key',
  nobody: 'nobody',
} satisfies Record<Authority['by'], string>
