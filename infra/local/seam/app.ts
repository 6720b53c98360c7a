import { type Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import { requestId } from 'hono/request-id'
import { clientSessionRoutes, distinct } from './client-sessions.ts'
import { connectWebviewRoutes } from './connect-webviews.ts'
import { accountOfDevice, admit, answerOf } from './fake.ts'
import { keepAnswerWithin, keepCallWithin, reachOf, resourceRoutes } from './resources.ts'
import { countsOf, type Seam } from './state.ts'
import { strike } from './strike.ts'
import { callerOf, onlyLooks, Refusal, type Route, readParams, refused, type SeamEnv } from './wire.ts'

const routes: Route[] = [clientSessionRoutes, resourceRoutes, connectWebviewRoutes].flat()

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
  const result = run(seam, c.get('params'), { c, session: callerOf(seam, c, allows) })
  await keepChange(seam, c)
  const answer = await result
  return answer instanceof Response ? answer : c.json({ ...answer, ok: true })
}

/** By a client session token only within its accounts; by the API key as the fake pleases. */
async function handOver(seam: Seam, c: Context<SeamEnv>): Promise<Response> {
  const { fake } = seam
  const session = callerOf(seam, c, 'token')
  const params = c.get('params')
  const reach = session && reachOf(seam, session)
  if (reach) {
    keepCallWithin(seam, reach, params)
    // The fake knows accounts only: with those of granted devices it shows too much, which is left out of its answer.
    const lent = reach.devices.flatMap((device) => accountOfDevice(fake, device) ?? [])
    admit(fake, { ...session, connected_account_ids: distinct(reach.accounts, lent) })
  }
  const answer = await answerOf(fake, c.env.incoming, params)
  if (answer.ok) await keepChange(seam, c)
  return reach && answer.ok && answer.body
    ? c.json(keepAnswerWithin(seam, reach, await answer.json()))
    : answer
}

/** What a call has changed is kept before anybody hears of it. */
async function keepChange(seam: Seam, { req }: Context<SeamEnv>): Promise<void> {
  if (req.method === 'GET' || onlyLooks.test(req.path)) return
  countsOf(seam, req.path).changes++
  await seam.save()
  seam.webhooks.dispatch()
}
