#!/usr/bin/env node
import { exitCodes } from './errors.ts'
import { runProgram } from './program.ts'

/** The operator's program, whichever npm script or bin runs it. */

// Once: a second Ctrl-C ends the process then and there.
const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())

// Whoever reads what is printed may have seen enough (`… | head`): that is no failure. The probe undoes what it did first;
// where only standard error has lost its reader, a command goes on.
const onPipeError = (end: () => void) => (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  end()
}
const stop = () => (process.argv[2] === 'probe' ? interrupted.abort() : process.exit(0))
process.stdout.on('error', onPipeError(stop))
process.stderr.on(
  'error',
  onPipeError(() => {}),
)

process.exitCode = await runProgram(process.argv.slice(2), process.env, process, {
  signal: interrupted.signal,
})
// What was under way is left to itself.
if (process.exitCode === exitCodes.interrupted) process.exit()
