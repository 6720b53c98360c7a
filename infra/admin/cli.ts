import { endWithPipe } from '../pipe.ts'
import { runAdmin } from './command-line.ts'

/** `npm run admin`: the operator's commands, in the local world or in a deployed stack. */

endWithPipe(process)
process.exitCode = await runAdmin(process.argv.slice(2), process.env, process)
