import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Runs } from './runs.ts'

/**
 * The long run: seeds in blocks, two processes, a line a block in test/model-runs.ndjson. What the same code has
 * recorded is not run again, so that it can be interrupted.
 */
export interface RecordedBlock {
  commit: string
  /** Of the sources that were run: the first characters of their SHA-256. */
  code: string
  from: number
  runs: number
  /** Seeds. */
  failures: number[]
  /** Of all that happened in the block. */
  digest: string
  /** The same of 200 of its seeds, evenly spread: these are run again by every test run. */
  sample: string
}

export const sampleSize = 200
const blockSize = 25_000
const root = new URL('../../..', import.meta.url).pathname
const file = join(root, 'test/model-runs.ndjson')
const run = promisify(execFile)

export function recorded(): RecordedBlock[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line))
}

/** @returns the seeds that failed. */
export async function recordRuns(runs: number): Promise<number[]> {
  const code = codeHash()
  const commit = headCommit()
  const done = new Set(
    recorded()
      .filter((block) => block.code === code && block.runs === Math.min(blockSize, runs))
      .map(({ from }) => from),
  )
  const blocks: number[] = []
  for (let from = 1; from <= runs; from += blockSize) if (!done.has(from)) blocks.push(from)
  const failures: number[] = []
  const work = async () => {
    for (let from = blocks.shift(); from !== undefined; from = blocks.shift()) {
      const size = Math.min(blockSize, runs - from + 1)
      const block = await runBlock(from, size)
      if (code !== codeHash()) throw new Error('the sources have changed while they were run')
      failures.push(...block.failures)
      appendFileSync(file, `${JSON.stringify({ commit, code, ...block })}\n`)
    }
  }
  await Promise.all([work(), work()])
  return failures
}

async function runBlock(from: number, runs: number): Promise<Omit<RecordedBlock, 'commit' | 'code'>> {
  const all = await inProcess(from, runs, 1)
  const sample = await inProcess(from, sampleSize, Math.max(1, Math.floor(runs / sampleSize)))
  return {
    from,
    runs,
    failures: all.failures.map(({ seed }) => seed),
    digest: all.digest,
    sample: sample.digest,
  }
}

async function inProcess(from: number, runs: number, apart: number): Promise<Runs> {
  const script = new URL('run-seeds.ts', import.meta.url).pathname
  const args = [script, String(from), String(runs), String(apart)]
  const { stdout } = await run(process.execPath, args, { maxBuffer: 1e8 })
  return JSON.parse(stdout)
}

/** Of all that a run consists of, from the imports of its script on. Types are no part of it. */
function codeHash(): string {
  const files = new Set([join(root, 'test/functions/model/run-seeds.ts')])
  const hash = createHash('sha256')
  for (const path of files) {
    const text = readFileSync(path, 'utf8')
    hash.update(path.slice(root.length)).update('\0').update(text).update('\0')
    for (const [, from = ''] of text.matchAll(/^(?:import|export) (?!type )[^']*?from '(\.[^']+)'/gm))
      files.add(join(dirname(path), from))
  }
  return hash.digest('hex').slice(0, 16)
}

function headCommit(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
  const changed = git('status', '--porcelain', '--', 'functions', 'test/functions/model') !== ''
  return git('rev-parse', '--short=12', 'HEAD') + (changed ? '+' : '')
}
