import type { RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { Refusal, readParams, refused, type SeamEnv } from './seam/wire.ts'

/** A control address for other processes: each route does something and answers with the state after it, and so does `GET /`. */
export function controlOf(
  orders: Record<string, (params: unknown) => unknown>,
  state: () => Record<string, unknown>,
): RequestListener {
  const app = new Hono<SeamEnv>()
  app.onError(refused)
  app.notFound((c) => refused(new Refusal(404, 'not_found', `There is no ${c.req.method} ${c.req.path}`), c))
  app.use(readParams)
  const routes: typeof orders = { 'GET /': () => {}, ...orders }
  for (const [route, run] of Object.entries(routes)) {
    const [method = '', path = ''] = route.split(' ')
    app.on(method, path, async (c) => {
      await run(c.get('params'))
      return c.json(state())
    })
  }
  return getRequestListener(app.fetch)
}
