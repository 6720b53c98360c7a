import type { Context } from 'aws-lambda'
import * as z from 'zod/v4-mini'
import type { Audit } from '../http/audit.ts'
import { type Deadline, deadlineIn } from '../http/deadline.ts'
import { during } from '../http/steps.ts'
import { cleanupTime, times } from '../times.ts'
import { wireCleanup } from '../wiring.ts'
import { lambdaClients } from './clients.ts'
import { isWarmer } from './event.ts'

/**
 * The schedule sends `{}`. Anything else fails the invocation, where the alarms see it: a misspelt `dry_run` must not
 * be a real run, nor a schedule that sends nonsense a silent one.
 */
const order = z.strictObject({
  dry_run: z.optional(z.boolean()),
  all_users: z.optional(z.boolean()),
  override_fuse: z.optional(z.boolean()),
})

const clients = lambdaClients(process.env, Date.now)
const { configuration, seamWith, clock, log } = clients

export async function handler(event: unknown, { awsRequestId }: Context) {
  if (isWarmer(event)) return { ok: true }
  const parsed = order.safeParse(event)
  if (!parsed.success)
    throw new Error('send {} or some of {"dry_run", "all_users", "override_fuse"}, each true or false')
  const { dry_run, all_users, override_fuse } = parsed.data

  // One key for the whole run, read anew for each: were another taken up half-way, after a rotation, a 404 could
  // come from a workspace that nobody has confirmed.
  let apiKey: Promise<string> | undefined
  const readApiKey = (_: unknown, deadline: Deadline) =>
    (apiKey ??= clients.readApiKey({ fresh: true }, deadline))
  const cleanUp = wireCleanup(configuration, times, { ...clients, seam: seamWith(readApiKey) })
  const deadline = deadlineIn(cleanupTime(configuration.cleanup.everyMinutes, times), clock)
  const audit: Audit = { what: 'cleanup', request_id: awsRequestId }
  const report = await during(audit, () =>
    cleanUp({ deadline, dryRun: dry_run, allUsers: all_users, overrideFuse: override_fuse }),
  )
  log({ ...audit, ...report })
  return report
}
