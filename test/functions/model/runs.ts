import { digester } from './dice.ts'
import { play } from './play.ts'
import { drawScenario } from './scenario.ts'
import type { Failure } from './watch.ts'

/** What many runs came to. */
export interface Runs {
  from: number
  runs: number
  failures: ({ seed: number } & Failure)[]
  /** Of everything that happened in them. */
  digest: string
  reached: Record<string, number>
}

/** Runs the scenarios of the seeds `from`, `from + apart`, `from + 2 * apart`, … */
export async function runSeeds(from: number, runs: number, apart = 1): Promise<Runs> {
  const { stackTraceLimit } = Error
  // Half of the time would go into the stacks of errors that nobody reads.
  Error.stackTraceLimit = 0
  const digest = digester()
  const failures: Runs['failures'] = []
  const reached: Record<string, number> = {}
  try {
    for (let run = 0; run < runs; run++) {
      const seed = from + run * apart
      const played = await play(drawScenario(seed))
      digest.addText(played.digest)
      if (played.failure !== undefined) failures.push({ seed, ...played.failure })
      for (const [verdict, times] of played.reached) reached[verdict] = (reached[verdict] ?? 0) + times
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
  return { from, runs, failures, digest: digest.value(), reached }
}
