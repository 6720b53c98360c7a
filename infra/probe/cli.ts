import { endWithPipe } from '../pipe.ts'
import { runProbe } from './command-line.ts'

/** `npm run probe`: what Seam's documentation leaves open, asked of a sandbox workspace. */

// The first Ctrl-C still undoes what was done; a second one ends the process then and there.
const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())

// Without a reader as well.
endWithPipe(process, () => interrupted.abort())

process.exitCode = await runProbe(process.argv.slice(2), process.env, process, { stop: interrupted.signal })
