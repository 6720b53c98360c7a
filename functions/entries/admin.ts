import type { Context } from 'aws-lambda'
import { deadlineIn } from '../http/deadline.ts'
import { times } from '../times.ts'
import { wireAdmin } from '../wiring.ts'
import { lambdaClients } from './clients.ts'
import { isWarmer } from './event.ts'

const clients = lambdaClients(process.env, Date.now)
const administer = wireAdmin(clients.configuration, times, clients)

/** Invoked under IAM, never over HTTP: see `operator/client.ts` for what it takes and answers. */
export async function handler(event: unknown, { awsRequestId }: Context) {
  if (isWarmer(event)) return { ok: true }
  return administer(event, { requestId: awsRequestId, deadline: deadlineIn(times.admin, clients.clock) })
}
