import { type Environment, lambdaWorlds } from './clients.ts'
import { httpHandler } from './http-handler.ts'
import { connectMachine } from './machine.ts'
import { times } from './times.ts'

const worlds = lambdaWorlds(process.env as unknown as Environment, Date.now)
const { app } = connectMachine(worlds.configuration, times, {
  ...worlds,
  // Its log group is an audit log: subjects stand in clear there, in the lines of changes alone.
  auditLog: worlds.log,
})

export const handler = httpHandler(app, worlds.log)
