import { type Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import { requestId } from 'hono/request-id'
import * as z from 'zod/v4-mini'
import { connectedAccountRoutes } from './accounts.ts'
import { clientSessionRoutes, distinct } from './client-sessions.ts'
import { connectWebviewRoutes } from './connect-webviews.ts'
import { accountOfDevice, admit, answerOf, updateWorkspace, workspaceOf } from './fake.ts'
import { reachOf, userIdentityRoutes } from './identities.ts'
import { apiKey, authorize, collection, onlyLooks, orToken, type Route, route } from './route.ts'
import type { ClientSession } from './rows.ts'
import { keepAnswerWithin, keepCallWithin } from './scope.ts'
import { countsOf, type Seam } from './state.ts'
import { strike } from './strike.ts'
import { type Endpoint, shownWebhook } from './webhooks.ts'
import { webviewPageRoutes } from './webview-page.ts'
import { Refusal, readParams, refused, type SeamEnv } from './wire.ts'

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
  route('/workspaces/update', apiKey, workspaceChange, ({ fake }, body) => {
    updateWorkspace(fake, body)
  }),
]

const newWebhook = z.object({
  url: z.url({ protocol: /^https?$/ }),
  event_types: z.optional(z.array(z.string()).check(z.minLength(1))),
})

const webhookRoutes = [
  ...collection<Endpoint>({
    one: 'webhook',
    allows: apiKey,
    items: ({ webhooks }) => webhooks.endpoints,
    show: shownWebhook,
  }).routes,
  route('/webhooks/create', apiKey, newWebhook, ({ webhooks }, { url, event_types }) => {
    const { secret, ...endpoint } = webhooks.add(url, event_types, true)
    return { webhook: shownWebhook(endpoint) }
  }),
]

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
  app.notFound((c) => {
    const message = `The local Seam does not know ${c.req.method} ${c.req.path}`
    return refused(new Refusal(404, 'not_found', message), c)
  })
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
  app.all(handedOver, (c) => handOver(seam, c))
  return app
}

async function perform(seam: Seam, c: Context<SeamEnv>, { allows, run }: Route): Promise<Response> {
  const result = run(seam, c.get('params'), { c, authority: authorize(seam, c, allows) })
  await keepChange(seam, c)
  const answer = await result
  return answer instanceof Response ? answer : c.json({ ...answer, ok: true })
}

/** By a client session token only within its accounts; by the API key as the fake pleases. */
async function handOver(seam: Seam, c: Context<SeamEnv>): Promise<Response> {
  const { fake } = seam
  const authority = authorize(seam, c, orToken)
  const params = c.get('params')
  const reach = authority.by === 'client_session' ? reachOf(seam, authority.session) : undefined
  if (reach) keepCallWithin(fake, reach, params)
  if (authority.by === 'client_session') admit(fake, withGranted(seam, authority.session))
  const answer = await answerOf(fake, c.env.incoming, params)
  if (answer.ok) await keepChange(seam, c)
  return reach && answer.ok && answer.body
    ? c.json(keepAnswerWithin(fake, reach, await answer.json()))
    : answer
}

/** The fake knows accounts only: with those of granted devices it shows too much, which is left out of its answer. */
function withGranted(seam: Seam, row: ClientSession): ClientSession {
  const { accounts, devices } = reachOf(seam, row)
  const lent = devices.flatMap((device) => accountOfDevice(seam.fake, device) ?? [])
  return { ...row, connected_account_ids: distinct(accounts, lent) }
}

/** What a call has changed is kept before anybody hears of it. */
async function keepChange(seam: Seam, { req }: Context<SeamEnv>): Promise<void> {
  if (req.method === 'GET' || onlyLooks.test(req.path)) return
  countsOf(seam, req.path).changes++
  await seam.save()
  seam.webhooks.dispatch()
}
