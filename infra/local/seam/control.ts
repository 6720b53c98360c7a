import type { RequestListener } from 'node:http'
import * as z from 'zod/v4-mini'
import { controlOf, faultOrders } from '../control.ts'
import { faultSchema } from './faults.ts'
import { readingsSchema } from './readings.ts'
import type { Seam } from './state.ts'
import { moodSchema } from './webhooks.ts'
import { checked } from './wire.ts'

/**
 * What other processes may do to the local Seam:
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
export function seamControl({ faults, readings, counts, webhooks }: Seam): RequestListener {
  return controlOf(
    {
      ...faultOrders(faults, faultSchema),
      'POST /faults/settle': () => faults.settle(),
      'PATCH /readings': (params) => Object.assign(readings, checked(z.partial(readingsSchema), params)),
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
}
