import { playHistories } from './histories.ts'
import { play } from './play.ts'
import { invariants } from './watch.ts'

/** `node tell.ts SEED PATH`, as a failed run has printed them, tells that history and what it breaks. */
const [seed = '1', path = '0'] = process.argv.slice(2)
const { broken: real, apart } = await playHistories({ seed: Number(seed), runs: 1, path })
const [late] = apart
const broken = real ?? late
if (broken === undefined) console.log('This history breaks nothing.')
else {
  const { story, failure } = await play(broken.scenario, { told: true })
  console.log(story.join('\n'))
  if (failure !== undefined) console.log(`\n${invariants[failure.invariant]}: ${failure.detail}`)
  if (late !== undefined) console.log(`Counted apart: ${late.why}`)
  console.log(`\n${JSON.stringify(broken.scenario)}`)
}
