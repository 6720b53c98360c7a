import { type Environment, lambdaWorlds } from './clients.ts'
import { httpHandler } from './http-handler.ts'
import { vendingMachine } from './machine.ts'
import { rehearse } from './rehearsal.ts'
import { times } from './times.ts'

const worlds = lambdaWorlds(process.env as unknown as Environment, Date.now)
const { app, recall } = vendingMachine(worlds.configuration, times, worlds)

export const handler = httpHandler(app, worlds.log)

// Both give up by themselves, long before Lambda's 10 s for a start; with a dependency down the first caller hears of it.
await Promise.allSettled([recall(), rehearse(worlds.configuration, times, worlds)])
