import { playHistories } from './histories.ts'
import { mistakes } from './mistakes.ts'
import { protocol } from './protocol.ts'
import type { Invariant } from './watch.ts'

/** `node pin.ts MISTAKE [RUNS]` prints the line of pinned.ndjson for a mistake: the smallest history found that shows it. */
const [name = '', runs = '50000'] = process.argv.slice(2)
const mistake = mistakes[name]
if (mistake === undefined) throw new Error(`there is no mistake named ${name}`)
const { plant, breaks } = mistake
const { broken } = await playHistories(
  { seed: 1, runs: Number(runs) },
  { by: plant(protocol), breaks: breaks as Invariant },
)
if (broken === undefined) throw new Error(`${runs} histories do not show it`)
console.log(JSON.stringify({ mistake: name, scenario: broken.scenario }))
