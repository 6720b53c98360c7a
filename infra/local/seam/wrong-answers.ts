import { randomUUID } from 'node:crypto'
import type { ClientSession, ClientSessionStore } from './client-sessions.ts'
import type { WrongAnswer } from './faults.ts'
import { type Answer, json, ok } from './wire.ts'

type Parts = { store: ClientSessionStore; accountIds: () => string[]; clock: () => number }

const century = 100 * 365 * 24 * 3_600_000

/**
 * Bends the answer to a call that has had its effect. A wrong scope, a wrong expiry and a death are real, for these
 * the client session itself is bent; a wrong key, id or workspace is only said.
 * @returns undefined when the answer holds no client session that could be wrong
 */
export const answerBender = ({ store, accountIds, clock }: Parts) => {
  const changed: Record<
    Exclude<WrongAnswer, 'other_key' | 'other_id' | 'other_workspace'>,
    (row: ClientSession) => Partial<ClientSession>
  > = {
    extra_account: ({ connected_account_ids: had }) => ({
      connected_account_ids: [...had, ...accountIds().filter((account) => !had.includes(account))].slice(
        0,
        had.length + 1,
      ),
    }),
    missing_account: ({ connected_account_ids }) => ({
      connected_account_ids: connected_account_ids.slice(1),
    }),
    past_expiry: () => ({ expires_at: new Date(clock() - 1000).toISOString() }),
    late_expiry: () => ({ expires_at: new Date(clock() + century).toISOString() }),
    // Looks right in every field: only the token's first use shows it.
    dead_session: () => ({ deleted_at: new Date(clock()).toISOString() }),
  }

  return (wrong: WrongAnswer, answer: Answer): Answer | undefined => {
    const row = store.byToken(tokenIn(answer) ?? '')
    if (row === undefined) return undefined
    const shown = (members: Partial<ClientSession>) =>
      json(200, { client_session: { ...store.shown(row), ...members }, ok: true })
    switch (wrong) {
      case 'other_key': {
        const stranger = store
          .rows()
          .find((one) => store.isLive(one) && one.user_identifier_key !== row.user_identifier_key)
        return stranger
          ? ok({ client_session: store.shown(stranger) })
          : shown({ user_identifier_key: `${row.user_identifier_key}-of-another` })
      }
      case 'other_id':
        return shown({ client_session_id: randomUUID() })
      case 'other_workspace':
        return shown({ workspace_id: randomUUID() })
      default:
        store.alter(row, changed[wrong](row))
        return shown({})
    }
  }
}

const tokenIn = ({ status, body }: Answer): string | undefined =>
  status === 200 ? JSON.parse(body).client_session?.token : undefined
