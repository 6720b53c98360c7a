import { randomBytes, randomUUID } from 'node:crypto'
import * as z from 'zod/v4-mini'
import { devicesOf, knowsAccount } from './fake.ts'
import { type ClientSession, emit, type Seam, timeNow } from './state.ts'
import { endOf, find, found, publishableKeyOf, Refusal, route } from './wire.ts'

const year = 365 * 24 * 3_600_000

const id = z.string().check(z.minLength(1))
const wanted = z.object({
  connected_account_ids: z.optional(z.array(z.string())),
  user_identity_id: z.optional(z.string()),
  expires_at: z.optional(z.iso.datetime({ offset: true })),
})
const named = z.object({ client_session_id: id })
const created = z.extend(wanted, { user_identifier_key: z.optional(id) })
const keyed = z.extend(wanted, { user_identifier_key: id })
const filters = z.object({
  user_identifier_key: z.optional(z.string()),
  connect_webview_id: z.optional(z.string()),
})

type Wanted = z.infer<typeof wanted>
type Keyed = z.infer<typeof keyed>

export const clientSessionRoutes = [
  route('/client_sessions/create', 'api_key', created, (seam, body, { c }) =>
    answered(seam, create(seam, body, c.req.method)),
  ),
  route('/client_sessions/get_or_create', 'publishable_key', keyed, (seam, body, { c }) =>
    answered(seam, getOrCreate(seam, publishableKeyOf(c) ? emptied(body) : body)),
  ),
  route('/client_sessions/get', 'token', z.partial(named), (seam, { client_session_id = '' }, { session }) =>
    answered(seam, session ?? undeleted(seam, client_session_id)),
  ),
  route('/client_sessions/list', 'api_key', filters, (seam, body) => ({
    client_sessions: list(seam, body).map((row) => shown(seam, row)),
  })),
  route('/client_sessions/revoke', 'api_key', named, (seam, body) => {
    undeleted(seam, body.client_session_id).revoked_at = timeNow(seam)
  }),
  route('/client_sessions/delete', 'api_key', named, (seam, body) => {
    undeleted(seam, body.client_session_id).deleted_at = timeNow(seam)
    emit(seam, 'client_session.deleted', body)
  }),
]

export const isLive = ({ clock }: Pick<Seam, 'clock'>, row: ClientSession): boolean =>
  endOf(clock, row) === undefined

/** As Seam shows it. */
export function shown({ fake }: Seam, { revoked_at, deleted_at, ...row }: ClientSession) {
  const device_count = row.connected_account_ids.reduce((sum, one) => sum + devicesOf(fake, one).length, 0)
  return { ...row, device_count }
}

const answered = (seam: Seam, row: ClientSession) => ({ client_session: shown(seam, row) })

export const distinct = (...lists: (string[] | undefined)[]) => [
  ...new Set(lists.flatMap((list) => list ?? [])),
]

/** The latest row under a key, living ones first: what a call that names only the key means. */
function latest(seam: Seam, key: string): ClientSession | undefined {
  const under = seam.sessions.byKey.get(key) ?? []
  return (
    under.findLast((row) => isLive(seam, row)) ??
    under.findLast((row) => row.deleted_at === undefined) ??
    under.at(-1)
  )
}

function undeleted(seam: Seam, client_session_id: string): ClientSession {
  const row = seam.sessions.byId.get(client_session_id)
  return found(row?.deleted_at === undefined ? row : undefined, 'client_session')
}

function checkKnown(seam: Seam, { connected_account_ids: accounts = [], user_identity_id }: Wanted): void {
  if (user_identity_id !== undefined) find(seam.kept.user_identities, 'user_identity', user_identity_id)
  if (accounts.every((one) => knowsAccount(seam.fake, one))) return
  if (seam.readings.unknown_account === 404)
    throw new Refusal(404, 'connected_account_not_found', 'Could not find every connected account')
  throw new Refusal(400, 'invalid_input', 'Some connected accounts are unknown', {
    validation_errors: { connected_account_ids: { _errors: ['Unknown connected account'] } },
  })
}

function make(seam: Seam, user_identifier_key: string | null, fields: Wanted): ClientSession {
  const { user_identity_id } = fields
  const row: ClientSession = {
    client_session_id: randomUUID(),
    workspace_id: seam.fake.workspace_id,
    token: `seam_cst1${randomBytes(4).toString('hex')}_${randomBytes(20).toString('hex')}`,
    user_identifier_key,
    connected_account_ids: distinct(fields.connected_account_ids),
    connect_webview_ids: [],
    user_identity_ids: [],
    created_at: timeNow(seam),
    expires_at: new Date(fields.expires_at ?? seam.clock() + year).toISOString(),
    ...(user_identity_id !== undefined && { user_identity_id, user_identity_ids: [user_identity_id] }),
  }
  seam.sessions.add(row)
  return row
}

/** A second one under a key is refused; sent as PUT, it is answered with the first. */
function create(seam: Seam, body: z.infer<typeof created>, method: string): ClientSession {
  const { user_identifier_key: key } = body
  checkKnown(seam, body)
  const existing = key === undefined ? undefined : latest(seam, key)
  if (existing === undefined || !isLive(seam, existing)) return make(seam, key ?? null, body)
  if (method === 'PUT') return existing
  const message = 'A client session with this user_identifier_key exists'
  throw new Refusal(400, 'client_session_token_already_exists', message)
}

function getOrCreate(seam: Seam, body: Keyed): ClientSession {
  const { readings } = seam
  checkKnown(seam, body)
  const row = latest(seam, body.user_identifier_key)
  if (row === undefined || (!isLive(seam, row) && readings.dead_sessions === 'stay_dead'))
    return make(seam, body.user_identifier_key, body)
  const { connected_account_ids: accounts, expires_at, user_identity_id } = body
  const kept = readings.get_or_create === 'merges' ? row.connected_account_ids : []
  delete row.revoked_at
  delete row.deleted_at
  return Object.assign(row, {
    ...(accounts && { connected_account_ids: distinct(kept, accounts) }),
    ...(expires_at !== undefined && { expires_at: new Date(expires_at).toISOString() }),
    ...(user_identity_id !== undefined && { user_identity_id, user_identity_ids: [user_identity_id] }),
  } satisfies Partial<ClientSession>)
}

/** A publishable key makes empty client sessions, and hands out whatever is under the key it is told (law 1). */
function emptied({ user_identifier_key, connected_account_ids }: Keyed): Keyed {
  if (connected_account_ids === undefined) return { user_identifier_key }
  const type = 'publishable_keys_must_create_empty_client_sessions'
  throw new Refusal(403, type, 'A publishable key cannot name connected accounts')
}

/** As at Seam: without a filter, every client session of the workspace, tokens included. */
function list(seam: Seam, filter: z.infer<typeof filters>): ClientSession[] {
  const { byId, byKey } = seam.sessions
  const { user_identifier_key: key, connect_webview_id } = filter
  return (key === undefined ? [...byId.values()] : (byKey.get(key) ?? [])).filter(
    (row) =>
      row.deleted_at === undefined &&
      (seam.readings.list === 'with_dead' || isLive(seam, row)) &&
      (connect_webview_id === undefined || row.connect_webview_ids.includes(connect_webview_id)),
  )
}
