import { times } from '../times.ts'
import { wireWebhook } from '../wiring.ts'
import { lambdaClients } from './clients.ts'
import { httpHandler } from './http-handler.ts'

const clients = lambdaClients(process.env, Date.now)
const { configuration, log, readWebhookSecrets: readSecrets } = clients

export const handler = httpHandler(wireWebhook(configuration, times, { ...clients, readSecrets }).app, log)
