import { createServer } from 'node:http'
import * as z from 'zod/v4-mini'
import { type Faults, faultSchema, planSchema } from './faults.ts'
import type { Readings } from './readings.ts'
import { moodSchema, type Webhooks } from './webhooks.ts'
import { type Answer, checked, json, Refusal, readCall, refused, send } from './wire.ts'

const readingsChange = z.partial(
  z.object({
    get_or_create: z.enum(['replaces', 'merges']),
    dead_sessions: z.enum(['stay_dead', 'are_revived']),
    unknown_account: z.literal([400, 404]),
    list: z.enum(['live', 'with_dead']),
    completed_webview: z.enum(['joins_session', 'stays_out']),
  } satisfies Record<keyof Readings, unknown>),
)

type Parts = { faults: Faults; readings: Readings; counts: Record<string, unknown>; webhooks: Webhooks }

/**
 * A control address for other processes and the demo page:
 *
 *     GET /                { faults, delivered, late, counts, readings, webhooks }
 *     PUT /faults          { seed?, faults }: what is planned from now on
 *     POST /faults         one more fault
 *     DELETE /faults       none any more
 *     POST /faults/settle  lets what is late arrive now
 *     PATCH /readings      some readings
 *     PATCH /webhooks      some of how webhooks are delivered: hold, copies, order
 *     POST /webhooks/flush sends what is held or waits to be tried again
 *
 * Answers all of them as it answers the first. Only pages of this machine may call it.
 */
export const controlServer = ({ faults, readings, counts, webhooks }: Parts) => {
  const routes: Record<string, (params: unknown) => unknown> = {
    'GET /': () => {},
    'PUT /faults': (params) => faults.plan(checked(planSchema, params)),
    'POST /faults': (params) => faults.add(checked(faultSchema, params)),
    'DELETE /faults': () => faults.clear(),
    'POST /faults/settle': () => faults.settle(),
    'PATCH /readings': (params) => Object.assign(readings, checked(readingsChange, params)),
    'PATCH /webhooks': (params) => Object.assign(webhooks.mood, checked(z.partial(moodSchema), params)),
    'POST /webhooks/flush': () => webhooks.flush(),
  }

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
      const { delivered, late } = faults
      const deliveries = { ...webhooks.mood, waiting: webhooks.waiting().length, attempts: webhooks.attempts }
      const planned = faults.planned()
      reply(
        json(200, { faults: planned, delivered, late: late.size, counts, readings, webhooks: deliveries }),
      )
    } catch (error) {
      reply(refused(error instanceof Refusal ? error : new Refusal(500, 'internal_error', 'It failed'), ''))
    }
  })
}

const isLoopback = (origin: string | undefined): origin is string =>
  origin !== undefined && /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(origin)
