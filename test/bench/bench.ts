import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { bundleContenders } from './contenders.ts'
import { type Part, parts } from './parts.ts'
import { rewriteReadmes, tables } from './readmes.ts'
import { type Results, readResults, writeResults } from './results.ts'
import { startBenchWorld } from './world.ts'

/**
 * `npm run bench`: a quarter of an hour on a quiet machine. Writes results.json and the tables of the README.
 * `-- --only=hotPath,races`: these parts anew, and the others as results.json has them, for a machine that is quiet by
 * moments. `-- --first-edition=FOLDER`: import beside the first edition's. `-- --quick`: all of it with so few counts
 * that its numbers mean nothing; writes nothing.
 */
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    'first-edition': { type: 'string' },
  },
})
const { quick, only, 'first-edition': first } = values
const firstEdition = first && resolve(first)

const [cpu] = cpus()
const results: Results = {
  ...readResults(),
  machine: {
    at: new Date().toISOString().slice(0, 10),
    node: process.versions.node,
    cpu: cpu?.model.trim() ?? '',
    cpus: availableParallelism(),
    memory: Math.round(totalmem() / 2 ** 30),
  },
}

const folder = mkdtempSync(join(tmpdir(), 'bench-'))
const world = await startBenchWorld()
try {
  const contenders = await bundleContenders(world.configuration, folder)
  results.bytes = Object.fromEntries(contenders.map(({ name, bytes }) => [name, bytes]))
  const runs = parts(world, contenders, { quick, folder, firstEdition })
  const chosen = only?.split(',') ?? Object.keys(runs)
  for (const [part, run] of Object.entries(runs)) {
    if (!chosen.includes(part)) continue
    const load = loadavg()[0] ?? 0
    console.error(`… ${part}, at a load of ${load.toFixed(1)}`)
    Object.assign(results, { [part]: await run() })
    results.loads[part as Part] = load
    if (!quick) writeResults(results)
  }
} finally {
  await world.close()
  rmSync(folder, { recursive: true })
}

console.log(`\n${tables(results)}`)
if (!quick) rewriteReadmes()
