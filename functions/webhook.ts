import { type Environment, lambdaWorlds } from './clients.ts'
import { httpHandler } from './http-handler.ts'
import { webhookMachine } from './machine.ts'
import { times } from './times.ts'

export interface WebhookEnvironment extends Environment {
  /** Its value: a JSON list of `whsec_…`. */
  SEAM_WEBHOOK_SECRETS_SECRET_ARN: string
}

const environment = process.env as unknown as WebhookEnvironment
const worlds = lambdaWorlds(environment, Date.now)
const { app } = webhookMachine(worlds.configuration, times, {
  ...worlds,
  readSecrets: (how, deadline) =>
    worlds.readSecret(environment.SEAM_WEBHOOK_SECRETS_SECRET_ARN, how, deadline),
  // Its log group is an audit log: subjects stand in clear there, in the lines of changes alone.
  auditLog: worlds.log,
})

export const handler = httpHandler(app, worlds.log)
