import type { Context, MiddlewareHandler, Next } from 'hono'
import { cors } from 'hono/cors'
import { routePath } from 'hono/route'
import { Hono } from 'hono/tiny'
import * as z from 'zod/v4-mini'
import type { VerifyCaller } from './caller.ts'
import type { Configuration } from './config.ts'
import { type Deadline, deadlineIn } from './deadline.ts'
import type { Audit, Log } from './log.ts'
import { Problem, problemBody, problemHeaders } from './problem.ts'
import type { Times } from './times.ts'
import type { SignOut, Vend } from './vending.ts'

/** The HTTP routes in reading order, and the one error handler. DESIGN §6 is the contract. */

type Env = { Variables: { audit: Audit; deadline: Deadline; startedAt: number } }

export interface AppEdges {
  verifyCaller: VerifyCaller
  vend: Vend
  signOut: SignOut
  log: Log
  clock: () => number
  /** The platform's own id for this request; never one that a caller sent. */
  requestId: (c: Context) => string
}

const longestBody = 1024 // Bytes.

const clientSessionBody = z.strictObject({
  stale_client_session_id: z.optional(z.string().check(z.minLength(1), z.maxLength(100))),
})

export function vendingApp(configuration: Configuration, times: Times, edges: AppEdges): Hono<Env> {
  const { verifyCaller, vend, signOut, clock } = edges
  const app = new Hono<Env>()

  app.use(frame(configuration, times, edges))
  app.use(exactPath)

  app.post('/client-session', async (c) => {
    const { audit, deadline } = c.var
    refuseQuery(c)
    const body = await readBody(c)
    const caller = await verifyCaller(c.req.header('authorization'), deadline)
    Object.assign(audit, {
      what: 'vend',
      issuer: caller.issuer.name,
      owner: caller.owner,
      bearer_sha256: caller.token_sha256,
    } satisfies Partial<Audit>)
    const staleClientSessionId = body.stale_client_session_id
    const vended = await vend({
      caller,
      ...(staleClientSessionId !== undefined && { staleClientSessionId }),
      deadline,
      audit,
    })
    audit.client_session_id = vended.body.client_session_id
    audit.token_sha256 = await sha256Prefix(vended.body.token)
    return c.json(vended.body, vended.isNew ? 201 : 200)
  })

  app.delete('/client-session', async (c) => {
    const { audit, deadline } = c.var
    refuseQuery(c)
    const caller = await verifyCaller(c.req.header('authorization'), deadline)
    Object.assign(audit, {
      what: 'sign_out',
      issuer: caller.issuer.name,
      owner: caller.owner,
      bearer_sha256: caller.token_sha256,
    } satisfies Partial<Audit>)
    await signOut({ caller, deadline, audit })
    return c.body(null, 204)
  })

  app.get('/healthz', (c) => c.json({ status: 'ok' }))

  app.all('/client-session', () => notAllowed('POST, DELETE'))
  app.all('/healthz', () => notAllowed('GET'))
  app.notFound((c) => problem(c, new Problem('not_found')))
  app.onError((error, c) => problem(c, toProblem(error)))
  return app

  function notAllowed(allow: string): never {
    throw new Problem('method_not_allowed', { allow, detail: `Use ${allow}.` })
  }

  function problem(c: Context<Env>, it: Problem): Response {
    const { audit } = c.var
    audit.code = it.code
    if (it.details.reason !== undefined) audit.reason = it.details.reason
    if (it.details.dependency !== undefined) audit.dependency = it.details.dependency
    const headers = { ...problemHeaders(it), 'content-type': 'application/problem+json' }
    return c.body(JSON.stringify(problemBody(it, audit.request_id)), it.status, headers)
  }

  /** An unforeseen error says its name to the log and nothing to the caller: its message may quote a secret. */
  function toProblem(error: unknown): Problem {
    if (error instanceof Problem) return error
    return new Problem('internal', { reason: error instanceof Error ? error.name : 'unknown' })
  }

  /** What every answer has: cross-origin headers, an id, no caching; and the one audit object, sent once. */
  function frame(configuration: Configuration, times: Times, edges: AppEdges): MiddlewareHandler<Env> {
    const allow = cors({
      origin: configuration.allowedOrigins,
      allowMethods: ['POST', 'GET', 'DELETE'],
      allowHeaders: ['authorization', 'content-type'],
      exposeHeaders: ['retry-after', 'x-request-id', 'www-authenticate'],
      maxAge: 3600,
    })
    return async (c, next) => {
      const startedAt = clock()
      const audit: Audit = { what: 'request', request_id: edges.requestId(c) }
      c.set('audit', audit)
      c.set('deadline', deadlineIn(times.vend, clock))
      const preflight = await allow(c, next)
      if (preflight instanceof Response) return preflight
      c.header('cache-control', 'no-store')
      c.header('vary', 'Origin')
      c.header('x-request-id', audit.request_id)
      Object.assign(audit, {
        method: c.req.method,
        // The route's, not the request's: a path may be anything, also somebody's token.
        path: routePath(c, -1),
        status: c.res.status,
        took: clock() - startedAt,
      })
      if (c.req.path !== '/healthz') edges.log(audit)
      return undefined
    }
  }
}

/** The small router takes a slash at the end for nothing; an address has one spelling. */
async function exactPath(c: Context, next: Next): Promise<void> {
  if (c.req.path.endsWith('/')) throw new Problem('not_found')
  await next()
}

/** A bearer token in a query would stand in every log on the way; and nothing else is asked for there. */
function refuseQuery(c: Context): void {
  if (new URL(c.req.url).search !== '')
    throw new Problem('invalid_request', {
      detail: 'Send no query; the bearer token belongs into `Authorization`.',
    })
}

async function readBody(c: Context): Promise<z.infer<typeof clientSessionBody>> {
  if (Number(c.req.header('content-length') ?? 0) > longestBody) throw new Problem('too_large')
  const text = await c.req.text()
  if (text === '') return {}
  if (new TextEncoder().encode(text).length > longestBody) throw new Problem('too_large')
  if (!/^application\/json\s*(;|$)/i.test(c.req.header('content-type') ?? ''))
    throw new Problem('unsupported_media_type')
  const parsed = clientSessionBody.safeParse(parseJson(text))
  if (!parsed.success)
    throw new Problem('invalid_request', {
      detail:
        'The body may be empty or {"stale_client_session_id": "…"}; nothing in it can name an identity, an account or a lifetime.',
    })
  return parsed.data
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function sha256Prefix(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Buffer.from(digest).toString('hex').slice(0, 12)
}
