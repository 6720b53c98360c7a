import type { HttpBindings } from '@hono/node-server'
import type { Context, Next } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type * as z from 'zod/v4-mini'

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
