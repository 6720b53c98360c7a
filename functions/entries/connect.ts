import { times } from '../times.ts'
import { wireConnect } from '../wiring.ts'
import { lambdaClients } from './clients.ts'
import type { Environment } from './environment.ts'
import { httpHandler } from './http-handler.ts'

const clients = lambdaClients(process.env as unknown as Environment, Date.now)
const { app } = wireConnect(clients.configuration, times, {
  ...clients,
  // Its log group is an audit log: subjects stand in clear there, in the lines of changes alone.
  auditLog: clients.log,
})

export const handler = httpHandler(app, clients.log)
