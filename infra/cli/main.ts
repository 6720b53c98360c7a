#!/usr/bin/env node
import { endWithPipe } from '../pipe.ts'
import { exitCodes } from './errors.ts'
import { runProgram } from './program.ts'

/** The operator's program, whichever npm script or bin runs it. */

// Once: a second Ctrl-C ends the process then and there.
const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())

// Without a reader, the probe still undoes what it did.
endWithPipe(process, process.argv[2] === 'probe' ? () => interrupted.abort() : undefined)

process.exitCode = await runProgram(process.argv.slice(2), process.env, process, {
  signal: interrupted.signal,
})
// What was under way is left to itself.
if (process.exitCode === exitCodes.interrupted) process.exit()
