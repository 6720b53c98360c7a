import { endWithPipe } from '../pipe.ts'
import { runDoctor } from './command-line.ts'

/** `npm run doctor`: what is well and what is not, in the local world or at a deployed endpoint. */

endWithPipe(process)
process.exitCode = await runDoctor(process.argv.slice(2), process.env, process)
