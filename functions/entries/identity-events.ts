import { deadlineIn } from '../http/deadline.ts'
import { times } from '../times.ts'
import { wireIdentityEvents } from '../wiring.ts'
import { lambdaClients } from './clients.ts'
import type { Environment } from './environment.ts'
import { httpHandler } from './http-handler.ts'

const environment = process.env as unknown as Environment<'identity-events'>
// It only takes away, and never opens the tokens in the table.
const clients = lambdaClients({ ...environment, SEALING_KEY_SECRET_ARN: '' }, Date.now)
const { configuration, clock, log, readSecret } = clients
// Its log group is an audit log: subjects stand in clear there, in the lines of changes alone.
const { app, recall } = wireIdentityEvents(configuration, times, { ...clients, auditLog: log })

export const handler = httpHandler(app, log)

// A sender waits for a few seconds and does not come again.
const soon = deadlineIn(times.secrets, clock)
await Promise.allSettled([recall(), readSecret(environment.SEAM_API_KEY_SECRET_ARN, { fresh: false }, soon)])
