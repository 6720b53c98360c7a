import { randomBytes, randomUUID } from 'node:crypto'
import type { ConnectWebview } from '@seamapi/types/connect'
import * as z from 'zod/v4-mini'
import { distinct } from './client-sessions.ts'
import { accountsOf, addAccount } from './fake.ts'
import { deviceTypeOf, providers } from './homes.ts'
import { route } from './route.ts'
import type { ClientSession } from './rows.ts'
import { dropFrom, emit, type Seam, timeNow } from './state.ts'
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
  custom_metadata: z._default(z.record(z.string(), z.union([z.string(), z.boolean()])), {}),
  device_selection_mode: z._default(z.enum(['none', 'single', 'multiple']), 'none'),
  automatically_manage_new_devices: z._default(z.boolean(), true),
  wait_for_device_creation: z._default(z.boolean(), false),
})
const named = z.object({ connect_webview_id: z.string() })

export const connectWebviewRoutes = [
  route('/connect_webviews/create', 'token', wanted, (seam, body, { session }) => ({
    connect_webview: create(seam, body, session),
  })),
  route('/connect_webviews/get', 'token', named, (seam, { connect_webview_id }, { session }) => {
    // A client session token reaches the webviews of its client session, and no others.
    const isWithin = session?.connect_webview_ids.includes(connect_webview_id) ?? true
    return { connect_webview: webviewOf(seam, isWithin ? connect_webview_id : '') }
  }),
  route('/connect_webviews/delete', 'api_key', named, (seam, { connect_webview_id }) => {
    dropFrom(seam.kept.connect_webviews, webviewOf(seam, connect_webview_id))
  }),
  route('/_fake/complete_connect_webview', 'nobody', named, (seam, { connect_webview_id }) => {
    complete(seam, connect_webview_id)
  }),
]

/** @throws Refusal when there is none */
export const webviewOf = ({ kept }: Seam, connect_webview_id: string): ConnectWebview =>
  found(
    kept.connect_webviews.find((one) => one.connect_webview_id === connect_webview_id),
    'connect_webview',
  )

function create(seam: Seam, body: z.infer<typeof wanted>, session?: ClientSession): ConnectWebview {
  const connect_webview_id = randomUUID()
  const auth_token = randomBytes(12).toString('base64url')
  const { accepted_providers, excluded_providers } = body
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
    authorized_at: null,
    selected_provider: null,
  }
  seam.kept.connect_webviews.push(row)
  session?.connect_webview_ids.push(connect_webview_id)
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
  // Whoever logs in again at the same provider has the same account.
  const known = accountsOf(seam.fake).find(
    (one) => one.provider === provider && one.user_identifier.email === email,
  )?.connected_account_id
  const devices = [deviceTypeOf(provider).endsWith('_lock') ? 'New Door' : 'New Room']
  const connected_account_id = known ?? addAccount(seam.fake, { provider, email, devices, custom_metadata })
  Object.assign(row, {
    connected_account_id,
    status: 'authorized',
    login_successful: true,
    authorized_at: timeNow(seam),
    selected_provider: provider,
  } satisfies Partial<ConnectWebview>)
  if (seam.readings.completed_webview === 'joins_session')
    for (const session of seam.sessions.byId.values())
      if (session.connect_webview_ids.includes(connect_webview_id))
        session.connected_account_ids = distinct(session.connected_account_ids, [connected_account_id])
  const connected_account_custom_metadata = custom_metadata
  const about = { connected_account_id, connect_webview_id, connected_account_custom_metadata }
  if (known === undefined) emit(seam, 'connected_account.created', about)
  emit(seam, 'connected_account.connected', about)
  emit(seam, 'connect_webview.login_succeeded', about)
  return connected_account_id
}

/** A person's login fails. */
export function fail(seam: Seam, connect_webview_id: string): void {
  pending(seam, connect_webview_id).status = 'failed'
  emit(seam, 'connect_webview.login_failed', { connect_webview_id })
}
