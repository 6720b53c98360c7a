import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { benchAtSize } from './at-size.ts'
import { benchByPart } from './by-part.ts'
import { benchColdStart } from './cold-start.ts'
import { bundleContenders, type Contender, type ContenderName } from './contenders.ts'
import { benchHotPath } from './hot-path.ts'
import { barPlot } from './plot.ts'
import { benchRaces } from './races.ts'
import { rewriteReadmes } from './readmes.ts'
import { benchReads } from './reads.ts'
import { tables } from './report.ts'
import type { Part, Results } from './results.ts'
import { startBenchWorld } from './world.ts'

/**
 * `npm run bench`: some minutes on a quiet machine. Writes results.json, the plots, and the tables of the READMEs.
 * `-- --only=hotPath,races`: these parts anew, and the others as results.json has them, for a machine that is quiet by
 * moments. `-- --quick`: the same with so few counts that its numbers mean nothing; writes nothing.
 */
const quick = process.argv.includes('--quick')
const here = import.meta.dirname

const size = quick
  ? {
      hotPath: { rounds: 2, requests: 50, slowRequests: 5, warmUp: 50, users: 10, counted: 200 },
      coldStart: { rounds: 2 },
      races: [{ rounds: 1, requests: 20, processes: 4 }],
      atSize: { users: 500, due: 20, imported: 100 },
      byPart: { vends: 50 },
      reads: { rounds: 2 },
    }
  : {
      hotPath: { rounds: 11, requests: 400, slowRequests: 30, warmUp: 2000, users: 100, counted: 10_000 },
      coldStart: { rounds: 11 },
      races: [
        { rounds: 9, requests: 20, processes: 4 },
        { rounds: 9, requests: 200, processes: 4 },
      ],
      atSize: { users: 100_000, due: 1000, imported: 5000 },
      byPart: { vends: 3000 },
      reads: { rounds: 15 },
    }

const parts = ['hotPath', 'coldStart', 'byPart', 'reads', 'races', 'atSize'] as const satisfies Part[]
const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length)
const chosen = parts.filter((part) => only === undefined || only.split(',').includes(part))

const resultsFile = `${here}/results.json`
const before = existsSync(resultsFile) && !quick ? JSON.parse(readFileSync(resultsFile, 'utf8')) : {}
const [cpu] = cpus()
const results: Partial<Results> = {
  ...before,
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
  results.contenders = contenders.map(({ name, title, bytes }) => ({ name, title, bytes }))
  const named = (name: ContenderName) => contenders.find((it) => it.name === name) as Contender
  const runs: { [P in Part]: () => Promise<Results[P]> } = {
    hotPath: () =>
      benchHotPath(
        world,
        contenders.filter(({ name }) => name !== 'empty'),
        size.hotPath,
      ),
    coldStart: () => benchColdStart(world, contenders, size.coldStart),
    byPart: () => benchByPart(world, size.byPart),
    reads: () => benchReads(world, size.reads),
    async races() {
      const races: Results['races'] = []
      for (const race of size.races) races.push(await benchRaces(world, named('ours'), race))
      return races
    },
    atSize: () => benchAtSize(size.atSize),
  }
  for (const part of chosen) {
    const load = loadavg()[0] ?? 0
    console.error(`… ${part}, at a load of ${load.toFixed(1)}`)
    Object.assign(results, { [part]: await runs[part](), loads: { ...results.loads, [part]: load } })
    if (!quick) writeFileSync(resultsFile, `${JSON.stringify(results, rounded, 2)}\n`)
  }
} finally {
  await world.close()
  rmSync(folder, { recursive: true })
}

if (parts.every((part) => results[part] !== undefined)) {
  console.log(`\n${tables(results as Results)}`)
  if (!quick) write(results as Results)
}

function write(results: Results): void {
  rewriteReadmes()
  mkdirSync(`${here}/plots`, { recursive: true })
  const bars = (parts: (name: (typeof results.contenders)[number]['name']) => (number | undefined)[]) =>
    results.contenders.flatMap(({ name, title }) => {
      const values = parts(name).filter((value) => value !== undefined)
      return values.length === 0 ? [] : [{ label: title, parts: values, highlighted: name === 'ours' }]
    })
  const { coldStart, hotPath } = results
  writeFileSync(
    `${here}/plots/cold-start.svg`,
    barPlot(
      'Cold start',
      'ms',
      ['INIT', 'first call'],
      bars((name) => [coldStart.init[name]?.median, coldStart.first[name]?.median]),
    ),
  )
  writeFileSync(
    `${here}/plots/cpu.svg`,
    barPlot(
      'CPU per vend, client session reused',
      'µs',
      ['CPU'],
      bars((name) => [hotPath.cpu[name]?.median]),
    ),
  )
}

function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value
}
