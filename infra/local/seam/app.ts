import { type Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import { requestId } from 'hono/request-id'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import * as z from 'zod/v4-mini'
import { connectedAccountRoutes } from './accounts.ts'
import { clientSessionRoutes, distinct, isLive } from './client-sessions.ts'
import { connectWebviewRoutes } from './connect-webviews.ts'
import { accountOfDevice, admit, answerOf, updateWorkspace, workspaceOf } from './fake.ts'
import { reachOf, userIdentityRoutes } from './identities.ts'
import { apiKey, authorize, orToken, type Route, route } from './route.ts'
import type { ClientSession } from './rows.ts'
import { keepAnswerWithin, keepCallWithin } from './scope.ts'
import { countsOf, keep, type Seam } from './state.ts'
import { strike } from './strike.ts'
import { webviewPageRoutes } from './webview-page.ts'
import { found, Refusal, readParams, refused, type SeamEnv } from './wire.ts'

const workspaceChange = z.object({
  name: z.optional(z.string()),
  is_publishable_key_auth_enabled: z.optional(z.boolean()),
})

const workspaceRoutes = [
  route('/workspaces/get', orToken, z.object({}), ({ fake }, _body, { authority }) => {
    const { created_at, ...workspace } = { ...workspaceOf(fake), organization_id: null }
    const { publishable_key, ...forBrowsers } = workspace
    return { workspace: authority.by === 'api_key' ? workspace : forBrowsers }
  }),
  route('/workspaces/update', apiKey, workspaceChange, (seam, body) => {
    updateWorkspace(seam.fake, body)
    seam.changes++
  }),
]

const webhookNamed = z.object({ webhook_id: z.string() })
const newWebhook = z.object({
  url: z.url({ protocol: /^https?$/ }),
  event_types: z.optional(z.array(z.string()).check(z.minLength(1))),
})

const webhookRoutes = [
  route('/webhooks/create', apiKey, newWebhook, (seam, { url, event_types }) => {
    seam.changes++
    return { webhook: webhookOf(seam, seam.webhooks.add(url, event_types, true)) }
  }),
  route('/webhooks/get', apiKey, webhookNamed, (seam, body) => ({ webhook: webhookOf(seam, body) })),
  route('/webhooks/list', apiKey, z.object({}), ({ webhooks }) => ({ webhooks: webhooks.list() })),
  route('/webhooks/delete', apiKey, webhookNamed, (seam, body) => {
    seam.webhooks.remove(webhookOf(seam, body).webhook_id)
    seam.changes++
  }),
]

const webhookOf = ({ webhooks }: Seam, { webhook_id }: { webhook_id: string }) =>
  found(
    webhooks.list().find((one) => one.webhook_id === webhook_id),
    'webhook',
  )

const routes: Route[] = [
  clientSessionRoutes,
  workspaceRoutes,
  connectedAccountRoutes,
  userIdentityRoutes,
  connectWebviewRoutes,
  webviewPageRoutes,
  webhookRoutes,
].flat()

/** What Seam's fake may answer; the rest of it (its own database, other workspaces) stays out of reach. */
const handedOver =
  '/:part{devices|locks|access_codes|thermostats|noise_sensors|action_attempts|events|health}/*'

const onlyLooks = /\/(get|list|list_device_providers)$|^\/health/

/**
 * The local Seam's API. Faults strike between the reading of a call and its effect.
 * @param mayCall whether pages of this origin may call
 */
export function seamApp(seam: Seam, mayCall: (origin: string) => boolean): Hono<SeamEnv> {
  // Seam's elements call with credentials, and with headers of their own.
  const browsers = cors({
    origin: (origin) => (mayCall(origin) ? origin : null),
    credentials: true,
    exposeHeaders: ['retry-after', 'seam-request-id'],
  })
  const app = new Hono<SeamEnv>()
  app.onError(refused)
  app.notFound((c) => refused(new Refusal(404, 'not_found', `The local Seam does not know ${c.req.path}`), c))
  app.use(requestId({ headerName: 'seam-request-id' }))
  app.use(async (c, next) => {
    await next()
    c.res.headers.set('date', new Date(seam.clock()).toUTCString())
  })
  // Where no browser asks, Hono need not copy each answer to add headers to it.
  app.use((c, next) => (c.req.header('origin') || c.req.method === 'OPTIONS' ? browsers(c, next) : next()))
  app.use(readParams, (c, next) => {
    countsOf(seam, c.req.path).received++
    return strike(seam, c, next)
  })
  for (const one of routes) app.on(one.methods, one.path, (c) => perform(seam, c, one))
  for (const { path } of routes)
    app.all(path, (c) => {
      throw new Refusal(405, 'method_not_allowed', `${path} does not take ${c.req.method}`)
    })
  app.all(handedOver, (c) => handOver(seam, c))
  return app
}

async function perform(seam: Seam, c: Context<SeamEnv>, { allows, run }: Route): Promise<Response> {
  const authority = authorize(seam, c, allows)
  const before = seam.changes
  const result = run(seam, c.get('params'), { c, authority })
  if (seam.changes > before) await keep(seam, c.req.path)
  const answer = await result
  return answer instanceof Response ? answer : c.json({ ...answer, ok: true })
}

/** The fake knows accounts only: with those of granted devices it shows too much, which is left out of its answer. */
function withGranted(seam: Seam, row: ClientSession): ClientSession {
  const { accounts, devices } = reachOf(seam, row)
  const lent = devices.flatMap((device) => accountOfDevice(seam.fake, device) ?? [])
  return { ...row, connected_account_ids: distinct(accounts, lent) }
}

/** By a client session token only within its accounts; by the API key as the fake pleases. */
async function handOver(seam: Seam, c: Context<SeamEnv>): Promise<Response> {
  const { fake } = seam
  const authority = authorize(seam, c, orToken)
  const reach = authority.by === 'client_session' ? reachOf(seam, authority.session) : undefined
  const params = c.get('params')
  if (reach) keepCallWithin(fake, reach, params)
  const sessions = [...seam.sessions.byId.values()]
  if (seam.admitted !== seam.changes)
    admit(
      fake,
      sessions.filter((row) => isLive(seam, row)).map((row) => withGranted(seam, row)),
    )
  seam.admitted = seam.changes
  const { status, type, body } = await answerOf(fake, c.env.incoming, params)
  if (status < 300 && !onlyLooks.test(c.req.path)) await keep(seam, c.req.path)
  if (reach && status === 200 && body !== '') return c.json(keepAnswerWithin(fake, reach, JSON.parse(body)))
  return c.body(body, status as ContentfulStatusCode, type === undefined ? {} : { 'content-type': type })
}
