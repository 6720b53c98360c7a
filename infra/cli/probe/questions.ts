import type { ClientSession } from '../../../functions/seam/client.ts'
import type { Readings } from '../../local/seam/state.ts'
import { bearer } from '../send.ts'
import { identityQuestions } from './identity-questions.ts'
import { call, getOrCreate, newKey, type Question, type Sandbox, said, Unanswered, vend } from './sandbox.ts'

/** The contract suite: what Seam’s documentation leaves open, asked of a workspace one after the other. */

type End = 'deleted' | 'revoked' | 'expired'
const eachEnd = (what: string, question: (how: End) => Question): Record<string, Question> =>
  Object.fromEntries(
    (['deleted', 'revoked', 'expired'] as const).map((how) => [`${how}_${what}`, question(how)]),
  )

export const questions: Record<string, Question> = {
  existing_accounts: {
    local: 'replaces',
    reading: { get_or_create: { replaces: 'replaces', merges: 'merges' } },
    asks: 'What does get_or_create do to the accounts of a client session that exists?',
    ask: existingAccounts,
  },
  same_token: {
    local: 'same token, new expiry',
    asks: 'Is its token the same afterwards, and its expiry the new one?',
    async ask(sandbox) {
      const key = newKey()
      const before = await vend(sandbox, key)
      const expires_at = new Date(Date.parse(before.expires_at) + 3_600_000).toISOString()
      const after = await vend(sandbox, key, { expires_at })
      const extended = Math.abs(Date.parse(after.expires_at) - Date.parse(expires_at)) < 1000
      return `${before.token === after.token ? 'same' : 'another'} token, ${extended ? 'new' : 'old'} expiry`
    },
  },
  unknown_account: {
    local: '400 invalid_input',
    reading: { unknown_account: { '400': 400, '404': 404 } },
    asks: 'How is a connected account refused that the workspace does not have?',
    async ask(sandbox) {
      const connected_account_ids = [crypto.randomUUID()]
      const reply = await call(sandbox, getOrCreate, { user_identifier_key: newKey(), connected_account_ids })
      if (reply.status !== 200) return said(reply)
      return `accepted, with ${reply.body.client_session.connected_account_ids.length} accounts`
    },
  },
  no_accounts: {
    local: 'nothing',
    asks: 'Does an empty connected_account_ids reach nothing?',
    async ask(sandbox) {
      const { status, body } = await devicesOf(sandbox, await vend(sandbox))
      if (status !== 200) return `devices/list answers ${status}`
      return body.devices.length === 0 ? 'nothing' : `${body.devices.length} devices`
    },
  },
  accounts_1000: {
    local: 'accepted',
    asks: 'Are 1000 ids accepted? (Repeated, where the workspace has fewer accounts.)',
    async ask(sandbox) {
      const [first] = sandbox.accountIds
      if (first === undefined) throw new Unanswered('the workspace has no connected account')
      const connected_account_ids = Array.from({ length: 1000 }, (_, i) => sandbox.accountIds[i] ?? first)
      const params = { user_identifier_key: newKey(), connected_account_ids }
      return said(await call(sandbox, getOrCreate, params), 'accepted')
    },
  },
  browser_webview: {
    local: 'joins',
    reading: { completed_webview: { joins: 'joins_session', 'stays out': 'stays_out' } },
    asks: 'Does a Connect Webview made with a client session token attach its account to the client session?',
    ask: browserWebview,
  },
  ...eachEnd('session', (how) => ({
    local: 'makes another',
    reading: { dead_sessions: { 'makes another': 'stay_dead', 'revives it': 'are_revived' } },
    asks: `What does get_or_create do under the key of a client session that is ${how}?`,
    async ask(sandbox) {
      const key = newKey()
      const before = await ended(sandbox, how, key)
      const after = await vend(sandbox, key)
      const isRevived = after.client_session_id === before.client_session_id
      const { status } = await devicesOf(sandbox, isRevived ? after : before)
      if (isRevived) return status === 200 ? 'revives it' : 'answers the dead one'
      return status === 200 ? 'another, and the old token works' : 'makes another'
    },
  })),
  ...eachEnd('token', (how) => ({
    local: `401 client_session_${how === 'deleted' ? 'not_found' : how}`,
    asks: `What does a token answer whose client session is ${how}?`,
    ask: async (sandbox) => said(await devicesOf(sandbox, await ended(sandbox, how))),
  })),
  delete_takes_effect: { local: 'at once', asks: 'Is delete immediate?', ask: deleteTakesEffect },
  delete_again: {
    local: '404 client_session_not_found',
    asks: 'What does a second delete answer?',
    async ask(sandbox) {
      const { client_session_id } = await ended(sandbox, 'deleted')
      return said(await call(sandbox, '/client_sessions/delete', { client_session_id }))
    },
  },
  list_shows: {
    local: 'live',
    reading: { list: { live: 'live', 'live, revoked, expired': 'with_dead' } },
    asks: 'Which client sessions does list show under a key?',
    async ask(sandbox) {
      const shown: string[] = []
      for (const how of ['live', 'deleted', 'revoked', 'expired'] as const) {
        const user_identifier_key = newKey()
        await ended(sandbox, how, user_identifier_key)
        const { body } = await call(sandbox, '/client_sessions/list', { user_identifier_key })
        if (body?.client_sessions?.length > 0) shown.push(how)
      }
      return shown.join(', ') || 'none'
    },
  },
  publishable_off: {
    local: '401 unauthorized',
    asks: 'What does get_or_create by the publishable key answer while that access is off?',
    ask: publishableOff,
  },
  ...identityQuestions,
}

