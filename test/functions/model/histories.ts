import fc from 'fast-check'
import { scenarios } from './drawing.ts'
import { whyApart } from './freezing.ts'
import { play } from './play.ts'
import { type Protocol, protocol } from './protocol.ts'
import type { Scenario } from './scenario.ts'
import type { Failure, Invariant } from './watch.ts'

/** What many random histories came to. */
export interface Histories {
  /** How often each verdict was reached, as `act:reason`. */
  reached: Record<string, number>
  /** Those in which a process froze for so long before a write that what they break is not the protocol's. */
  apart: (Broken & { why: string })[]
  /** The first that broke an invariant, made as small as can be; `seed` and `path` replay it. */
  broken?: Broken
}

export interface Broken {
  seed: number
  path: string
  scenario: Scenario
  failure: Failure
}

const mostShrinks = 4000

/** Plays `runs` histories of this seed; or the one at `path`, as it is. `breaks`: only this invariant counts. */
export async function playHistories(
  { seed, runs, path }: { seed: number; runs: number; path?: string },
  {
    by = protocol,
    breaks,
    shrinks = true,
    drawn = scenarios(),
  }: { by?: Protocol; breaks?: Invariant; shrinks?: boolean; drawn?: fc.Arbitrary<Scenario> } = {},
): Promise<Histories> {
  const { stackTraceLimit } = Error
  // Half of the time would go into the stacks of errors that nobody reads.
  Error.stackTraceLimit = 0
  const reached: Record<string, number> = {}
  const apart: Histories['apart'] = []
  let wanted = breaks
  let run = 0
  let failure: Failure | undefined
  const holds = fc.asyncProperty(fc.limitShrink(drawn, mostShrinks), async (scenario) => {
    const at = path ?? String(run++)
    const played = await play(scenario, { by })
    for (const [verdict, times] of played.reached) reached[verdict] = (reached[verdict] ?? 0) + times
    if (played.failure === undefined || played.failure.invariant !== (wanted ?? played.failure.invariant))
      return
    const why = await whyApart(scenario, played, by)
    if (why !== undefined) {
      // Not while the smallest that breaks is looked for.
      if (failure === undefined) apart.push({ seed, path: at, scenario, failure: played.failure, why })
      return
    }
    ;({ failure } = played)
    wanted = played.failure.invariant
    throw new Error(played.failure.detail)
  })
  try {
    const came = await fc.check(holds, {
      seed,
      numRuns: runs,
      // The weights are tuned as they are.
      plugins: [fc.unbiased()],
      endOnFailure: path !== undefined || !shrinks,
      ...(path !== undefined && { path }),
    })
    const [scenario] = (came.counterexample ?? []) as Scenario[]
    if (scenario === undefined || failure === undefined) return { reached, apart }
    return { reached, apart, broken: { seed, path: came.counterexamplePath ?? '', scenario, failure } }
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}
