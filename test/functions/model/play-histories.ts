import { playHistories } from './histories.ts'

/** `node play-histories.ts SEED RUNS` prints what they came to, as JSON. */
const [seed = 1, runs = 1000] = process.argv.slice(2).map(Number)
console.log(JSON.stringify(await playHistories({ seed, runs })))
