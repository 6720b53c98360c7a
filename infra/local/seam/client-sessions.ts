import { randomBytes, randomUUID } from 'node:crypto'
import * as z from 'zod/v4-mini'
import type { Emit } from './events.ts'
import type { Readings } from './readings.ts'
import { type Answer, checked, ok, Refusal } from './wire.ts'

/** A row of the workspace: what goes over the wire but for `device_count`, and how it ended, which Seam never shows. */
export type ClientSession = {
  client_session_id: string
  workspace_id: string
  token: string
  user_identifier_key: string | null
  connected_account_ids: string[]
  connect_webview_ids: string[]
  user_identity_ids: string[]
  user_identity_id?: string
  customer_key?: string
  created_at: string
  expires_at: string
  revoked_at?: string
  deleted_at?: string
}

/** Whom a call speaks for. */
export type Authority =
  | { by: 'api_key' }
  | { by: 'client_session'; session: ClientSession }
  | { by: 'publishable_key'; user_identifier_key: string }
  | { by: 'nobody' }

/** Goes up with each change, so that two looks at it tell whether something happened between. */
export type Changes = { count: number }

type Workspace = {
  workspace_id: string
  knowsAccount: (connected_account_id: string) => boolean
  deviceCount: (connected_account_ids: string[]) => number
}

type Options = {
  emit: Emit
  workspace: Workspace
  readings: Readings
  clock: () => number
  rows: ClientSession[]
  changes: Changes
}

const year = 365 * 24 * 3_600_000

const id = z.string().check(z.minLength(1))
const wanted = {
  connected_account_ids: z.optional(z.array(z.string())),
  connect_webview_ids: z.optional(z.array(z.string())),
  user_identity_ids: z.optional(z.array(z.string())),
  user_identity_id: z.optional(z.string()),
  customer_key: z.optional(id),
  expires_at: z.optional(z.iso.datetime({ offset: true })),
}
type Wanted = z.infer<z.ZodMiniObject<typeof wanted>>

const createInput = z.object({ ...wanted, user_identifier_key: z.optional(id) })
const getOrCreateInput = z.object({ ...wanted, user_identifier_key: id })
const oneInput = z.object({ client_session_id: z.optional(id), user_identifier_key: z.optional(id) })
const grantInput = z.object({ ...wanted, ...oneInput.shape })
const endInput = z.object({ client_session_id: id })
const listInput = z.object({
  client_session_id: z.optional(z.string()),
  user_identifier_key: z.optional(z.string()),
  connect_webview_id: z.optional(z.string()),
  user_identity_id: z.optional(z.string()),
  without_user_identifier_key: z.optional(z.boolean()),
})

