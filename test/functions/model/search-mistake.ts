import { play } from './play.ts'
import { checkProgress, progress } from './progress.ts'
import { drawScenario } from './scenario.ts'
import { shrink } from './shrink.ts'
import type { Invariant } from './watch.ts'

/**
 * Run in a copy with a mistake: looks for a history that breaks the invariant it names, makes it as small as can be
 * and prints it; with it, how many of the seeds looked at break which invariant.
 */
const [breaks = '', seeds = '20000', enough = '1'] = process.argv.slice(2)
Error.stackTraceLimit = 0
if (breaks in progress) {
  console.log(JSON.stringify({ wrong: await checkProgress(breaks as keyof typeof progress) }))
} else {
  const broken: Partial<Record<Invariant, number>> = {}
  let smallest: Awaited<ReturnType<typeof shrink>> | undefined
  let looked = 0
  while (looked < Number(seeds) && (broken[breaks as Invariant] ?? 0) < Number(enough)) {
    const scenario = drawScenario(++looked)
    const { failure } = await play(scenario)
    if (failure === undefined) continue
    broken[failure.invariant] = (broken[failure.invariant] ?? 0) + 1
    if (failure.invariant === breaks) smallest ??= await shrink(scenario)
  }
  console.log(JSON.stringify({ looked, broken, scenario: smallest }))
}
