import type { Context } from 'hono'
import { cors } from 'hono/cors'
import { Hono } from 'hono/tiny'
import type { VerifyCaller } from './caller/caller.ts'
import type { Configuration } from './config.ts'
import { type EventDeps, handleEvent } from './connecting/seam-events.ts'
import { verifyWebhook, type WebhookSecretDeps } from './connecting/signature.ts'
import { webviewOptionsFor } from './connecting/webview-options.ts'
import { type ConnectDeps, makeWebview, readStatus } from './connecting/webviews.ts'
import { crossOrigin } from './http/addresses.ts'
import type { Audit } from './http/audit.ts'
import type { HealthAnswer } from './http/contract.ts'
import {
  type Env,
  type FrameDeps,
  frame,
  jsonIn,
  readBody,
  readBytes,
  refuseOtherMethods,
  refuseQuery,
} from './http/frame.ts'
import { configurationHash } from './http/health.ts'
import { noteProblem, Problem } from './http/problem.ts'
import { type IdentityEventDeps, receiveEvents } from './identity-events/receive.ts'
import { deliveryIn, refusalBody } from './identity-events/token.ts'
import type { CallerRequest } from './vending/admit.ts'
import { type SignOutDeps, signOut, signOutEverywhere } from './vending/sign-out.ts'
import { type VendDeps, vend } from './vending/vend.ts'

/** The HTTP routes in reading order. DESIGN §6 is the contract. */

interface CallerDeps extends FrameDeps {
  configuration: Configuration
  verifyCaller: VerifyCaller
}

/** What stands around the callers' routes: whose pages may read the answers, and who is asking. */
function callersApp(deps: CallerDeps) {
  const app = new Hono<Env>()
  const allow = cors({
    origin: deps.configuration.allowedOrigins,
    allowMethods: ['POST', 'GET', 'DELETE'],
    ...crossOrigin,
    maxAge: 3600,
  })
  frame(app, deps, allow)

  async function identify(c: Context<Env>, what: Audit['what']): Promise<CallerRequest> {
    refuseQuery(c)
    const { audit, deadline } = c.var
    const caller = await deps.verifyCaller(c.req.header('authorization'), deadline)
    const { issuer, owner, token_sha256: bearer_sha256 } = caller
    Object.assign(audit, { what, issuer: issuer.name, owner, bearer_sha256 } satisfies Partial<Audit>)
    if (caller.stale_keys) audit.stale_keys = true
    return { caller, deadline, audit }
  }
  return { app, identify }
}

export type VendAppDeps = CallerDeps & VendDeps & SignOutDeps & { version?: string }

/** Loaded for who sends one: a first vend comes without, and need not wait for zod. */
const clientSessionBody = async () => (await import('./http/contract.ts')).clientSessionBody
const clientSessionLimits = {
  most: 1024, // Bytes.
  detail:
    'The body may be empty or {"stale_client_session_id": "…"}; nothing in it can name an identity, an account or a lifetime.',
}

/** A caller's client session, and what the service says of itself. */
export function vendingApp(deps: VendAppDeps): Hono<Env> {
  const { app, identify } = callersApp(deps)

  app.post('/client-session', async (c) => {
    const body = await readBody(c, clientSessionBody, clientSessionLimits)
    const staleClientSessionId = body?.stale_client_session_id
    const vended = await vend(deps, { ...(await identify(c, 'vend')), staleClientSessionId })
    return c.json(vended.body, vended.isNew ? 201 : 200)
  })

  app.delete('/client-session', async (c) => {
    await signOut(deps, await identify(c, 'sign_out'))
    return c.body(null, 204)
  })

  app.delete('/client-sessions', async (c) => {
    await signOutEverywhere(deps, await identify(c, 'sign_out'))
    return c.body(null, 204)
  })

  app.get('/healthz', (c) =>
    c.json({
      status: 'ok',
      version: deps.version ?? 'unknown',
      configuration: configurationHash(deps.configuration),
    } satisfies HealthAnswer),
  )

  // Loaded when it is asked for: nobody's first client session waits for it.
  app.get('/openapi.json', async (c) => c.json((await import('./http/openapi.ts')).openApiDocument()))

  return refuseOtherMethods(app)
}

export type ConnectAppDeps = CallerDeps & ConnectDeps

const connectWebviewLimits = {
  most: 8192,
  detail:
    'The body may be empty or hold what /openapi.json describes; its redirects lead to an allowed origin or app, and nothing in it can name an identity or a customer.',
}

/** A caller connects an account. It has a Lambda of its own: what comes of a login is written to an audit log. */
export function connectApp(deps: ConnectAppDeps): Hono<Env> {
  const { allowedOrigins, allowedRedirects } = deps.configuration
  const connectWebviewBody = webviewOptionsFor(allowedOrigins, allowedRedirects)
  const usual = connectWebviewBody.parse({})
  const { app, identify } = callersApp(deps)

  app.post('/connect-webview', async (c) => {
    const options = (await readBody(c, async () => connectWebviewBody, connectWebviewLimits)) ?? usual
    return c.json(await makeWebview(deps, { ...(await identify(c, 'connect_webview')), options }), 201)
  })

  app.get('/connect-webview/:connect_webview_id{[\\w-]{1,64}}', async (c) => {
    const request = await identify(c, 'connect_webview')
    return c.json(await readStatus(deps, { ...request, connectWebviewId: c.req.param('connect_webview_id') }))
  })

  return refuseOtherMethods(app)
}

export type WebhookAppDeps = FrameDeps & EventDeps & WebhookSecretDeps

const longestWebhook = 65_536 // Bytes.

/** Seam's route, in a Lambda of its own as well. */
export function webhookApp(deps: WebhookAppDeps): Hono<Env> {
  const app = new Hono<Env>()
  frame(app, deps)

  app.post('/webhooks/seam', async (c) => {
    const { audit, deadline } = c.var
    audit.what = 'webhook'
    // The bytes as they came: written anew, the same JSON would have another signature.
    const body = await readBytes(c, longestWebhook)
    await verifyWebhook(deps, { header: (name) => c.req.header(name), body }, deadline, audit)
    await handleEvent(deps, jsonIn(body), { deadline, audit })
    return c.body(null, 204)
  })

  return refuseOtherMethods(app)
}

export type IdentityEventsAppDeps = FrameDeps & IdentityEventDeps

const longestEvent = 16_384 // Bytes.

/** The identity providers’ route, in a Lambda of its own as well. Their specifications say how it answers. */
export function identityEventsApp(deps: IdentityEventsAppDeps): Hono<Env> {
  const app = new Hono<Env>()
  frame(app, deps)

  app.post('/identity-events', async (c) => {
    const { audit, deadline } = c.var
    audit.what = 'identity_event'
    const delivery = deliveryIn(new TextDecoder().decode(await readBytes(c, longestEvent)))
    try {
      await receiveEvents(deps, { ...delivery, deadline, audit })
      return c.body(null, delivery.kind === 'backchannel-logout' ? 200 : 202)
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'invalid_request') throw error
      noteProblem(audit, error)
      return c.json(refusalBody(delivery.kind, error.details.reason), 400)
    }
  })

  return refuseOtherMethods(app)
}
