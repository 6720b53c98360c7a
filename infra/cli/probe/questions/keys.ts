import { call, newKey, type Reply, type Sandbox, said, Unanswered, vend } from '../sandbox.ts'
import type { Question } from './question.ts'

/** What keys open: the API key, the `user_identifier_key`, the publishable key. */

export const keyQuestions: Question[] = [
  {
    name: 'simultaneous',
    local: '1',
    asks: 'How many client sessions do ten simultaneous get_or_create calls under one new key make?',
    async ask(sandbox) {
      const user_identifier_key = newKey()
      const calls = Array.from({ length: 10 }, () =>
        vend(sandbox, { user_identifier_key, connected_account_ids: [] }),
      )
      const sessions = (await Promise.allSettled(calls)).flatMap((one) =>
        one.status === 'fulfilled' ? [one.value] : [],
      )
      const made = new Set(sessions.map(({ client_session_id }) => client_session_id)).size
      return sessions.length === 10 ? `${made}` : `${made}, and ${10 - sessions.length} calls failed`
    },
  },
  {
    name: 'second_create',
    local: '400 client_session_token_already_exists',
    asks: 'What does create answer under the key of a live client session?',
    async ask(sandbox) {
      const user_identifier_key = newKey()
      const { client_session_id } = await vend(sandbox, { user_identifier_key, connected_account_ids: [] })
      const { status, type, body } = await call(sandbox, '/client_sessions/create', { user_identifier_key })
      if (status !== 200) return said({ status, type })
      return body.client_session.client_session_id === client_session_id ? 'the same one' : 'another one'
    },
  },
  {
    name: 'wrong_api_key',
    local: '401 unauthorized',
    asks: 'What does a wrong API key answer?',
    async ask(sandbox) {
      const { status, type } = await call(sandbox, '/workspaces/get', {}, { token: 'seam_wrong_key' })
      return said({ status, type })
    },
  },
  {
    name: 'publishable_off',
    local: '401 unauthorized',
    asks: 'What does get_or_create by the publishable key answer while that access is off?',
    async ask(sandbox) {
      return byPublishableKey(sandbox, false, async (asked) => {
        const { status, type } = await asked(newKey())
        return status === 200 ? 'a client session' : said({ status, type })
      })
    },
  },
  ...(['live', 'deleted'] as const).map(
    (state): Question => ({
      name: `publishable_${state}`,
      local: state === 'live' ? 'its token, for 1 account' : 'another one, for 0 accounts',
      asks: `And while it is on, under the key of a ${state} client session?`,
      async ask(sandbox) {
        return byPublishableKey(sandbox, true, async (asked) => {
          const user_identifier_key = newKey()
          const before = await vend(sandbox, {
            user_identifier_key,
            connected_account_ids: sandbox.accountIds.slice(0, 1),
          })
          const { client_session_id } = before
          if (state === 'deleted') await call(sandbox, '/client_sessions/delete', { client_session_id })
          const { status, type, body } = await asked(user_identifier_key)
          if (status !== 200) return said({ status, type })
          const { connected_account_ids: reached } = body.client_session
          const which = body.client_session.token === before.token ? 'its token' : 'another one'
          return `${which}, for ${reached.length} account${reached.length === 1 ? '' : 's'}`
        })
      },
    }),
  ),
  {
    name: 'rate_limit',
    local: 'all of them',
    asks: 'Are 60 calls, ten at a time, answered?',
    async ask(sandbox) {
      const { client_session_id } = await vend(sandbox, {
        user_identifier_key: newKey(),
        connected_account_ids: [],
      })
      for (let answered = 0; answered < 60; answered += 10) {
        const calls = Array.from({ length: 10 }, () =>
          call(sandbox, '/client_sessions/get', { client_session_id }),
        )
        const refused = (await Promise.all(calls)).find(({ status }) => status === 429)
        if (refused === undefined) continue
        const retryAfter = refused.headers.get('retry-after')
        return `429 after ${answered} to ${answered + 10}, Retry-After: ${retryAfter ?? 'none'}`
      }
      return 'all of them'
    },
  },
]

/** With publishable-key access as it is needed, and afterwards as it was. */
async function byPublishableKey(
  sandbox: Sandbox,
  wanted: boolean,
  ask: (asked: (user_identifier_key: string) => Promise<Reply>) => Promise<string>,
): Promise<string> {
  const { publishable_key: publishableKey, is_publishable_key_auth_enabled: before } = sandbox.workspace
  if (publishableKey === undefined) throw new Unanswered('the workspace does not show its publishable key')
  const set = (is_publishable_key_auth_enabled: boolean) =>
    call(sandbox, '/workspaces/update', { is_publishable_key_auth_enabled })
  const restore = () => set(before ?? false)
  // A stop in between must not leave the door open.
  sandbox.undo.unshift(restore)
  if ((await set(wanted)).status !== 200)
    throw new Unanswered('the workspace’s settings cannot be changed with this key')
  try {
    return await ask((user_identifier_key) =>
      call(sandbox, '/client_sessions/get_or_create', { user_identifier_key }, { publishableKey }),
    )
  } finally {
    await restore()
  }
}
