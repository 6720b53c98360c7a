import { times } from '../times.ts'
import { wireWebhook } from '../wiring.ts'
import { lambdaClients } from './clients.ts'
import type { Environment } from './environment.ts'
import { httpHandler } from './http-handler.ts'

const environment = process.env as unknown as Environment<'webhook'>
const clients = lambdaClients(environment, Date.now)
const { app } = wireWebhook(clients.configuration, times, {
  ...clients,
  readSecrets: (how, deadline) =>
    clients.readSecret(environment.SEAM_WEBHOOK_SECRETS_SECRET_ARN, how, deadline),
  // Its log group is an audit log: subjects stand in clear there, in the lines of changes alone.
  auditLog: clients.log,
})

export const handler = httpHandler(app, clients.log)
