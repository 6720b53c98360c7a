import type { Context } from 'hono'
import type * as z from 'zod/v4-mini'
import { workspaceOf } from './fake.ts'
import type { ClientSession } from './rows.ts'
import type { Seam } from './state.ts'
import { checked, Refusal, type SeamEnv } from './wire.ts'

/** Whom a call speaks for. */
export type Authority =
  | { by: 'api_key' }
  | { by: 'client_session'; session: ClientSession }
  | { by: 'publishable_key' }
  | { by: 'nobody' }

type By = Authority['by']
type Call = { c: Context<SeamEnv>; authority: Authority }

/** Makes its changes before it first awaits. Returns the members of Seam's envelope, or a whole answer. */
type Run<Body> = (seam: Seam, body: Body, call: Call) => object | undefined

export type Route = { path: string; methods: string[]; allows: readonly By[]; run: Run<unknown> }

/**
 * One path of the local Seam: who may call it, and what its body must be.
 * @param methods absent: as Seam's SDK sends such calls
 */
export function route<Body>(
  path: string,
  allows: readonly By[],
  body: z.ZodMiniType<Body>,
  run: Run<Body>,
  methods = ['POST', ...(otherMethods[path.slice(path.lastIndexOf('/') + 1)] ?? [])],
): Route {
  return { path, methods, allows, run: (seam, params, call) => run(seam, checked(body, params), call) }
}

const otherMethods: Record<string, string[]> = {
  create: ['PUT'],
  get_or_create: ['PUT'],
  get: ['GET'],
  list: ['GET'],
  grant_access: ['PATCH'],
  update: ['PATCH'],
  delete: ['DELETE'],
}

export const nobody = ['nobody'] as const
export const apiKey = ['api_key'] as const
export const orToken = ['api_key', 'client_session'] as const

/** @throws Refusal unless the call may be made by whom it speaks for */
export function authorize(seam: Seam, c: Context<SeamEnv>, allows: readonly By[]): Authority {
  const authority: Authority = allows.includes('nobody') ? { by: 'nobody' } : authorityOf(seam, c)
  if (allows.includes(authority.by)) return authority
  throw new Refusal(401, 'unauthorized', `${c.req.path} cannot be called by a ${authority.by}`)
}

function authorityOf(seam: Seam, c: Context<SeamEnv>): Authority {
  const publishableKey = c.req.header('seam-publishable-key')
  if (publishableKey !== undefined) return byPublishableKey(seam, c, publishableKey)
  const token =
    c.req.header('seam-client-session-token') ??
    c.req.header('client-session-token') ??
    /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
  if (token === undefined) throw new Refusal(401, 'unauthorized', 'No credentials were sent')
  if (token === seam.fake.api_key) return { by: 'api_key' }
  if (!token.startsWith('seam_cst')) throw new Refusal(401, 'unauthorized', 'API Key not found')
  const session = seam.sessions.byToken.get(token)
  const end = session === undefined ? 'not_found' : endOf(seam, session)
  if (session !== undefined && end === undefined) return { by: 'client_session', session }
  throw new Refusal(401, `client_session_${end}`, `Unauthorized (client session ${end?.replace('_', ' ')})`)
}

/** The key it names for whom it speaks becomes a parameter like any other. */
function byPublishableKey({ fake }: Seam, c: Context<SeamEnv>, publishableKey: string): Authority {
  const workspace = workspaceOf(fake)
  if (publishableKey !== workspace.publishable_key || !workspace.is_publishable_key_auth_enabled)
    throw new Refusal(401, 'unauthorized', 'This publishable key is not accepted')
  const params = c.get('params')
  const user_identifier_key = params.user_identifier_key ?? c.req.header('seam-user-identifier-key')
  if (typeof user_identifier_key !== 'string' || user_identifier_key === '')
    throw new Refusal(400, 'publishable_key_requires_user_identifier_key', 'Give a user_identifier_key')
  c.set('params', { ...params, user_identifier_key })
  return { by: 'publishable_key' }
}

/** Why its token opens nothing; undefined while it does. */
export function endOf({ clock }: Pick<Seam, 'clock'>, session: ClientSession) {
  if (session.deleted_at !== undefined) return 'not_found'
  if (session.revoked_at !== undefined) return 'revoked'
  return Date.parse(session.expires_at) > clock() ? undefined : 'expired'
}
