import { randomUUID } from 'node:crypto'
import * as z from 'zod/v4-mini'
import { accountOfDevice, accountsOf, devicesOf } from './fake.ts'
import { route } from './route.ts'
import { keepCallWithin, reachOf } from './scope.ts'
import { emit, type Seam, timeNow, type UserIdentity } from './state.ts'
import { find, found, take } from './wire.ts'

/** What a client session token opens: connected accounts, and user identities with what they were granted. */

const account = z.object({ connected_account_id: z.string() })
const text = z.optional(z.nullable(z.string()))
const newIdentity = z.object({ user_identity_key: text, full_name: text })
const identity = z.object({ user_identity_id: z.string() })
const grant = z.extend(identity, { device_id: z.string() })

export const accountRoutes = [
  route('/connected_accounts/list', 'api_key', z.object({}), ({ fake }) => ({
    connected_accounts: accountsOf(fake).map(shownAccount),
    pagination: { has_next_page: false, next_page_cursor: null, next_page_url: null },
  })),
  route('/connected_accounts/get', 'token', account, (seam, body, { session }) => {
    if (session) keepCallWithin(seam.fake, reachOf(seam, session), body)
    const { connected_account_id } = body
    return {
      connected_account: shownAccount(find(accountsOf(seam.fake), 'connected_account', connected_account_id)),
    }
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

const shownAccount = ({
  connect_webview_id,
  workspace_id,
  bridge_id,
  ...account
}: ReturnType<typeof accountsOf>[number]) => ({ ...account, errors: [], warnings: [] })

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
