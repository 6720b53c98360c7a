import { deadlineIn } from '../http/deadline.ts'
import { times } from '../times.ts'
import { wireIdentityEvents } from '../wiring.ts'
import { callingClients, type Environment } from './clients.ts'
import { httpHandler } from './http-handler.ts'

export type IdentityEventsEnvironment = Omit<Environment, 'SEALING_KEY_SECRET_ARN'>

const environment = process.env as unknown as IdentityEventsEnvironment
const clients = callingClients(environment, Date.now)
const { app, recall } = wireIdentityEvents(clients.configuration, times, {
  ...clients,
  // Its log group is an audit log: subjects stand in clear there, in the lines of changes alone.
  auditLog: clients.log,
})

export const handler = httpHandler(app, clients.log)

// A sender waits for a few seconds and does not come again.
await Promise.allSettled([
  recall(),
  clients.readSecret(
    environment.SEAM_API_KEY_SECRET_ARN,
    { fresh: false },
    deadlineIn(times.secrets, clients.clock),
  ),
])
