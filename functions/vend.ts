import { type Environment, lambdaWorlds } from './clients.ts'
import { deadlineIn } from './deadline.ts'
import { httpHandler } from './http-handler.ts'
import { vendingMachine } from './machine.ts'
import { times } from './times.ts'

const environment = process.env as unknown as Environment
const worlds = lambdaWorlds(environment, Date.now)
const { app, recall } = vendingMachine(worlds.configuration, times, worlds)

export const handler = httpHandler(app, worlds.log)

// What the first caller of a process would wait for, read while nobody waits: the table's connection, the issuers' keys
// and the sealing key. Each read gives up long before Lambda's 10 s for a start; what failed is read again when needed.
await Promise.allSettled([
  recall(),
  worlds.readSecret(
    environment.SEALING_KEY_SECRET_ARN,
    { fresh: false },
    deadlineIn(times.secrets, worlds.clock),
  ),
])
