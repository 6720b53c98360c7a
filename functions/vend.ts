import { handle } from 'hono/aws-lambda'
import { type Environment, lambdaWorlds } from './clients.ts'
import { vendingMachine } from './machine.ts'
import { rehearse } from './rehearsal.ts'
import { times } from './times.ts'

const worlds = lambdaWorlds(process.env as unknown as Environment, Date.now)
const { app, recall } = vendingMachine(worlds.configuration, times, worlds)

export const handler = handle(app)

// Both give up by themselves, long before Lambda's 10 s for a start; with a dependency down the first caller hears of it.
await Promise.allSettled([recall(), rehearse(worlds.configuration, times, worlds)])
