import { randomBytes, randomUUID } from 'node:crypto'
import type { ConnectWebview } from '@seamapi/types/connect'
import * as z from 'zod/v4-mini'
import { alter, distinct } from './client-sessions.ts'
import { accountOfLogin, addAccount } from './fake.ts'
import { deviceOf, providers } from './homes.ts'
import { type Authority, nobody, orToken, route } from './route.ts'
import { emit, type Seam, timeNow } from './state.ts'
import { found, Refusal } from './wire.ts'

/** Who logs in, at which provider. */
export type Login = { [member in 'provider' | 'email']?: string | undefined }

const capabilities = ['lock', 'thermostat', 'noise_sensor', 'access_control', 'camera'] as const
const wanted = z.object({
  accepted_providers: z.optional(z.array(z.string().check(z.minLength(1)))),
  excluded_providers: z._default(z.array(z.string()), []),
  provider_category: z.optional(z.string()),
  accepted_capabilities: z._default(z.array(z.enum(capabilities)), []),
  custom_redirect_url: z._default(z.nullable(z.url()), null),
  custom_redirect_failure_url: z._default(z.nullable(z.url()), null),
  custom_metadata: z._default(z.record(z.string(), z.nullable(z.union([z.string(), z.boolean()]))), {}),
  device_selection_mode: z._default(z.enum(['none', 'single', 'multiple']), 'none'),
  automatically_manage_new_devices: z._default(z.boolean(), true),
  wait_for_device_creation: z._default(z.boolean(), false),
})
const named = z.object({ connect_webview_id: z.string() })

export const connectWebviewRoutes = [
  route('/connect_webviews/create', orToken, wanted, (seam, body, { authority }) => ({
    connect_webview: create(seam, body, authority),
  })),
  route('/connect_webviews/get', orToken, named, (seam, body, { authority }) => {
    const row = webviewOf(seam, body.connect_webview_id)
    return { connect_webview: found(isWithin(authority, row) ? row : undefined, 'connect webview') }
  }),
  route('/connect_webviews/list', orToken, z.object({}), ({ webviews }, _body, { authority }) => ({
    connect_webviews: webviews.filter((row) => isWithin(authority, row)),
  })),
  route('/_fake/complete_connect_webview', nobody, named, (seam, { connect_webview_id }) => {
    complete(seam, connect_webview_id)
  }),
]

/** @throws Refusal when there is none */
export const webviewOf = ({ webviews }: Seam, id: string): ConnectWebview =>
  found(
    webviews.find((one) => one.connect_webview_id === id),
    'connect webview',
  )

/** A client session token reaches the webviews of its client session, and no others. */
const isWithin = (authority: Authority, { connect_webview_id }: ConnectWebview) =>
  authority.by !== 'client_session' || authority.session.connect_webview_ids.includes(connect_webview_id)

function create(seam: Seam, body: z.infer<typeof wanted>, authority: Authority): ConnectWebview {
  const connect_webview_id = randomUUID()
  const auth_token = randomBytes(12).toString('base64url')
  const { accepted_providers, excluded_providers, custom_metadata } = body
  const row: ConnectWebview = {
    ...body,
    connect_webview_id,
    workspace_id: seam.fake.workspace_id,
    created_at: timeNow(seam),
    connected_account_id: null,
    url: `${seam.url}/connect_webviews/view?${new URLSearchParams({ connect_webview_id, auth_token })}`,
    accepted_providers: (accepted_providers ?? providers).filter((one) => !excluded_providers.includes(one)),
    accepted_devices: [],
    any_device_allowed: true,
    any_provider_allowed: accepted_providers === undefined,
    login_successful: false,
    status: 'pending',
    custom_metadata: Object.fromEntries(
      Object.entries(custom_metadata).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
    ),
    authorized_at: null,
    selected_provider: null,
  }
  seam.webviews.push(row)
  seam.changes++
  if (authority.by === 'client_session')
    authority.session.connect_webview_ids = distinct(authority.session.connect_webview_ids, [
      connect_webview_id,
    ])
  return row
}

/** @throws Refusal when somebody has logged in with it before */
function pending(seam: Seam, connect_webview_id: string): ConnectWebview {
  const row = webviewOf(seam, connect_webview_id)
  if (row.status !== 'authorized') return row
  throw new Refusal(400, 'connect_webview_already_authorized', 'Somebody has logged in with it before')
}

/** A person logs in. @returns the connected account, a new one unless the same login was there before */
export function complete(seam: Seam, connect_webview_id: string, login: Login = {}): string {
  const row = pending(seam, connect_webview_id)
  const provider = login.provider ?? row.accepted_providers[0] ?? 'august'
  if (!row.accepted_providers.includes(provider))
    throw new Refusal(400, 'invalid_input', 'This Connect Webview does not accept the provider')
  const email = login.email || `${connect_webview_id.slice(0, 8)}@example.com`
  const { custom_metadata } = row
  const known = accountOfLogin(seam.fake, { provider, email })
  const connected_account_id =
    known ?? addAccount(seam.fake, { provider, email, devices: [deviceOf(provider)], custom_metadata })
  Object.assign(row, {
    connected_account_id,
    status: 'authorized',
    login_successful: true,
    authorized_at: timeNow(seam),
    selected_provider: provider,
  } satisfies Partial<ConnectWebview>)
  seam.changes++
  if (seam.readings.completed_webview === 'joins_session')
    joinSessions(seam, connect_webview_id, connected_account_id)
  const connected_account_custom_metadata = custom_metadata
  const about = { connected_account_id, connect_webview_id, connected_account_custom_metadata }
  if (known === undefined) emit(seam, 'connected_account.created', about)
  emit(seam, 'connected_account.connected', about)
  emit(seam, 'connect_webview.login_succeeded', about)
  return connected_account_id
}

function joinSessions(seam: Seam, connect_webview_id: string, account: string): void {
  for (const session of seam.sessions.byId.values())
    if (session.connect_webview_ids.includes(connect_webview_id))
      alter(seam, session, { connected_account_ids: distinct(session.connected_account_ids, [account]) })
}

/** A person's login fails. */
export function fail(seam: Seam, connect_webview_id: string): void {
  pending(seam, connect_webview_id).status = 'failed'
  seam.changes++
  emit(seam, 'connect_webview.login_failed', { connect_webview_id })
}
