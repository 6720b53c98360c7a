import { randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import type { ConnectWebview } from '@seamapi/types/connect'
import type { Context } from 'hono'
import { html } from 'hono/html'
import * as z from 'zod/v4-mini'
import { distinct } from './client-sessions.ts'
import { accountsOf, addAccount, deviceTypeOf, providers } from './fake.ts'
import { type ClientSession, emit, type Seam, timeNow } from './state.ts'
import { find, found, Refusal, route, take } from './wire.ts'

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
const visit = z.extend(named, { auth_token: z.string() })
const deed = z.extend(visit, {
  deed: z.enum(['log_in', 'fail']),
  provider: z.optional(z.string()),
  email: z.optional(z.string().check(z.maxLength(200))),
})

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
    take(seam.kept.connect_webviews, 'connect_webview', connect_webview_id)
  }),
  route('/_fake/complete_connect_webview', 'everybody', named, (seam, { connect_webview_id }) => {
    complete(seam, connect_webview_id)
  }),
  // The page behind a Connect Webview's `url`, in place of a provider's login: a person completes it, or lets it fail.
  route('/connect_webviews/view', 'everybody', visit, (seam, body, { c }) => page(c, visited(seam, body)), [
    'GET',
  ]),
  route('/connect_webviews/view', 'everybody', deed, (seam, body, { c }) => {
    const webview = visited(seam, body)
    if (body.deed === 'fail') fail(seam, webview.connect_webview_id)
    else complete(seam, webview.connect_webview_id, body)
    const { custom_redirect_url: success, custom_redirect_failure_url: failure } = webview
    const next = body.deed === 'fail' ? (failure ?? success) : success
    return next === null ? page(c, webview) : c.redirect(next, 303)
  }),
]

/** @throws Refusal when there is none */
const webviewOf = ({ kept }: Seam, connect_webview_id: string): ConnectWebview =>
  find(kept.connect_webviews, 'connect_webview', connect_webview_id)

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

/** @throws Refusal unless the visitor has its whole address */
function visited(seam: Seam, { connect_webview_id, auth_token }: z.infer<typeof visit>): ConnectWebview {
  const webview = webviewOf(seam, connect_webview_id)
  const expected = Buffer.from(authTokenOf(webview))
  const given = Buffer.from(auth_token)
  const knows = given.length === expected.length && timingSafeEqual(given, expected)
  return found(knows ? webview : undefined, 'connect_webview')
}

const authTokenOf = ({ url }: ConnectWebview) => new URL(url).searchParams.get('auth_token') ?? ''

const form = (webview: ConnectWebview) => html`
${webview.status === 'failed' ? html`<p class="bad">The login has failed. Try again.</p>` : ''}
<form method="post" action="/connect_webviews/view">
  <input type="hidden" name="connect_webview_id" value="${webview.connect_webview_id}">
  <input type="hidden" name="auth_token" value="${authTokenOf(webview)}">
  <label>Provider
    <select name="provider">${webview.accepted_providers.map((one) => html`<option>${one}</option>`)}</select>
  </label>
  <label>E-mail address of the account there
    <input name="email" type="email" placeholder="left empty: a new one" autocomplete="off">
  </label>
  <button name="deed" value="log_in">Log in</button>
  <button name="deed" value="fail">Let the login fail</button>
</form>`

function page(c: Context, webview: ConnectWebview): Response | Promise<Response> {
  // The redirect after the form counts as a form's target too.
  const targets = [webview.custom_redirect_url, webview.custom_redirect_failure_url].flatMap((next) =>
    next === null ? [] : new URL(next).origin,
  )
  const headers = {
    'cache-control': 'no-store',
    // The form tells its origin to this server, and nobody learns the token in the address.
    'referrer-policy': 'same-origin',
    'content-security-policy': `default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self' ${targets.join(' ')}`,
  }
  const done = html`<p class="good">Connected. You may close this page.</p>`
  return c.html(
    html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Connect an account</title>
<style>
  body { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; max-width: 24rem; margin: 10vh auto }
  form, label { display: grid; gap: .5rem }
  input, select, button { font: inherit; padding: .5rem .75rem }
  .good { color: #15803d } .bad { color: #b91c1c }
</style>
<h1>Connect an account</h1>
<p><small>The local Seam's Connect Webview: no provider is asked, no password is needed.</small></p>
${webview.status === 'authorized' ? done : form(webview)}
</html>
`,
    200,
    headers,
  )
}