async function existingAccounts(sandbox: Sandbox): Promise<string> {
  const [first, second] = sandbox.accountIds
  if (first === undefined || second === undefined)
    throw new Unanswered('the workspace needs two connected accounts: add them in Seam’s console')
  const key = newKey()
  await vend(sandbox, key, { connected_account_ids: [first] })
  const { connected_account_ids } = await vend(sandbox, key, { connected_account_ids: [second] })
  const now = connected_account_ids.toSorted().join()
  if (now === second) return 'replaces'
  return now === [first, second].sort().join() ? 'merges' : `leaves ${connected_account_ids.length}`
}

async function browserWebview(sandbox: Sandbox): Promise<string> {
  if (sandbox.logIn === undefined)
    throw new Unanswered('somebody must log in to a Connect Webview: give --log-in')
  const { token, client_session_id } = await vend(sandbox)
  const made = await call(sandbox, '/connect_webviews/create', {}, bearer(token))
  if (made.status !== 200) return `connect_webviews/create answers ${said(made)}`
  const { connect_webview_id } = made.body.connect_webview
  sandbox.undo.set('Connect Webview', ['/connect_webviews/delete', { connect_webview_id }])
  await sandbox.logIn(made.body.connect_webview, sandbox)
  const webview = await call(sandbox, '/connect_webviews/get', { connect_webview_id })
  const { connected_account_id } = webview.body.connect_webview
  if (!connected_account_id) throw new Unanswered('nobody has logged in')
  if (!sandbox.accountIds.includes(connected_account_id))
    sandbox.undo.set('connected account', ['/connected_accounts/delete', { connected_account_id }])
  const { body } = await call(sandbox, '/client_sessions/get', { client_session_id })
  return body.client_session.connected_account_ids.includes(connected_account_id) ? 'joins' : 'stays out'
}

async function publishableOff(sandbox: Sandbox): Promise<string> {
  const { publishable_key, is_publishable_key_auth_enabled: isOn } =
    (await call(sandbox, '/workspaces/get')).body?.workspace ?? {}
  if (isOn !== false || publishable_key === undefined)
    throw new Unanswered('publishable-key access must be off, and the workspace must show that key')
  const user_identifier_key = newKey()
  await vend(sandbox, user_identifier_key)
  const credentials = { 'seam-publishable-key': publishable_key }
  return said(await call(sandbox, getOrCreate, { user_identifier_key }, credentials), 'a client session')
}

/** Milliseconds. */
const [shortLife, longestWait] = [3000, 10_000]

async function deleteTakesEffect(sandbox: Sandbox): Promise<string> {
  const deleted = await ended(sandbox, 'deleted')
  const deletedAt = sandbox.clock()
  for (let looks = 0; sandbox.clock() - deletedAt < longestWait; looks++) {
    if ((await devicesOf(sandbox, deleted)).status === 401)
      return looks === 0 ? 'at once' : `after ${sandbox.clock() - deletedAt} ms`
    await sandbox.sleep(250)
  }
  return `not within ${longestWait / 1000} s`
}

/** A client session that lives, or was ended so. */
async function ended(sandbox: Sandbox, how: End | 'live', key = newKey()): Promise<ClientSession> {
  const expires_at = new Date(sandbox.clock() + shortLife).toISOString()
  const vended = await vend(sandbox, key, how === 'expired' ? { expires_at } : {})
  const { client_session_id } = vended
  if (how === 'expired') await sandbox.sleep(shortLife + 500)
  if (how === 'deleted') await call(sandbox, '/client_sessions/delete', { client_session_id })
  if (how === 'revoked') await call(sandbox, '/client_sessions/revoke', { client_session_id })
  return vended
}

/** What a browser with the token of this client session is answered. */
function devicesOf(sandbox: Sandbox, { token }: ClientSession) {
  return call(sandbox, '/devices/list', {}, bearer(token))
}

export interface Answered {
  name: string
  asks: string
  /** Absent: `unanswered` says why. */
  answer?: string
  unanswered?: string
  /** What the local Seam answers, where this workspace answers otherwise. */
  differs?: string
}

export async function* probe(sandbox: Sandbox): AsyncGenerator<Answered> {
  for (const [name, { asks, local, ask }] of Object.entries(questions))
    try {
      const answer = await ask(sandbox)
      yield { name, asks, answer, ...(answer !== local && { differs: local }) }
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error
      yield { name, asks, unanswered: error.message }
    }
}

/** Which readings of the local Seam these answers mean; absent: none of its values, or several. */
export function readingsOf(answers: Answered[]): Partial<Readings> {
  const found: Record<string, unknown[]> = {}
  for (const [name, { reading = {} }] of Object.entries(questions))
    for (const [one, meanings] of Object.entries(reading))
      found[one] = [...(found[one] ?? []), meant(meanings, answers.find((it) => it.name === name)?.answer)]
  const agreed = Object.entries(found).filter(([, [first, ...rest]]) => rest.every((it) => it === first))
  return Object.fromEntries(agreed.flatMap(([one, [value]]) => (value === undefined ? [] : [[one, value]])))
}

function meant(meanings: Record<string, unknown>, answer = ''): unknown {
  return Object.entries(meanings).find(([text]) => answer === text || answer.startsWith(`${text} `))?.[1]
}
