import { randomUUID } from 'node:crypto'
import * as z from 'zod/v4-mini'
import { accountOfDevice, accountsOf, deviceOfAccessCode, devicesOf, updateWorkspace } from './fake.ts'
import { type ClientSession, emit, type Seam, timeNow, type UserIdentity } from './state.ts'
import { shownWebhook } from './webhooks.ts'
import { find, found, type Params, Refusal, route, take } from './wire.ts'

/** The workspace and what it has: webhooks, connected accounts, and user identities with what they were granted. */

const workspaceChange = z.object({ is_publishable_key_auth_enabled: z.boolean() })
const newWebhook = z.object({
  url: z.url({ protocol: /^https?$/ }),
  event_types: z.optional(z.array(z.string()).check(z.minLength(1))),
})
const webhookNamed = z.object({ webhook_id: z.string() })
const account = z.object({ connected_account_id: z.string() })
const text = z.optional(z.nullable(z.string()))
const newIdentity = z.object({ user_identity_key: text, full_name: text })
const identity = z.object({ user_identity_id: z.string() })
const grant = z.extend(identity, { device_id: z.string() })

export const resourceRoutes = [
  route('/workspaces/get', 'token', z.object({}), ({ fake }, _body, { session }) => {
    const { created_at, ...workspace } = { ...fake.workspace(), organization_id: null }
    const { publishable_key, ...forBrowsers } = workspace
    return { workspace: session ? forBrowsers : workspace }
  }),
  route('/workspaces/update', 'api_key', workspaceChange, ({ fake }, body) => {
    updateWorkspace(fake, body.is_publishable_key_auth_enabled)
  }),
  route('/webhooks/list', 'api_key', z.object({}), ({ webhooks }) => ({ webhooks: webhooks.list() })),
  route('/webhooks/delete', 'api_key', webhookNamed, ({ webhooks }, { webhook_id }) => {
    take(webhooks.endpoints, 'webhook', webhook_id)
  }),
  route('/webhooks/create', 'api_key', newWebhook, ({ webhooks }, { url, event_types }) => ({
    webhook: shownWebhook(webhooks.add(url, event_types, true)),
  })),
  route('/connected_accounts/list', 'api_key', z.object({}), ({ fake }) => ({
    connected_accounts: accountsOf(fake).map(shownAccount),
    pagination: { has_next_page: false, next_page_cursor: null, next_page_url: null },
  })),
  route('/connected_accounts/get', 'token', account, (seam, body, { session }) => {
    if (session) keepCallWithin(seam, reachOf(seam, session), body)
    const row = find(accountsOf(seam.fake), 'connected_account', body.connected_account_id)
    return { connected_account: shownAccount(row) }
  }),
  route('/connected_accounts/delete', 'api_key', account, (seam, { connected_account_id }) => {
    find(accountsOf(seam.fake), 'connected_account', connected_account_id)
    deleteAccount(seam, connected_account_id)
  }),
  route('/user_identities/list', 'api_key', z.object({}), ({ kept }) => ({
    user_identities: kept.user_identities.map(shownIdentity),
  })),
  route('/user_identities/get', 'api_key', identity, ({ kept }, { user_identity_id }) => ({
    user_identity: shownIdentity(find(kept.user_identities, 'user_identity', user_identity_id)),
  })),
  route('/user_identities/create', 'api_key', newIdentity, (seam, body) => ({
    user_identity: shownIdentity(addIdentity(seam, body)),
  })),
  route('/user_identities/delete', 'api_key', identity, ({ kept }, { user_identity_id }) => {
    take(kept.user_identities, 'user_identity', user_identity_id)
  }),
  route('/user_identities/grant_access_to_device', 'api_key', grant, ({ fake, kept }, body) => {
    const { device_ids } = find(kept.user_identities, 'user_identity', body.user_identity_id)
    found(accountOfDevice(fake, body.device_id), 'device')
    device_ids.push(body.device_id)
  }),
]

function shownAccount(row: ReturnType<typeof accountsOf>[number]) {
  const { connect_webview_id, workspace_id, bridge_id, ...account } = row
  return { ...account, errors: [], warnings: [] }
}

const shownIdentity = ({ device_ids, ...identity }: UserIdentity) => identity

