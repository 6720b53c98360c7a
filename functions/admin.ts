import type { Context } from 'aws-lambda'
import { adminMachine } from './admin/machine.ts'
import type { AdminAnswer } from './admin-client.ts'
import { type Environment, lambdaWorlds } from './clients.ts'
import { deadlineIn } from './deadline.ts'
import { isWarmer } from './event.ts'
import { times } from './times.ts'

const worlds = lambdaWorlds(process.env as unknown as Environment, Date.now)
const administer = adminMachine(worlds.configuration, times, {
  ...worlds,
  // Its log group is an audit log: subjects stand in clear there, so few may read it.
  auditLog: worlds.log,
})

/** Invoked under IAM, never over HTTP: see `admin-client.ts` for what it takes and answers. */
export async function handler(
  event: unknown,
  { awsRequestId }: Context,
): Promise<AdminAnswer | { ok: true }> {
  if (isWarmer(event)) return { ok: true }
  return administer(event, { requestId: awsRequestId, deadline: deadlineIn(times.admin, worlds.clock) })
}
