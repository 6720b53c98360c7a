import type { Context } from 'hono'
import * as z from 'zod/v4-mini'
import { workspaceOf } from './fake.ts'
import type { ClientSession } from './rows.ts'
import type { Seam } from './state.ts'
import { checked, found, Refusal, type SeamEnv } from './wire.ts'

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

/** Of calls that change nothing. */
export const onlyLooks = /^\/health|\/(get|list|list_device_providers)$/

/** One path of the local Seam: who may call it, and what its body must be. */
export function route<Body>(
  path: string,
  allows: readonly By[],
  body: z.ZodMiniType<Body>,
  run: Run<Body>,
  methods = onlyLooks.test(path) ? ['POST', 'GET'] : ['POST', 'PUT', 'PATCH', 'DELETE'],
): Route {
  return { path, methods, allows, run: (seam, params, call) => run(seam, checked(body, params), call) }
}

export const nobody = ['nobody'] as const
export const apiKey = ['api_key'] as const
export const orToken = ['api_key', 'client_session'] as const

interface Collection<Item> {
  /** As Seam calls one of them; its id is the member `<one>_id`. */
  one: string
  allows: readonly By[]
  items: (seam: Seam) => Item[]
  show: (item: Item) => object
  /** Whether the caller sees it; absent: always. */
  isWithin?: (authority: Authority, item: Item) => boolean
}

/** Things of the workspace that can be got, listed and deleted. */
export function collection<Item extends object>(of: Collection<Item>) {
  const { one, allows, items, show, isWithin = () => true } = of
  const [path, id] = [`/${one.replace(/y$/, 'ie')}s`, `${one}_id`]
  /** @throws Refusal when there is none */
  const find = (seam: Seam, wanted: unknown): Item =>
    found(
      items(seam).find((item) => Reflect.get(item, id) === wanted),
      one,
    )
  const named = z.object({ [id]: z.string() })
  const routes = [
    route(`${path}/get`, allows, named, (seam, body, { authority }) => {
      const item = find(seam, body[id])
      return { [one]: show(found(isWithin(authority, item) ? item : undefined, one)) }
    }),
    route(`${path}/list`, allows, z.object({}), (seam, _body, { authority }) => ({
      [path.slice(1)]: items(seam).flatMap((item) => (isWithin(authority, item) ? show(item) : [])),
    })),
    route(`${path}/delete`, apiKey, named, (seam, body) => {
      items(seam).splice(items(seam).indexOf(find(seam, body[id])), 1)
    }),
  ]
  return { find, routes }
}

/** @throws Refusal unless the call may be made by whom it speaks for */
export function authorize(seam: Seam, c: Context<SeamEnv>, allows: readonly By[]): Authority {
  const authority: Authority = allows.includes('nobody') ? { by: 'nobody' } : authorityOf(seam, c)
  if (allows.includes(authority.by)) return authority
  throw new Refusal(401, 'unauthorized', `${c.req.path} cannot be called by a ${authority.by}`)
}

function authorityOf({ fake, sessions, clock }: Seam, c: Context<SeamEnv>): Authority {
  const publishableKey = c.req.header('seam-publishable-key')
  if (publishableKey !== undefined) {
    const { publishable_key, is_publishable_key_auth_enabled } = workspaceOf(fake)
    if (publishableKey === publishable_key && is_publishable_key_auth_enabled)
      return { by: 'publishable_key' }
    throw new Refusal(401, 'unauthorized', 'This publishable key is not accepted')
  }
  const token =
    c.req.header('seam-client-session-token') ??
    c.req.header('client-session-token') ??
    /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
  if (token === undefined) throw new Refusal(401, 'unauthorized', 'No credentials were sent')
  if (token === fake.api_key) return { by: 'api_key' }
  if (!token.startsWith('seam_cst')) throw new Refusal(401, 'unauthorized', 'API Key not found')
  const session = sessions.byToken.get(token)
  const end = session === undefined ? 'not_found' : endOf(clock, session)
  if (session !== undefined && end === undefined) return { by: 'client_session', session }
  throw new Refusal(401, `client_session_${end}`, `Unauthorized (client session ${end?.replace('_', ' ')})`)
}

/** Why its token opens nothing; undefined while it does. */
export function endOf(clock: () => number, session: ClientSession) {
  if (session.deleted_at !== undefined) return 'not_found'
  if (session.revoked_at !== undefined) return 'revoked'
  return Date.parse(session.expires_at) > clock() ? undefined : 'expired'
}
