import { randomUUID } from 'node:crypto'
import { alter, isLive, shown } from './client-sessions.ts'
import { accountsOf } from './fake.ts'
import type { WrongAnswer } from './faults.ts'
import type { ClientSession } from './rows.ts'
import type { Seam } from './state.ts'

const century = 100 * 365 * 24 * 3_600_000

/**
 * What a call that has had its effect answers wrongly. A wrong scope, a wrong expiry and a death are real, for these
 * the client session itself is bent; a wrong key, id or workspace is only said.
 */
export function wrongSession(seam: Seam, wrong: WrongAnswer, row: ClientSession) {
  const { connected_account_ids: had, user_identifier_key: key } = row
  const at = (offset: number) => new Date(seam.clock() + offset).toISOString()
  const real = (bent: Partial<ClientSession>) => shown(seam, alter(seam, row, bent))
  const said = (bent: Partial<ClientSession>) => ({ ...shown(seam, row), ...bent })
  const bends: Record<WrongAnswer, () => object> = {
    other_key: () => {
      const all = [...seam.sessions.byId.values()]
      const stranger = all.find((one) => isLive(seam, one) && one.user_identifier_key !== key)
      return stranger ? shown(seam, stranger) : said({ user_identifier_key: `${key}-of-another` })
    },
    other_id: () => said({ client_session_id: randomUUID() }),
    other_workspace: () => said({ workspace_id: randomUUID() }),
    extra_account: () => {
      const other = accountsOf(seam.fake).find((one) => !had.includes(one.connected_account_id))
      return real({ connected_account_ids: [...had, ...(other ? [other.connected_account_id] : [])] })
    },
    missing_account: () => real({ connected_account_ids: had.slice(1) }),
    past_expiry: () => real({ expires_at: at(-1000) }),
    late_expiry: () => real({ expires_at: at(century) }),
    // Looks right in every field: only the token's first use shows it.
    dead_session: () => real({ deleted_at: at(0) }),
  }
  return bends[wrong]()
}
