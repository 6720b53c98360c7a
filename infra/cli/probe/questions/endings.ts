import { call, newKey, type Reply, type Sandbox, type Session, said, vend } from '../sandbox.ts'
import type { Question } from './question.ts'

/** How client sessions end, and whether they stay ended. */

type End = 'deleted' | 'revoked' | 'expired'
const ends: End[] = ['deleted', 'revoked', 'expired']

/** Milliseconds. */
const shortLife = 3000
const longestWait = 10_000

export const endingQuestions: Question[] = [
  ...ends.map(
    (how): Question => ({
      name: `${how}_session`,
      local: 'makes another',
      reading: { dead_sessions: { 'makes another': 'stay_dead', 'revives it': 'are_revived' } },
      asks: `What does get_or_create do under the key of a client session that was ${how === 'expired' ? 'left to expire' : how}?`,
      async ask(sandbox) {
        const user_identifier_key = newKey()
        const before = await ended(sandbox, how, user_identifier_key)
        const after = await vend(sandbox, { user_identifier_key, connected_account_ids: [] })
        if (after.client_session_id !== before.client_session_id)
          return (await tokenReply(sandbox, before)).status === 200
            ? 'another, and the old token works'
            : 'makes another'
        const works = (await tokenReply(sandbox, after)).status === 200
        return works ? 'revives it' : 'answers the dead one'
      },
    }),
  ),
  ...ends.map(
    (how): Question => ({
      name: `${how}_token`,
      local: `401 client_session_${how === 'deleted' ? 'not_found' : how}`,
      asks: `What does a token answer whose client session was ${how === 'expired' ? 'left to expire' : how}?`,
      async ask(sandbox) {
        const { status, type } = await tokenReply(sandbox, await ended(sandbox, how, newKey()))
        return said({ status, type })
      },
    }),
  ),
  {
    name: 'delete_takes_effect',
    local: 'at once',
    asks: 'Is delete immediate?',
    async ask(sandbox) {
      const vended = await vend(sandbox, { user_identifier_key: newKey(), connected_account_ids: [] })
      await call(sandbox, '/client_sessions/delete', { client_session_id: vended.client_session_id })
      const deletedAt = sandbox.clock()
      for (let looks = 0; sandbox.clock() - deletedAt < longestWait; looks++) {
        if ((await tokenReply(sandbox, vended)).status === 401)
          return looks === 0 ? 'at once' : `after ${sandbox.clock() - deletedAt} ms`
        await sandbox.sleep(250)
      }
      return `not within ${longestWait / 1000} s`
    },
  },
  {
    name: 'delete_again',
    local: '404 client_session_not_found',
    asks: 'What does a second delete answer?',
    async ask(sandbox) {
      const { client_session_id } = await ended(sandbox, 'deleted', newKey())
      const { status, type } = await call(sandbox, '/client_sessions/delete', { client_session_id })
      return said({ status, type })
    },
  },
  {
    name: 'list_shows',
    local: 'live',
    reading: { list: { live: 'live', 'live, revoked, expired': 'with_dead' } },
    asks: 'Which client sessions does list show under a key?',
    async ask(sandbox) {
      const shown: string[] = []
      const live = newKey()
      await vend(sandbox, { user_identifier_key: live, connected_account_ids: [] })
      if (await isListed(sandbox, live)) shown.push('live')
      for (const how of ends) {
        const user_identifier_key = newKey()
        await ended(sandbox, how, user_identifier_key)
        if (await isListed(sandbox, user_identifier_key)) shown.push(how)
      }
      return shown.join(', ') || 'none'
    },
  },
  {
    name: 'default_expiry',
    local: 'in 365 days',
    asks: 'When does a client session expire that was made without expires_at?',
    async ask(sandbox) {
      const { body, status } = await call(sandbox, '/client_sessions/get_or_create', {
        user_identifier_key: newKey(),
        connected_account_ids: [],
      })
      const expires_at = body?.client_session?.expires_at
      return expires_at ? `in ${daysUntil(sandbox, expires_at)} days` : `${status}, and it does not say`
    },
  },
  {
    name: 'longest_expiry',
    local: 'in 36500 days',
    asks: 'What does an expires_at in a hundred years become?',
    async ask(sandbox) {
      const expires_at = new Date(sandbox.clock() + 36_500 * day).toISOString()
      const { body, status, type } = await call(sandbox, '/client_sessions/get_or_create', {
        user_identifier_key: newKey(),
        connected_account_ids: [],
        expires_at,
      })
      return status === 200
        ? `in ${daysUntil(sandbox, body.client_session.expires_at)} days`
        : said({ status, type })
    },
  },
]

const day = 86_400_000

function daysUntil({ clock }: Sandbox, iso: string): number {
  return Math.round((Date.parse(iso) - clock()) / day)
}

async function ended(sandbox: Sandbox, how: End, user_identifier_key: string): Promise<Session> {
  const expires_at =
    how === 'expired' ? { expires_at: new Date(sandbox.clock() + shortLife).toISOString() } : {}
  const vended = await vend(sandbox, { user_identifier_key, connected_account_ids: [], ...expires_at })
  const { client_session_id } = vended
  if (how === 'expired') await sandbox.sleep(shortLife + 500)
  else
    await call(sandbox, `/client_sessions/${how === 'deleted' ? 'delete' : 'revoke'}`, { client_session_id })
  return vended
}

/** What a browser with the token of this client session is answered. */
function tokenReply(sandbox: Sandbox, { token }: Session): Promise<Reply> {
  return call(sandbox, '/devices/list', {}, { token })
}

async function isListed(sandbox: Sandbox, user_identifier_key: string): Promise<boolean> {
  const { body } = await call(sandbox, '/client_sessions/list', { user_identifier_key })
  return (body?.client_sessions ?? []).length > 0
}
