import type { HttpBindings } from '@hono/node-server'
import type { Context, Next } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type * as z from 'zod/v4-mini'
import type { ClientSession, Seam } from './state.ts'

export type Params = Record<string, unknown>

/** `params`: the query's and the body's members together, as Seam reads them. */
export type SeamEnv = { Bindings: HttpBindings; Variables: { params: Params; requestId: string } }

/** What a route throws to refuse; becomes Seam's error envelope. */
export class Refusal extends Error {
  readonly status: ContentfulStatusCode
  readonly error: Params

  constructor(status: ContentfulStatusCode, type: string, message: string, more: Params = {}) {
    super(message)
    this.status = status
    this.error = { type, message, ...more }
  }
}

/** @throws Refusal when there is none */
export function found<T>(item: T | undefined, one: string): T {
  if (item !== undefined) return item
  throw new Refusal(404, `${one}_not_found`, `Could not find ${one.replaceAll('_', ' ')}`)
}

/** @throws Refusal when none of them has the id */
export function find<One extends string, Item extends Record<`${One}_id`, string>>(
  items: Item[],
  one: One,
  id: string,
): Item {
  const item = items.find((item) => item[`${one}_id`] === id)
  return found(item, one)
}

/** The same, out of `items`. */
export const take: typeof find = (items, one, id) => {
  const item = find(items, one, id)
  items.splice(items.indexOf(item), 1)
  return item
}

/** An error that is no Refusal is a bug of ours: nothing of it leaves, nor does a secret. */
export function refused(thrown: unknown, c: Context<SeamEnv>): Response {
  const { status, error } =
    thrown instanceof Refusal ? thrown : new Refusal(500, 'internal_error', 'The local Seam failed')
  return c.json({ error: { ...error, request_id: c.get('requestId') ?? '' }, ok: false }, status)
}

/** @throws Refusal when the body is not a JSON object */
export async function readParams(c: Context<SeamEnv>, next: Next): Promise<void> {
  const query = Object.entries(c.req.queries()).map(([name, values]) =>
    name.endsWith('[]') ? [name.slice(0, -2), values] : [name, values.length > 1 ? values : values[0]],
  )
  c.set('params', { ...Object.fromEntries(query), ...(await bodyOf(c)) })
  return next()
}

async function bodyOf({ req }: Context<SeamEnv>): Promise<Params> {
  if (req.header('content-type')?.startsWith('application/x-www-form-urlencoded')) return req.parseBody()
  if ((await req.text()) === '') return {}
  const body: unknown = await req.json().catch(() => undefined)
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { ...body }
  throw new Refusal(400, 'invalid_input', 'The body must be a JSON object')
}

/** @throws Refusal in the form of Seam's own validation errors. */
export function checked<T>(schema: z.ZodMiniType<T>, params: unknown): T {
  const result = schema.safeParse(params)
  if (result.success) return result.data
  const errors = result.error.issues.map(({ path, message }) => [path[0] ?? '', { _errors: [message] }])
  throw new Refusal(400, 'invalid_input', 'Some parameters are invalid', {
    validation_errors: Object.fromEntries(errors),
  })
}

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
    const { publishable_key, is_publishable_key_auth_enabled: isOn } = fake.workspace()
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
