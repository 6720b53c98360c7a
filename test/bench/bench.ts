import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { benchAtSize } from './at-size.ts'
import { benchColdStart } from './cold-start.ts'
import { bundleContenders, type Contender, type ContenderName } from './contenders.ts'
import { benchEvents } from './events.ts'
import { benchHotPath } from './hot-path.ts'
import { benchImporting } from './importing.ts'
import { barPlot } from './plot.ts'
import { benchRaces } from './races.ts'
import { readResults, rewriteReadmes } from './readmes.ts'
import { benchReads } from './reads.ts'
import { tables } from './report.ts'
import type { Part, Parts, Results } from './results.ts'
import { benchSeamDown } from './seam-down.ts'
import { startBenchWorld } from './world.ts'

/**
 * `npm run bench`: a quarter of an hour on a quiet machine. Writes results.json, the plots, and the tables of the README.
 * `-- --only=hotPath,races`: these parts anew, and the others as results.json has them, for a machine that is quiet by
 * moments. `-- --first-edition=FOLDER`: import beside the first edition's. `-- --quick`: all of it with so few counts
 * that its numbers mean nothing; writes nothing.
 */
const quick = process.argv.includes('--quick')
const here = import.meta.dirname
const given = (name: string) =>
  process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3)

const size = quick
  ? {
      hotPath: { rounds: 2, requests: 50, slowRequests: 5, warmUp: 50, users: 10, counted: 200 },
      coldStart: { rounds: 2 },
      races: [{ rounds: 1, requests: 20, processes: 4 }],
      seamDown: { seconds: 25 },
      events: { events: 5 },
      importing: { rounds: 1, users: 200, usersOfFirst: 50 },
      reads: { rounds: 2 },
      atSize: { users: 500, due: 20, listed: 400 },
    }
  : {
      hotPath: { rounds: 11, requests: 400, slowRequests: 20, warmUp: 1000, users: 100, counted: 10_000 },
      coldStart: { rounds: 9 },
      races: [
        { rounds: 9, requests: 20, processes: 4 },
        { rounds: 9, requests: 200, processes: 4 },
      ],
      seamDown: { seconds: 60 },
      events: { events: 100 },
      importing: { rounds: 5, users: 1000, usersOfFirst: 300 },
      reads: { rounds: 15 },
      atSize: { users: 100_000, due: 1000, listed: 20_000 },
    }

const parts = [
  'coldStart',
  'hotPath',
  'races',
  'seamDown',
  'events',
  'importing',
  'reads',
  'atSize',
] as const satisfies Part[]
const only = given('only')
const chosen = parts.filter((part) => only === undefined || only.split(',').includes(part))
const firstEdition = given('first-edition')

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
  results.contenders = contenders.map(({ name, title, bytes }) => ({ name, title, bytes }))
  const named = (name: ContenderName) => contenders.find((it) => it.name === name) as Contender
  const runs: { [P in Part]: () => Promise<Parts[P]> } = {
    coldStart: () => benchColdStart(world, contenders, size.coldStart),
    hotPath: () =>
      benchHotPath(
        world,
        contenders.filter(({ name }) => name !== 'empty'),
        size.hotPath,
        join(folder, 'two-logins'),
      ),
    async races() {
      const races: Parts['races'] = []
      for (const race of size.races) races.push(await benchRaces(world, named('ours'), race))
      return races
    },
    seamDown: () => benchSeamDown(world, named('ours'), size.seamDown),
    events: () => benchEvents(size.events),
    importing: () =>
      benchImporting({ ...size.importing, firstEdition: firstEdition && resolve(firstEdition) }),
    reads: () => benchReads(world, size.reads),
    atSize: () => benchAtSize(size.atSize),
  }
  for (const part of chosen) {
    const load = loadavg()[0] ?? 0
    console.error(`… ${part}, at a load of ${load.toFixed(1)}`)
    Object.assign(results, { [part]: await runs[part](), loads: { ...results.loads, [part]: load } })
    if (!quick) writeFileSync(`${here}/results.json`, `${JSON.stringify(results, rounded, 2)}\n`)
  }
} finally {
  await world.close()
  rmSync(folder, { recursive: true })
}

console.log(`\n${tables(results)}`)
if (!quick) {
  rewriteReadmes()
  plot(results)
}

function plot({ contenders, coldStart, hotPath }: Results): void {
  mkdirSync(`${here}/plots`, { recursive: true })
  const bars = (parts: (name: ContenderName) => (number | undefined)[]) =>
    contenders.flatMap(({ name, title }) => {
      const values = parts(name).filter((value) => value !== undefined)
      return values.length === 0 ? [] : [{ label: title, parts: values, highlighted: name === 'ours' }]
    })
  if (coldStart)
    writeFileSync(
      `${here}/plots/cold-start.svg`,
      barPlot(
        'Cold start',
        'ms',
        ['INIT', 'first call'],
        bars((name) => [coldStart.init[name]?.median, coldStart.first[name]?.median]),
      ),
    )
  if (hotPath)
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
