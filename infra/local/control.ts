import { createServer, type Server } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { Refusal, readParams, refused, type SeamEnv } from './seam/wire.ts'

/**
 * A control address for other processes and the demo page: each route does something and answers with the state
 * after it, and so does `GET /`. Only this machine and its pages may call it.
 */
export function controlServer(
  orders: Record<string, (params: unknown) => unknown>,
  state: () => Record<string, unknown>,
): Server {
  const app = new Hono<SeamEnv>()
  app.onError(refused)
  app.notFound((c) => refused(new Refusal(404, 'not_found', `There is no ${c.req.method} ${c.req.path}`), c))
  app.use(async (c, next) => {
    const origin = c.req.header('origin')
    if ((origin !== undefined && !isLoopback(origin)) || !isLoopback(`http://${c.req.header('host')}`))
      throw new Refusal(403, 'forbidden', 'Only this machine may do this')
    return next()
  })
  app.use(
    cors({
      origin: (origin) => origin,
      allowMethods: ['GET', 'PUT', 'POST', 'DELETE', 'PATCH'],
      allowHeaders: ['content-type'],
    }),
    readParams,
  )
  const routes: typeof orders = { 'GET /': () => {}, ...orders }
  for (const [route, run] of Object.entries(routes)) {
    const [method = '', path = ''] = route.split(' ')
    app.on(method, path, async (c) => {
      await run(c.get('params'))
      return c.json(state())
    })
  }
  return createServer(getRequestListener(app.fetch))
}

const isLoopback = (origin: string): boolean =>
  /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(origin)
