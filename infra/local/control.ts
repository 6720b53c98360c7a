import { Hono } from 'hono'
import * as z from 'zod/v4-mini'
import type { FaultPlan } from './faults.ts'
import { listen } from './loopback.ts'
import { checked, Refusal, readParams, refused, type SeamEnv } from './seam/wire.ts'

type Orders = Record<string, (params: unknown) => unknown>

/**
 * A control address for other processes: each route does something and answers with the state after it, as `GET /`
 * does. `PUT /faults` { seed?, faults } replaces the plan, `POST /faults` adds one fault, `DELETE /faults` drops them all.
 * @param more routes beside these
 */
export async function startControl<Fault extends { kind: string }, Call>(
  what: string,
  faults: FaultPlan<Fault, Call>,
  fault: z.ZodMiniType<Fault>,
  state: () => Record<string, unknown>,
  more: Orders = {},
) {
  const plan = z.object({ seed: z.optional(z.int()), faults: z.array(fault) })
  const routes: Orders = {
    'GET /': () => {},
    'PUT /faults': (params) => faults.plan(checked(plan, params)),
    'POST /faults': (params) => faults.add(checked(fault, params)),
    'DELETE /faults': () => faults.clear(),
    ...more,
  }
  const app = new Hono<SeamEnv>()
  app.onError(refused)
  app.notFound((c) => refused(new Refusal(404, 'not_found', `There is no ${c.req.method} ${c.req.path}`), c))
  app.use(readParams)
  for (const [route, run] of Object.entries(routes)) {
    const [method = '', path = ''] = route.split(' ')
    app.on(method, path, async (c) => {
      await run(c.get('params'))
      return c.json(state())
    })
  }
  const server = await listen(0, `the control of ${what}`)
  server.serveFetch(app.fetch)
  return server
}
