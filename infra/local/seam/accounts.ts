import * as z from 'zod/v4-mini'
import { accountsOf, type FakeSeam } from './fake.ts'
import { route } from './route.ts'
import { keepCallWithin } from './scope.ts'
import { emit, type Seam } from './state.ts'
import { found } from './wire.ts'

const named = z.object({ connected_account_id: z.string() })
export const connectedAccountRoutes = [
  route('/connected_accounts/list', 'api_key', z.object({}), ({ fake }) => ({
    connected_accounts: accountsOf(fake).map(shown),
    pagination: { has_next_page: false, next_page_cursor: null, next_page_url: null },
  })),
  route('/connected_accounts/get', 'token', named, ({ fake }, body, { session }) => {
    if (session) keepCallWithin(fake, { accounts: session.connected_account_ids, devices: [] }, body)
    return { connected_account: shown(accountOf(fake, body.connected_account_id)) }
  }),
  route('/connected_accounts/delete', 'api_key', named, (seam, { connected_account_id }) => {
    accountOf(seam.fake, connected_account_id)
    deleteAccount(seam, connected_account_id)
  }),
]

type Account = ReturnType<typeof accountsOf>[number]

const shown = ({ connect_webview_id, workspace_id, bridge_id, ...account }: Account) => ({
  ...account,
  errors: [],
  warnings: [],
})

/** @throws Refusal when there is none */
function accountOf(fake: FakeSeam, connected_account_id: string): Account {
  const account = accountsOf(fake).find((one) => one.connected_account_id === connected_account_id)
  return found(account, 'connected_account')
}

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
