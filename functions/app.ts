import type { Context } from 'hono'
import { cors } from 'hono/cors'
import { Hono } from 'hono/tiny'
import type { Caller, VerifyCaller } from './caller/caller.ts'
import type { Configuration } from './config.ts'
import type { EventDeps } from './connecting/seam-events.ts'
import { handleEvent } from './connecting/seam-events.ts'
import type { VerifyWebhook } from './connecting/signature.ts'
import { type ConnectDeps, makeWebview, readStatus, webviewOptionsFor } from './connecting/webviews.ts'
import { crossOrigin } from './http/addresses.ts'
import type { Audit } from './http/audit.ts'
import type { ConnectWebviewAnswer, HealthAnswer, StatusAnswer } from './http/contract.ts'
import {
  type Env,
  type FrameDeps,
  frame,
  jsonIn,
  notAllowed,
  readBody,
  readBytes,
  refuseQuery,
} from './http/frame.ts'
import { configurationHash } from './http/health.ts'
import { Problem } from './http/problem.ts'
import { type IdentityEventDeps, receiveEvents } from './identity-events/receive.ts'
import { deliveryIn, refusalBody } from './identity-events/token.ts'
import type { Times } from './times.ts'
import { type SignOutDeps, signOut, signOutEverywhere } from './vending/sign-out.ts'
import { type VendDeps, vend } from './vending/vend.ts'

/** The HTTP routes in reading order. DESIGN §6 is the contract. */

interface CallerDeps extends FrameDeps {
  verifyCaller: VerifyCaller
}

/** What stands around the callers' routes: whose pages may read the answers, and who is asking. */
function callersApp(configuration: Configuration, times: Times, deps: CallerDeps) {
  const app = new Hono<Env>()
  const allow = cors({
    origin: configuration.allowedOrigins,
    allowMethods: ['POST', 'GET', 'DELETE'],
    ...crossOrigin,
    maxAge: 3600,
  })
  frame(app, deps, times, allow)

  async function identify(c: Context<Env>, what: Audit['what']): Promise<Caller> {
    const caller = await deps.verifyCaller(c.req.header('authorization'), c.var.deadline)
    Object.assign(c.var.audit, {
      what,
      issuer: caller.issuer.name,
      owner: caller.owner,
      bearer_sha256: caller.token_sha256,
      ...(caller.stale_keys && { stale_keys: true }),
    } satisfies Partial<Audit>)
    return caller
  }
  return { app, identify }
}

export type VendAppDeps = CallerDeps & VendDeps & SignOutDeps

/** Loaded for who sends one: a first vend comes without, and need not wait for zod. */
const clientSessionBody = async () => (await import('./http/contract.ts')).clientSessionBody
const clientSessionLimits = {
  most: 1024, // Bytes.
  detail:
    'The body may be empty or {"stale_client_session_id": "…"}; nothing in it can name an identity, an account or a lifetime.',
}

/** A caller's client session, and what the service says of itself. */
export function vendingApp(
  configuration: Configuration,
  times: Times,
  deps: VendAppDeps,
  version = 'unknown',
): Hono<Env> {
  const { app, identify } = callersApp(configuration, times, deps)

  app.post('/client-session', async (c) => {
    const { audit, deadline } = c.var
    refuseQuery(c)
    const body = await readBody(c, clientSessionBody, clientSessionLimits)
    const caller = await identify(c, 'vend')
    const staleClientSessionId = body?.stale_client_session_id
    const vended = await vend(deps, {
      caller,
      ...(staleClientSessionId !== undefined && { staleClientSessionId }),
      deadline,
      audit,
    })
    return c.json(vended.body, vended.isNew ? 201 : 200)
  })

  app.delete('/client-session', async (c) => {
    const { audit, deadline } = c.var
    refuseQuery(c)
    const caller = await identify(c, 'sign_out')
    await signOut(deps, { caller, deadline, audit })
    return c.body(null, 204)
  })

  app.delete('/client-sessions', async (c) => {
    const { audit, deadline } = c.var
    refuseQuery(c)
    const caller = await identify(c, 'sign_out')
    await signOutEverywhere(deps, { caller, deadline, audit })
    return c.body(null, 204)
  })

  app.get('/healthz', (c) =>
    c.json({ status: 'ok', version, configuration: configurationHash(configuration) } satisfies HealthAnswer),
  )

  // Loaded when it is asked for: nobody's first client session waits for it.
  app.get('/openapi.json', async (c) => c.json((await import('./http/openapi.ts')).openApiDocument()))

  app.all('/client-session', notAllowed('POST, DELETE'))
  app.all('/client-sessions', notAllowed('DELETE'))
  app.all('/healthz', notAllowed('GET'))
  app.all('/openapi.json', notAllowed('GET'))
  return app
}

