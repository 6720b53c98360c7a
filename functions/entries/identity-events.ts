import { deadlineIn } from '../http/deadline.ts'
import { times } from '../times.ts'
import { wireIdentityEvents } from '../wiring.ts'
import { lambdaClients } from './clients.ts'
import { httpHandler } from './http-handler.ts'

const clients = lambdaClients(process.env, Date.now)
const { app, recall } = wireIdentityEvents(clients.configuration, times, clients)

export const handler = httpHandler(app, clients.log)

// A sender waits for a few seconds and does not come again.
const soon = deadlineIn(times.secrets, clients.clock)
await Promise.allSettled([recall(), clients.readApiKey({ fresh: false }, soon)])