/** The workspace's client sessions and the seven calls on them, from memory. */
export const clientSessionStore = ({ emit, workspace, readings, clock, rows, changes }: Options) => {
  const byId = new Map<string, ClientSession>()
  const byToken = new Map<string, ClientSession>()
  const byKey = new Map<string, ClientSession[]>()

  const keep = (row: ClientSession) => {
    byId.set(row.client_session_id, row)
    byToken.set(row.token, row)
    if (row.user_identifier_key === null) return
    byKey.set(row.user_identifier_key, [...(byKey.get(row.user_identifier_key) ?? []), row])
  }
  for (const row of rows) keep(row)

  const isLive = (row: ClientSession) =>
    row.revoked_at === undefined && row.deleted_at === undefined && Date.parse(row.expires_at) > clock()

  const shown = (row: ClientSession) => {
    const { revoked_at, deleted_at, ...fields } = row
    return { ...fields, device_count: workspace.deviceCount(row.connected_account_ids) }
  }
  const answered = (row: ClientSession): Answer => ok({ client_session: shown(row) })

  const checkAccounts = (accounts: string[] = []) => {
    const unknown = accounts.filter((account) => !workspace.knowsAccount(account))
    if (unknown.length === 0) return
    if (readings.unknown_account === 404)
      throw new Refusal(404, 'connected_account_not_found', 'Could not find every connected account')
    throw new Refusal(400, 'invalid_input', 'Some connected accounts are unknown', {
      validation_errors: { connected_account_ids: { _errors: ['Unknown connected account'] } },
    })
  }

  const make = (user_identifier_key: string | null, fields: Wanted): ClientSession => {
    const now = clock()
    const row: ClientSession = {
      client_session_id: randomUUID(),
      workspace_id: workspace.workspace_id,
      token: `seam_cst1${randomBytes(4).toString('hex')}_${randomBytes(20).toString('hex')}`,
      user_identifier_key,
      connected_account_ids: distinct(fields.connected_account_ids ?? []),
      connect_webview_ids: distinct(fields.connect_webview_ids ?? []),
      user_identity_ids: distinct(fields.user_identity_ids ?? [fields.user_identity_id ?? []].flat()),
      created_at: new Date(now).toISOString(),
      expires_at: new Date(fields.expires_at ?? now + year).toISOString(),
    }
    if (fields.user_identity_id !== undefined) row.user_identity_id = fields.user_identity_id
    if (fields.customer_key !== undefined) row.customer_key = fields.customer_key
    keep(row)
    changes.count++
    return row
  }

  /** The latest row under a key, living ones first: what a call that names only the key means. */
  const latest = (key: string): ClientSession | undefined => {
    const under = byKey.get(key) ?? []
    return under.findLast(isLive) ?? under.findLast((row) => row.deleted_at === undefined) ?? under.at(-1)
  }

  const named = (by: {
    client_session_id?: string | undefined
    user_identifier_key?: string | undefined
  }) => {
    const row =
      by.client_session_id !== undefined
        ? byId.get(by.client_session_id)
        : by.user_identifier_key !== undefined
          ? latest(by.user_identifier_key)
          : undefined
    if (row === undefined || row.deleted_at !== undefined) throw notFound()
    return row
  }

  const create = (params: unknown, again: 'refused' | 'answered'): Answer => {
    const { user_identifier_key, ...fields } = checked(createInput, params)
    checkAccounts(fields.connected_account_ids)
    const existing = user_identifier_key !== undefined ? latest(user_identifier_key) : undefined
    if (existing && isLive(existing)) {
      if (again === 'answered') return answered(existing)
      throw new Refusal(
        400,
        'client_session_token_already_exists',
        'A client session with this user_identifier_key exists',
      )
    }
    return answered(make(user_identifier_key ?? null, fields))
  }

  const getOrCreate = (params: unknown): Answer => {
    const { user_identifier_key, ...fields } = checked(getOrCreateInput, params)
    checkAccounts(fields.connected_account_ids)
    const row = latest(user_identifier_key)
    if (row === undefined || (!isLive(row) && readings.dead_sessions === 'stay_dead'))
      return answered(make(user_identifier_key, fields))
    delete row.revoked_at
    delete row.deleted_at
    const before = readings.get_or_create === 'merges' ? row.connected_account_ids : []
    if (fields.connected_account_ids)
      row.connected_account_ids = distinct([...before, ...fields.connected_account_ids])
    if (fields.connect_webview_ids)
      row.connect_webview_ids = distinct([...row.connect_webview_ids, ...fields.connect_webview_ids])
    if (fields.expires_at !== undefined) row.expires_at = new Date(fields.expires_at).toISOString()
    changes.count++
    return answered(row)
  }

  /** A publishable key makes empty client sessions, and hands out whatever is under the key it is told (law 1). */
  const getOrCreateByPublishableKey = (key: string, params: Record<string, unknown>): Answer => {
    if (params.connected_account_ids !== undefined || params.connect_webview_ids !== undefined)
      throw new Refusal(
        403,
        'publishable_keys_must_create_empty_client_sessions',
        'A publishable key cannot name connected accounts or Connect Webviews',
      )
    const row = latest(key)
    return answered(row && isLive(row) ? row : make(key, {}))
  }

  const get = (params: unknown, authority: Authority): Answer =>
    answered(authority.by === 'client_session' ? authority.session : named(checked(oneInput, params)))

  /** As at Seam: without a filter, every client session of the workspace, tokens included. */
  const list = (params: unknown): Answer => {
    const filter = checked(listInput, params)
    const candidates =
      filter.user_identifier_key !== undefined
        ? (byKey.get(filter.user_identifier_key) ?? [])
        : [...byId.values()]
    const matches = (row: ClientSession) =>
      row.deleted_at === undefined &&
      (readings.list === 'with_dead' || isLive(row)) &&
      (filter.client_session_id === undefined || row.client_session_id === filter.client_session_id) &&
      (filter.connect_webview_id === undefined ||
        row.connect_webview_ids.includes(filter.connect_webview_id)) &&
      (filter.user_identity_id === undefined || row.user_identity_ids.includes(filter.user_identity_id)) &&
      (!filter.without_user_identifier_key || row.user_identifier_key === null)
    return ok({ client_sessions: candidates.filter(matches).map(shown) })
  }

  const grantAccess = (params: unknown): Answer => {
    const input = checked(grantInput, params)
    const row = named(input)
    checkAccounts(input.connected_account_ids)
    row.connected_account_ids = distinct([
      ...row.connected_account_ids,
      ...(input.connected_account_ids ?? []),
    ])
    row.connect_webview_ids = distinct([...row.connect_webview_ids, ...(input.connect_webview_ids ?? [])])
    row.user_identity_ids = distinct([...row.user_identity_ids, ...(input.user_identity_ids ?? [])])
    changes.count++
    return answered(row)
  }

  const end = (params: unknown, how: 'revoked_at' | 'deleted_at'): Answer => {
    const row = named(checked(endInput, params))
    row[how] ??= new Date(clock()).toISOString()
    const { client_session_id } = row
    if (how === 'deleted_at') emit('client_session.deleted', { client_session_id })
    changes.count++
    return ok()
  }

  return {
    create,
    getOrCreate,
    getOrCreateByPublishableKey,
    get,
    list,
    grantAccess,
    end,
    isLive,
    byToken: (token: string) => byToken.get(token),
    rows: () => [...byId.values()],
    shown,
    /** Changes a row behind everybody's back. */
    alter: (row: ClientSession, change: Partial<ClientSession>) => {
      Object.assign(row, change)
      changes.count++
    },
    /** The account is gone from the workspace, and so from every client session. */
    dropAccount: (connected_account_id: string) => {
      for (const row of byId.values())
        row.connected_account_ids = row.connected_account_ids.filter((one) => one !== connected_account_id)
      changes.count++
    },
  }
}

export type ClientSessionStore = ReturnType<typeof clientSessionStore>

const distinct = <T>(items: T[]): T[] => [...new Set(items)]

const notFound = () => new Refusal(404, 'client_session_not_found', 'Could not find client session')
