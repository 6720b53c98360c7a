import { endWithPipe } from '../pipe.ts'
import { runSetup } from './command-line.ts'

/** `npm run setup`: what a stack needs once after its deployment, and again when a secret is rotated. */

endWithPipe(process)
process.exitCode = await runSetup(process.argv.slice(2), process.env, process)
