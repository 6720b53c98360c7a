import { createServer, type Server } from 'node:http'
import { type Answer, json, Refusal, readCall, refused, send } from './seam/wire.ts'

/**
 * A control address for other processes and the demo page: each route does something and answers what stands then,
 * and so does `GET /`. Only this machine and its pages may call it.
 */
export function controlServer(
  orders: Record<string, (params: unknown) => unknown>,
  state: () => Record<string, unknown>,
): Server {
  const routes: typeof orders = { 'GET /': () => {}, ...orders }

  return createServer(async (request, response) => {
    const { origin, host } = request.headers
    const headers: Record<string, string> = isLoopback(origin)
      ? {
          'access-control-allow-origin': origin,
          'access-control-allow-methods': 'GET, PUT, POST, DELETE, PATCH',
          'access-control-allow-headers': 'content-type',
          vary: 'Origin',
        }
      : {}
    const reply = (answer: Answer) =>
      send(response, { ...answer, headers: { ...answer.headers, ...headers } }, Date.now())
    try {
      if ((origin !== undefined && !isLoopback(origin)) || !isLoopback(`http://${host}`))
        throw new Refusal(403, 'forbidden', 'Only this machine may do this')
      if (request.method === 'OPTIONS') return reply({ status: 204, headers: {}, body: '' })
      const { method, path, params } = await readCall(request)
      const run = routes[`${method} ${path}`]
      if (run === undefined) throw new Refusal(404, 'not_found', `There is no ${method} ${path}`)
      await run(params)
      reply(json(200, state()))
    } catch (error) {
      reply(refused(error instanceof Refusal ? error : new Refusal(500, 'internal_error', 'It failed'), ''))
    }
  })
}

const isLoopback = (origin: string | undefined): origin is string =>
  origin !== undefined && /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(origin)