/** The account is gone from the workspace, and so from every client session and every webview. */
export function deleteAccount(seam: Seam, connected_account_id: string): void {
  const { database } = seam.fake
  const isOther = (item: { connected_account_id?: string | null | undefined }) =>
    item.connected_account_id !== connected_account_id
  database.setState({
    connected_accounts: database.connected_accounts.filter(isOther),
    devices: database.devices.filter(isOther),
  })
  for (const row of seam.sessions.byId.values())
    row.connected_account_ids = row.connected_account_ids.filter((one) => one !== connected_account_id)
  for (const row of seam.kept.connect_webviews) if (!isOther(row)) row.connected_account_id = null
  emit(seam, 'connected_account.deleted', { connected_account_id })
}

function addIdentity(seam: Seam, given: z.infer<typeof newIdentity>): UserIdentity {
  const row: UserIdentity = {
    user_identity_id: randomUUID(),
    workspace_id: seam.fake.workspace_id,
    user_identity_key: given.user_identity_key ?? null,
    full_name: given.full_name ?? null,
    created_at: timeNow(seam),
    device_ids: [],
  }
  seam.kept.user_identities.push(row)
  return row
}

/** With one device of an account that nobody has, granted to the identity alone. Made when it is first asked for. */
export function identityFor(seam: Seam, user_identity_key: string): string {
  const known = seam.kept.user_identities.find((one) => one.user_identity_key === user_identity_key)
  if (known !== undefined) return known.user_identity_id
  const { user_identity_id, device_ids } = addIdentity(seam, { user_identity_key })
  const [device] = devicesOf(seam.fake, seam.kept.spare_account_ids[0] ?? '')
  if (device !== undefined) device_ids.push(device.device_id)
  return user_identity_id
}

/**
 * What Seam's fake leaves open: whatever a client session token does has to stay within its connected accounts. A
 * call that names something outside finds it missing, and what an answer holds of others is left out.
 */

const named = (params: Params, one: string): string[] =>
  [params[one], params[`${one}s`]].flat().filter((value) => typeof value === 'string')

type Reach = { accounts: string[]; devices: string[] }

/** What a client session token may touch: its accounts, and what its identity was granted. */
export function reachOf({ kept }: Seam, session: ClientSession): Reach {
  const own = kept.user_identities.filter((one) => session.user_identity_ids.includes(one.user_identity_id))
  return { accounts: session.connected_account_ids, devices: own.flatMap(({ device_ids }) => device_ids) }
}

/** @throws Refusal when the call names a device, an access code or a connected account outside the accounts. */
export function keepCallWithin({ fake }: Seam, { accounts, devices }: Reach, params: Params): void {
  const within = (account: string | undefined) => account !== undefined && accounts.includes(account)
  const codes = named(params, 'access_code_id').map((code) => deviceOfAccessCode(fake, code) ?? '')
  for (const device of [...named(params, 'device_id'), ...codes])
    if (!devices.includes(device) && !within(accountOfDevice(fake, device)))
      throw new Refusal(404, 'device_not_found', 'Device not found')
  if (!named(params, 'connected_account_id').every(within))
    throw new Refusal(404, 'connected_account_not_found', 'Connected account not found')
}

/** @throws Refusal when all that is answered is somebody else's */
export function keepAnswerWithin({ fake }: Seam, { accounts, devices }: Reach, body: Params): Params {
  const within = (item: unknown) => {
    if (devices.includes(idIn(item, 'device_id') ?? '')) return true
    const account = accountOf(fake, item)
    return account === undefined || accounts.includes(account)
  }
  const kept = Object.entries(body).map(([name, member]) => {
    if (Array.isArray(member)) return [name, member.filter(within)]
    if (within(member)) return [name, member]
    throw new Refusal(404, `${name}_not_found`, 'Not found')
  })
  return Object.fromEntries(kept)
}

/** The connected account something belongs to; undefined when it belongs to nobody. */
function accountOf(fake: Seam['fake'], item: unknown): string | undefined {
  const account = idIn(item, 'connected_account_id')
  if (account !== undefined) return account
  const device = idIn(item, 'device_id')
  if (device !== undefined) return accountOfDevice(fake, device) ?? 'a device that is gone'
  // Events that tell how others' client sessions and logins went.
  return (idIn(item, 'client_session_id') ?? idIn(item, 'connect_webview_id')) && 'an account of nobody'
}

function idIn(item: unknown, name: string): string | undefined {
  const id: unknown = typeof item === 'object' && item !== null ? Reflect.get(item, name) : undefined
  return typeof id === 'string' ? id : undefined
}
