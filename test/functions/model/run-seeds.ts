import { runSeeds } from './runs.ts'

/** `node run-seeds.ts FROM RUNS [APART]` prints what they came to, as JSON. */
const [from = 1, runs = 1000, apart = 1] = process.argv.slice(2).map(Number)
console.log(JSON.stringify(await runSeeds(from, runs, apart)))
