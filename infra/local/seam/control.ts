import * as z from 'zod/v4-mini'
import { controlServer } from '../control.ts'
import { type Faults, faultSchema, planSchema } from './faults.ts'
import type { Readings } from './readings.ts'
import { moodSchema, type Webhooks } from './webhooks.ts'
import { checked } from './wire.ts'

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
 * What other processes and the demo page may do to the local Seam:
 *
 *     GET /                { faults, delivered, late, counts, readings, webhooks }
 *     PUT /faults          { seed?, faults }: what is planned from now on
 *     POST /faults         one more fault
 *     DELETE /faults       none any more
 *     POST /faults/settle  lets what is late arrive now
 *     PATCH /readings      some readings
 *     PATCH /webhooks      some of how webhooks are delivered: hold, copies, order
 *     POST /webhooks/flush sends what is held or waits to be tried again
 */
export const seamControl = ({ faults, readings, counts, webhooks }: Parts) =>
  controlServer(
    {
      'PUT /faults': (params) => faults.plan(checked(planSchema, params)),
      'POST /faults': (params) => faults.add(checked(faultSchema, params)),
      'DELETE /faults': () => faults.clear(),
      'POST /faults/settle': () => faults.settle(),
      'PATCH /readings': (params) => Object.assign(readings, checked(readingsChange, params)),
      'PATCH /webhooks': (params) => Object.assign(webhooks.mood, checked(z.partial(moodSchema), params)),
      'POST /webhooks/flush': () => webhooks.flush(),
    },
    () => ({
      faults: faults.planned(),
      delivered: faults.delivered,
      late: faults.late.size,
      counts,
      readings,
      webhooks: { ...webhooks.mood, waiting: webhooks.waiting().length, attempts: webhooks.attempts },
    }),
  )
