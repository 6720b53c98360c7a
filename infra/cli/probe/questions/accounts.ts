import { call, newKey, type Sandbox, said, Unanswered, vend } from '../sandbox.ts'
import type { Question } from './question.ts'

/** What a client session reaches, and how that changes. */

export const accountQuestions: Question[] = [
  {
    name: 'existing_accounts',
    local: 'replaces',
    reading: { get_or_create: { replaces: 'replaces', merges: 'merges' } },
    asks: 'What does get_or_create do to the accounts of a client session that exists?',
    async ask(sandbox) {
      const [first, second] = twoAccounts(sandbox)
      const user_identifier_key = newKey()
      await vend(sandbox, { user_identifier_key, connected_account_ids: [first] })
      const { connected_account_ids } = await vend(sandbox, {
        user_identifier_key,
        connected_account_ids: [second],
      })
      const now = connected_account_ids.toSorted().join()
      if (now === second) return 'replaces'
      return now === [first, second].sort().join() ? 'merges' : `leaves ${connected_account_ids.length}`
    },
  },
  {
    name: 'same_token',
    local: 'same token, new expiry',
    asks: 'Is its token the same afterwards, and its expiry the new one?',
    async ask(sandbox) {
      const user_identifier_key = newKey()
      const before = await vend(sandbox, { user_identifier_key, connected_account_ids: [] })
      const expires_at = new Date(Date.parse(before.expires_at) + 3_600_000).toISOString()
      const after = await vend(sandbox, { user_identifier_key, connected_account_ids: [], expires_at })
      const extended = Math.abs(Date.parse(after.expires_at) - Date.parse(expires_at)) < 1000
      return `${before.token === after.token ? 'same' : 'another'} token, ${extended ? 'new' : 'old'} expiry`
    },
  },
  {
    name: 'unknown_account',
    local: '400 invalid_input',
    reading: { unknown_account: { '400': 400, '404': 404 } },
    asks: 'How is a connected account refused that the workspace does not have?',
    async ask(sandbox) {
      const { status, type, body } = await call(sandbox, '/client_sessions/get_or_create', {
        user_identifier_key: newKey(),
        connected_account_ids: [crypto.randomUUID()],
      })
      if (status !== 200) return said({ status, type })
      return `accepted, with ${body.client_session.connected_account_ids.length} accounts`
    },
  },
  {
    name: 'no_accounts',
    local: 'nothing',
    asks: 'Does an empty connected_account_ids reach nothing?',
    async ask(sandbox) {
      const { token } = await vend(sandbox, {
        user_identifier_key: newKey(),
        connected_account_ids: [],
      })
      const { status, body } = await call(sandbox, '/devices/list', {}, { token })
      if (status !== 200) return `devices/list answers ${status}`
      return body.devices.length === 0 ? 'nothing' : `${body.devices.length} devices`
    },
  },
  ...[300, 1000].map(
    (count): Question => ({
      name: `accounts_${count}`,
      local: 'accepted',
      asks: `Are ${count} ids accepted? (Repeated, where the workspace has fewer accounts.)`,
      async ask(sandbox) {
        const [account] = sandbox.accountIds
        if (account === undefined) throw new Unanswered('the workspace has no connected account')
        const connected_account_ids = Array.from(
          { length: count },
          (_, i) => sandbox.accountIds[i] ?? account,
        )
        const user_identifier_key = newKey()
        const { status, type } = await call(sandbox, '/client_sessions/get_or_create', {
          user_identifier_key,
          connected_account_ids,
        })
        return status === 200 ? 'accepted' : said({ status, type })
      },
    }),
  ),
  {
    name: 'browser_webview',
    local: 'joins',
    reading: { completed_webview: { joins: 'joins_session', 'stays out': 'stays_out' } },
    asks: 'Does a Connect Webview made with a client session token attach its account to the client session?',
    async ask(sandbox) {
      if (sandbox.logIn === undefined)
        throw new Unanswered('somebody must log in to a Connect Webview: give --log-in')
      const { token, client_session_id } = await vend(sandbox, {
        user_identifier_key: newKey(),
        connected_account_ids: [],
      })
      const made = await call(sandbox, '/connect_webviews/create', {}, { token })
      if (made.status !== 200) return `connect_webviews/create answers ${said(made)}`
      const { connect_webview_id } = made.body.connect_webview
      sandbox.undo.unshift(() => call(sandbox, '/connect_webviews/delete', { connect_webview_id }))
      await sandbox.logIn(made.body.connect_webview, sandbox)
      const webview = await call(sandbox, '/connect_webviews/get', { connect_webview_id })
      const { connected_account_id } = webview.body.connect_webview
      if (!connected_account_id) throw new Unanswered('nobody has logged in')
      if (!sandbox.accountIds.includes(connected_account_id))
        sandbox.undo.unshift(() => call(sandbox, '/connected_accounts/delete', { connected_account_id }))
      const { body } = await call(sandbox, '/client_sessions/get', { client_session_id })
      return body.client_session.connected_account_ids.includes(connected_account_id) ? 'joins' : 'stays out'
    },
  },
]

function twoAccounts({ accountIds: [first, second] }: Sandbox): [string, string] {
  if (first === undefined || second === undefined)
    throw new Unanswered('the workspace needs two connected accounts: add them in Seam’s console')
  return [first, second]
}
