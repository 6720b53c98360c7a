import { runAdmin } from './command-line.ts'

/** `npm run admin`: the operator's commands, in the local world or in a deployed stack. */

// Whoever reads has seen enough (`… | head`): that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

process.exitCode = await runAdmin(process.argv.slice(2), process.env, process)
