import type { Context } from 'hono'
import type * as z from 'zod/v4-mini'
import { workspaceOf } from './fake.ts'
import type { ClientSession, Seam } from './state.ts'
import { checked, Refusal, type SeamEnv } from './wire.ts'

/** Who may call beside the API key: the token of a client session, the publishable key, or nobody; `everybody` needs none of them. */
type Allows = 'api_key' | 'token' | 'publishable_key' | 'everybody'

/** `session`: of the token that calls. */
type Call = { c: Context<SeamEnv>; session: ClientSession | undefined }

/** Makes its changes before it first awaits. Returns the members of Seam's envelope, or a whole answer. */
type Run<Body> = (seam: Seam, body: Body, call: Call) => object | undefined

export type Route = { path: string; methods: string[]; allows: Allows; run: Run<unknown> }

/** Of calls that change nothing. */
export const onlyLooks = /^\/health|\/(get|list|list_device_providers)$/

/** One path of the local Seam: who may call it, and what its body must be. */
export function route<Body>(
  path: string,
  allows: Allows,
  body: z.ZodMiniType<Body>,
  run: Run<Body>,
  methods = onlyLooks.test(path) ? ['POST', 'GET'] : ['POST', 'PUT', 'PATCH', 'DELETE'],
): Route {
  return { path, methods, allows, run: (seam, params, call) => run(seam, checked(body, params), call) }
}

/** Every page shows it. */
export const publishableKeyOf = ({ req }: Context<SeamEnv>) => req.header('seam-publishable-key')

/**
 * @returns the client session whose token calls; undefined: none does
 * @throws Refusal unless the call may be made so
 */
export function callerOf(
  { fake, sessions, clock }: Seam,
  c: Context<SeamEnv>,
  allows: Allows,
): Call['session'] {
  if (allows === 'everybody') return undefined
  const publishableKey = publishableKeyOf(c)
  if (publishableKey !== undefined) {
    const { publishable_key, is_publishable_key_auth_enabled: isOn } = workspaceOf(fake)
    if (isOn && publishableKey === publishable_key && allows === 'publishable_key') return undefined
    throw new Refusal(401, 'unauthorized', 'This publishable key is not accepted')
  }
  const token =
    c.req.header('seam-client-session-token') ??
    c.req.header('client-session-token') ??
    /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
  if (token === undefined) throw new Refusal(401, 'unauthorized', 'No credentials were sent')
  if (token === fake.api_key) return undefined
  if (!token.startsWith('seam_cst')) throw new Refusal(401, 'unauthorized', 'API Key not found')
  const session = sessions.byToken.get(token)
  const end = endOf(clock, session)
  if (end !== undefined)
    throw new Refusal(401, `client_session_${end}`, `Unauthorized (client session ${end.replace('_', ' ')})`)
  if (allows === 'token') return session
  throw new Refusal(401, 'unauthorized', `${c.req.path} cannot be called by a client session`)
}

/** Why its token opens nothing; undefined while it does. */
export function endOf(clock: () => number, session?: ClientSession) {
  if (session === undefined || session.deleted_at !== undefined) return 'not_found'
  if (session.revoked_at !== undefined) return 'revoked'
  return Date.parse(session.expires_at) > clock() ? undefined : 'expired'
}