export type ConnectAppDeps = CallerDeps & ConnectDeps

const oneConnectWebview = '/connect-webview/:connect_webview_id{[\\w-]{1,64}}'
const connectWebviewLimits = {
  most: 8192,
  detail:
    'The body may be empty or hold what /openapi.json describes; its redirects lead to an allowed origin or app, and nothing in it can name an identity or a customer.',
}

/** A caller connects an account. It has a Lambda of its own: what comes of a login is written to an audit log. */
export function connectApp(configuration: Configuration, times: Times, deps: ConnectAppDeps): Hono<Env> {
  const connectWebviewBody = webviewOptionsFor(configuration.allowedOrigins, configuration.allowedRedirects)
  const usual = connectWebviewBody.parse({})
  const { app, identify } = callersApp(configuration, times, deps)

  app.post('/connect-webview', async (c) => {
    const { audit, deadline } = c.var
    refuseQuery(c)
    const options = (await readBody(c, async () => connectWebviewBody, connectWebviewLimits)) ?? usual
    const caller = await identify(c, 'connect_webview')
    const made: ConnectWebviewAnswer = await makeWebview(deps, { caller, options, deadline, audit })
    return c.json(made, 201)
  })

  app.get(oneConnectWebview, async (c) => {
    const { audit, deadline } = c.var
    refuseQuery(c)
    const caller = await identify(c, 'connect_webview')
    const connectWebviewId = c.req.param('connect_webview_id')
    const answer = await readStatus(deps, { caller, connectWebviewId, deadline, audit })
    return c.json(answer satisfies StatusAnswer)
  })

  app.all('/connect-webview', notAllowed('POST'))
  app.all(oneConnectWebview, notAllowed('GET'))
  return app
}

export type WebhookAppDeps = FrameDeps & EventDeps & { verifyWebhook: VerifyWebhook }

const longestWebhook = 65_536 // Bytes.

/** Seam's route, in a Lambda of its own as well. */
export function webhookApp(times: Times, deps: WebhookAppDeps): Hono<Env> {
  const { verifyWebhook } = deps
  const app = new Hono<Env>()
  frame(app, deps, times)

  app.post('/webhooks/seam', async (c) => {
    const { audit, deadline } = c.var
    audit.what = 'webhook'
    // The bytes as they came: written anew, the same JSON would have another signature.
    const body = await readBytes(c, longestWebhook)
    await verifyWebhook({ header: (name) => c.req.header(name), body }, deadline, audit)
    await handleEvent(deps, jsonIn(body), { deadline, audit })
    return c.body(null, 204)
  })

  app.all('/webhooks/seam', notAllowed('POST'))
  return app
}

export type IdentityEventsAppDeps = FrameDeps & IdentityEventDeps

const longestEvent = 16_384 // Bytes.

/** The identity providers’ route, in a Lambda of its own as well. Their specifications say how it answers. */
export function identityEventsApp(times: Times, deps: IdentityEventsAppDeps): Hono<Env> {
  const app = new Hono<Env>()
  frame(app, deps, times)

  app.post('/identity-events', async (c) => {
    const { audit, deadline } = c.var
    audit.what = 'identity_event'
    const delivery = deliveryIn(new TextDecoder().decode(await readBytes(c, longestEvent)))
    try {
      await receiveEvents(deps, { ...delivery, deadline, audit })
      return c.body(null, delivery.kind === 'backchannel-logout' ? 200 : 202)
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'invalid_request') throw error
      Object.assign(audit, { code: error.code, reason: error.details.reason })
      return c.json(refusalBody(delivery.kind, error.details.reason), 400)
    }
  })

  app.all('/identity-events', notAllowed('POST'))
  return app
}
