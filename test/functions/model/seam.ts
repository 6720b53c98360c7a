/**
 * Seam in memory: the client sessions of one workspace, in every reading of what its documentation leaves open.
 * Each method is what happens there at one instant; getting there and back is the model's business.
 */

export interface Readings {
  get_or_create: 'replaces' | 'merges'
  dead_sessions: 'stay_dead' | 'are_revived'
  unknown_account: 400 | 404
  list: 'live' | 'with_dead'
  /** The longest time that Seam gives a client session, whatever is asked for, ms. */
  longest?: number
}

export interface Session {
  client_session_id: string
  token: string
  user_identifier_key: string | null
  connected_account_ids: readonly string[]
  user_identity_id: string | undefined
  created_at: number
  expires_at: number
  deleted: boolean
  /** Somebody else's: nothing of ours may change it. */
  stranger: boolean
  /** A call under a retired key has brought it back (the reading `are_revived`). */
  reopened: boolean
  /** A call that came late asked for less time, or fewer accounts, than the session had. */
  shortened: boolean
}

/** The ways in which an answer to `get_or_create` can be wrong. */
export const wrongAnswers = [
  'other_key',
  'other_user',
  'other_id',
  'other_workspace',
  'extra_account',
  'missing_account',
  'expired',
  'expires_too_late',
] as const

export class Refused extends Error {
  readonly status: number
  constructor(status: number) {
    super(String(status))
    this.status = status
  }
}

export type SeamWorkspace = ReturnType<typeof seamWorkspace>

export function seamWorkspace(options: {
  workspace_id: string
  readings: Readings
  /** Seam's own clock. */
  clock: () => number
  knowsAccount: (id: string) => boolean
  /** Told of each change, before the one who asked for it is. */
  changed: (session: Session) => void
}) {
  const { workspace_id, readings, clock, knowsAccount, changed } = options
  const byId = new Map<string, Session>()
  const byKey = new Map<string, Session[]>()

  const isLive = (session: Session) => !session.deleted && session.expires_at > clock()

  const shows = (session: Session) => !session.deleted && (readings.list === 'with_dead' || isLive(session))

  function make(
    key: string | null,
    accounts: readonly string[],
    expires_at: number,
    identity: string | undefined,
    stranger = false,
  ): Session {
    const id = `${workspace_id}-${byId.size}`
    const session: Session = {
      client_session_id: id,
      token: `seam_cst_${id}`,
      user_identifier_key: key,
      connected_account_ids: accounts,
      user_identity_id: identity,
      created_at: clock(),
      expires_at,
      deleted: false,
      stranger,
      reopened: false,
      shortened: false,
    }
    byId.set(id, session)
    if (key !== null) {
      const under = byKey.get(key)
      if (under === undefined) byKey.set(key, [session])
      else under.push(session)
    }
    return session
  }

  return {
    workspace_id,
    isLive,
    sessions: () => byId.values(),
    find: (id: string) => byId.get(id),
    under: (key: string): readonly Session[] => byKey.get(key) ?? [],

    addStranger: (key: string | null, accounts: readonly string[]) =>
      make(key, accounts, Number.POSITIVE_INFINITY, undefined, true),

    getOrCreate(
      key: string,
      accounts: readonly string[],
      asked_until: number,
      identity: string | undefined,
    ): Session {
      const expires_at = Math.min(asked_until, clock() + (readings.longest ?? Number.POSITIVE_INFINITY))
      if (!accounts.every(knowsAccount)) throw new Refused(readings.unknown_account)
      const under = byKey.get(key)
      const latest = under?.findLast(isLive) ?? under?.at(-1)
      let session: Session
      if (latest === undefined || (!isLive(latest) && readings.dead_sessions === 'stay_dead'))
        session = make(key, accounts, expires_at, identity)
      else {
        session = latest
        session.deleted = false
        session.shortened =
          expires_at < session.expires_at ||
          !session.connected_account_ids.every((id) => accounts.includes(id) || !knowsAccount(id))
        session.connected_account_ids =
          readings.get_or_create === 'merges'
            ? [...new Set([...session.connected_account_ids, ...accounts])]
            : accounts
        session.expires_at = expires_at
        if (identity !== undefined) session.user_identity_id = identity
      }
      changed(session)
      return session
    },

    delete(id: string): void {
      const session = byId.get(id)
      if (session === undefined || session.deleted) throw new Refused(404)
      session.deleted = true
      changed(session)
    },

    /** Deleted ones never show; expired ones do in one reading. */
    list: (key: string): Session[] => (byKey.get(key) ?? []).filter(shows),
    listAll: (): Session[] => [...byId.values()].filter(shows),

    /** The account is gone from the workspace, and so from every client session. */
    dropAccount(id: string): void {
      for (const session of byId.values())
        if (session.connected_account_ids.includes(id))
          session.connected_account_ids = session.connected_account_ids.filter((one) => one !== id)
    },
  }
}
