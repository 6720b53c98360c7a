import { play } from './play.ts'
import { drawScenario } from './scenario.ts'
import { shrink } from './shrink.ts'
import { invariants } from './watch.ts'

/** Tells the history of a seed; one that breaks an invariant is made as small as can be first. */
const [seed = '1'] = process.argv.slice(2)
const scenario = drawScenario(Number(seed))
const broken = (await play(scenario)).failure !== undefined
const smallest = broken ? await shrink(scenario) : scenario
const { story, failure } = await play(smallest, { told: true })
console.log(story.join('\n'))
if (failure !== undefined) console.log(`\n${invariants[failure.invariant]}: ${failure.detail}`)
if (broken) console.log(`\n${JSON.stringify(smallest)}`)
