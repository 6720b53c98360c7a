import { randomBytes, randomUUID } from 'node:crypto'
import type { ConnectWebview } from '@seamapi/types/connect'
import * as z from 'zod/v4-mini'
import type { Authority, Changes, ClientSessionStore } from './client-sessions.ts'
import type { Emit } from './events.ts'
import type { FakeSeam } from './fake.ts'
import { type AccountWish, deviceOf, providers } from './homes.ts'
import type { Readings } from './readings.ts'
import { type Answer, checked, ok, Refusal } from './wire.ts'

type Parts = {
  /** Of the workspace; the page where a person completes a webview is there too. */
  url: string
  fake: FakeSeam
  sessions: ClientSessionStore
  readings: Readings
  clock: () => number
  rows: ConnectWebview[]
  changes: Changes
  emit: Emit
}

/** Who logs in, at which provider. */
export type Login = Pick<AccountWish, 'provider' | 'email'>

const createInput = z.object({
  accepted_providers: z.optional(z.array(z.string().check(z.minLength(1)))),
  accepted_capabilities: z.optional(
    z.array(z.enum(['lock', 'thermostat', 'noise_sensor', 'access_control', 'camera'])),
  ),
  custom_redirect_url: z.optional(z.url()),
  custom_redirect_failure_url: z.optional(z.url()),
  custom_metadata: z.optional(z.record(z.string(), z.nullable(z.union([z.string(), z.boolean()])))),
  device_selection_mode: z.optional(z.enum(['none', 'single', 'multiple'])),
  automatically_manage_new_devices: z.optional(z.boolean()),
  wait_for_device_creation: z.optional(z.boolean()),
})
const webviewNamed = z.object({ connect_webview_id: z.string() })

/** The workspace's Connect Webviews: the calls on them, and what a person does in one. */
export const connectWebviewStore = (parts: Parts) => {
  const { url, fake, sessions, readings, clock, rows, changes, emit } = parts
  const now = () => new Date(clock()).toISOString()
  const answered = (connect_webview: ConnectWebview): Answer => ok({ connect_webview })

  const named = (connect_webview_id: string): ConnectWebview => {
    const row = rows.find((one) => one.connect_webview_id === connect_webview_id)
    if (row === undefined)
      throw new Refusal(404, 'connect_webview_not_found', 'Could not find connect webview')
    return row
  }

  /** A client session token reaches the webviews of its client session, and no others. */
  const within = (authority: Authority, { connect_webview_id }: ConnectWebview) =>
    authority.by !== 'client_session' || authority.session.connect_webview_ids.includes(connect_webview_id)

  const create = (params: unknown, authority: Authority): Answer => {
    const input = checked(createInput, params)
    const connect_webview_id = randomUUID()
    const auth_token = randomBytes(12).toString('base64url')
    const row: ConnectWebview = {
      connect_webview_id,
      workspace_id: fake.workspace_id,
      created_at: now(),
      connected_account_id: null,
      url: `${url}/connect_webviews/view?${new URLSearchParams({ connect_webview_id, auth_token })}`,
      device_selection_mode: input.device_selection_mode ?? 'none',
      accepted_providers: input.accepted_providers ?? providers,
      accepted_capabilities: input.accepted_capabilities ?? [],
      accepted_devices: [],
      any_device_allowed: true,
      any_provider_allowed: input.accepted_providers === undefined,
      login_successful: false,
      status: 'pending',
      custom_redirect_url: input.custom_redirect_url ?? null,
      custom_redirect_failure_url: input.custom_redirect_failure_url ?? null,
      custom_metadata: withoutNulls(input.custom_metadata ?? {}),
      automatically_manage_new_devices: input.automatically_manage_new_devices ?? true,
      wait_for_device_creation: input.wait_for_device_creation ?? false,
      authorized_at: null,
      selected_provider: null,
    }
    rows.push(row)
    changes.count++
    if (authority.by === 'client_session') {
      const { session } = authority
      sessions.alter(session, { connect_webview_ids: [...session.connect_webview_ids, connect_webview_id] })
    }
    return answered(row)
  }

  /** The account is gone; what a webview once connected, it no longer has. */
  const dropAccount = (connected_account_id: string) => {
    for (const row of rows)
      if (row.connected_account_id === connected_account_id) row.connected_account_id = null
  }

  /** @returns the connected account, a new one unless the same login was there before */
  const complete = (connect_webview_id: string, login?: Partial<Login>): string => {
    const row = named(connect_webview_id)
    if (row.status === 'authorized')
      throw new Refusal(400, 'connect_webview_already_authorized', 'Somebody has logged in with it before')
    const provider = login?.provider ?? row.accepted_providers[0] ?? 'august'
    if (!row.accepted_providers.includes(provider))
      throw new Refusal(400, 'invalid_input', 'This Connect Webview does not accept the provider')
    const email = login?.email || `${connect_webview_id.slice(0, 8)}@example.com`
    const { custom_metadata } = row
    const known = fake.accountOf({ provider, email })
    const connected_account_id =
      known ?? fake.addAccount({ provider, email, devices: [deviceOf(provider)], custom_metadata })
    Object.assign(row, {
      connected_account_id,
      status: 'authorized',
      login_successful: true,
      authorized_at: now(),
      selected_provider: provider,
    } satisfies Partial<ConnectWebview>)
    changes.count++
    if (readings.completed_webview === 'joins_session')
      for (const session of sessions.rows())
        if (session.connect_webview_ids.includes(connect_webview_id))
          sessions.alter(session, {
            connected_account_ids: [...new Set([...session.connected_account_ids, connected_account_id])],
          })
    const about = {
      connected_account_id,
      connect_webview_id,
      connected_account_custom_metadata: custom_metadata,
    }
    if (known === undefined) emit('connected_account.created', about)
    emit('connected_account.connected', about)
    emit('connect_webview.login_succeeded', about)
    return connected_account_id
  }

  const fail = (connect_webview_id: string): void => {
    const row = named(connect_webview_id)
    if (row.status === 'authorized')
      throw new Refusal(400, 'connect_webview_already_authorized', 'Somebody has logged in with it before')
    row.status = 'failed'
    changes.count++
    emit('connect_webview.login_failed', { connect_webview_id })
  }

  return {
    create,
    get: (params: unknown, authority: Authority): Answer => {
      const row = named(checked(webviewNamed, params).connect_webview_id)
      if (!within(authority, row))
        throw new Refusal(404, 'connect_webview_not_found', 'Could not find connect webview')
      return answered(row)
    },
    list: (authority: Authority): Answer =>
      ok({ connect_webviews: rows.filter((row) => within(authority, row)) }),
    named,
    complete,
    fail,
    dropAccount,
    rows: () => rows,
  }
}

export type ConnectWebviewStore = ReturnType<typeof connectWebviewStore>

const withoutNulls = (metadata: Record<string, string | boolean | null>): Record<string, string | boolean> =>
  Object.fromEntries(
    Object.entries(metadata).filter((entry): entry is [string, string | boolean] => entry[1] !== null),
  )
