import type { Context, MiddlewareHandler, Next } from 'hono'
import { routePath } from 'hono/route'
import type { Hono } from 'hono/tiny'
import type * as z from 'zod/v4-mini'
import { parseJson, structureFault } from '../caller/jws.ts'
import type { Times } from '../times.ts'
import type { Audit, Log } from './audit.ts'
import type { ProblemAnswer } from './contract.ts'
import { type Deadline, deadlineIn } from './deadline.ts'
import { noteProblem, Problem, problemBody, problemHeaders, problemOf } from './problem.ts'
import { during } from './steps.ts'

/** What goes around every route: an id, a deadline, one audit object, one error handler, and how a body is read. */

export type Env = { Variables: { audit: Audit; deadline: Deadline } }

export interface FrameDeps {
  log: Log
  clock: () => number
  terms: { times: Times }
  /** The platform's own id for this request; never one that a caller sent. */
  requestId: (c: Context) => string
}

/** To be called before the routes. `allow` answers preflights, and lets the pages of some origins read the answers. */
export function frame(app: Hono<Env>, deps: FrameDeps, allow?: MiddlewareHandler): void {
  const { log, clock, requestId, terms } = deps

  app.use(async (c, next) => {
    const startedAt = clock()
    const audit: Audit = { what: 'request', request_id: requestId(c) }
    c.set('audit', audit)
    c.set('deadline', deadlineIn(terms.times.vend, clock))
    const preflight = await during(audit, () => (allow === undefined ? next() : allow(c, next)))
    if (preflight instanceof Response) return preflight
    c.header('cache-control', 'no-store')
    if (allow !== undefined) c.header('vary', 'Origin')
    c.header('x-request-id', audit.request_id)
    Object.assign(audit, {
      method: c.req.method,
      // The route's, as it is written in OpenAPI, not the request's: a path may be anything, also somebody's token.
      path: routePath(c, -1).replace(/:(\w+).*/, '{$1}'),
      status: c.res.status,
      took: clock() - startedAt,
    })
    if (c.req.path !== '/healthz') log(audit)
    return undefined
  })
  app.use(exactPath)
  app.notFound((c) => answer(c, new Problem('not_found')))
  app.onError((error, c) => answer(c, problemOf(error)))
}

/** To be called after the routes: an address answers a method that it does not know with those that it knows. */
export function refuseOtherMethods(app: Hono<Env>): Hono<Env> {
  const routes = app.routes.filter(({ method }) => method !== 'ALL')
  for (const [path, some] of Map.groupBy(routes, (route) => route.path)) {
    const allow = some.map(({ method }) => method).join(', ')
    app.all(path, () => {
      throw new Problem('method_not_allowed', { allow, detail: `Use ${allow}.` })
    })
  }
  return app
}

function answer(c: Context<Env>, problem: Problem): Response {
  const { audit } = c.var
  noteProblem(audit, problem)
  const headers = { ...problemHeaders(problem), 'content-type': 'application/problem+json' }
  const body: ProblemAnswer = problemBody(problem, audit.request_id)
  return c.body(JSON.stringify(body), problem.status, headers)
}

/** The small router takes a slash at the end for nothing; an address has one spelling. */
async function exactPath(c: Context, next: Next): Promise<void> {
  if (c.req.path.endsWith('/')) throw new Problem('not_found')
  await next()
}

/** A bearer token in a query would stand in every log on the way; and nothing else is asked for there. */
export function refuseQuery(c: Context): void {
  if (new URL(c.req.url).search !== '')
    throw new Problem('invalid_request', {
      detail: 'Send no query; the bearer token belongs into `Authorization`.',
    })
}

/** At most `most` bytes. */
export async function readBytes(c: Context, most: number): Promise<Uint8Array> {
  if (Number(c.req.header('content-length') ?? 0) > most) throw new Problem('too_large')
  const bytes = new Uint8Array(await c.req.arrayBuffer())
  if (bytes.length > most) throw new Problem('too_large')
  return bytes
}

/** A JSON body of this form, or undefined where there is none. `detail` tells a developer what may be in it. */
export async function readBody<Schema extends z.ZodMiniType>(
  c: Context,
  schema: () => Promise<Schema>,
  { most, detail }: { most: number; detail: string },
): Promise<z.infer<Schema> | undefined> {
  const bytes = await readBytes(c, most)
  if (bytes.length === 0) return undefined
  if (!/^application\/json\s*(;|$)/i.test(c.req.header('content-type') ?? ''))
    throw new Problem('unsupported_media_type')
  const parsed = (await schema()).safeParse(jsonIn(bytes))
  // Of two equal members the last one would win here, and the first one elsewhere.
  if (!parsed.success || structureFault(new TextDecoder().decode(bytes)) !== undefined)
    throw new Problem('invalid_request', { detail })
  return parsed.data
}

/** Undefined where it is no JSON. */
export function jsonIn(bytes: Uint8Array): unknown {
  return parseJson(new TextDecoder().decode(bytes))
}
