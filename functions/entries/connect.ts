import { times } from '../times.ts'
import { wireConnect } from '../wiring.ts'
import { lambdaClients } from './clients.ts'
import { httpHandler } from './http-handler.ts'

const clients = lambdaClients(process.env, Date.now)

export const handler = httpHandler(wireConnect(clients.configuration, times, clients).app, clients.log)
