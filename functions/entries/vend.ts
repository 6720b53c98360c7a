import { deadlineIn } from '../http/deadline.ts'
import { times } from '../times.ts'
import { wireVend } from '../wiring.ts'
import { lambdaClients } from './clients.ts'
import { httpHandler } from './http-handler.ts'

const clients = lambdaClients(process.env, Date.now)
const version = TOKEN_VENDING_VERSION
const { app, recall } = wireVend(clients.configuration, times, { ...clients, version })

export const handler = httpHandler(app, clients.log)

// What the first caller of a process would wait for, read while nobody waits: the table's connection, the issuers' keys
// and the sealing key. Each read gives up long before Lambda's 10 s for a start; what failed is read again when needed.
const soon = deadlineIn(times.secrets, clients.clock)
await Promise.allSettled([recall(), clients.readSealingKey({ fresh: false }, soon)])
