import { execFile } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { fallen, read, type Score, scoreIn } from './score.ts'
import judges from './vitest.config.ts'

/**
 * Breaks the code on purpose, in every small way that Stryker knows, and counts what a test notices. The share of each
 * file stands in test/mutation-score.json: it may rise, and is then written down; it may not fall.
 */

const hours = 3_600_000
const here = import.meta.dirname
const root = `${here}/../..`
const file = new URL('../mutation-score.json', import.meta.url)
const settings = read<{ mutate: string[] }>(new URL('stryker.config.json', import.meta.url))

test('a score that falls is found, and so is a file that is gone', () => {
  const mutants = ['Killed', 'Timeout', 'Survived', 'NoCoverage'].map((status) => ({ status }))
  const score = scoreIn({ files: { 'b.ts': { mutants }, 'a.ts': { mutants: mutants.slice(0, 3) } } })
  expect(score).toEqual({ 'a.ts': 66.6, 'b.ts': 50 })
  expect(fallen({ 'a.ts': 66.6 }, score)).toEqual([])
  expect(fallen({ 'a.ts': 66.7, 'c.ts': 1 }, score)).toEqual([
    'a.ts: 66.7 % before, 66.6 now',
    'c.ts: 1 % before, not measured now',
  ])
})

test('every file that is mutated has a score', () => {
  expect(Object.keys(read<Score>(file))).toEqual(settings.mutate.toSorted())
})

test('every test that judges the mutants is there', () => {
  const { include = [] } = judges.test ?? {}
  expect(include.filter((path) => !existsSync(`${root}/${path}`))).toEqual([])
})

if (process.env.LONG === '1')
  test('the score of no file has fallen', { timeout: 4 * hours }, async () => {
    const run = promisify(execFile)
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: here })
    const stryker = `${here}/node_modules/@stryker-mutator/core/bin/stryker.js`
    const { stdout } = await run(process.execPath, [stryker, 'run', `${here}/stryker.config.json`], {
      cwd: root,
      maxBuffer: 1e8,
    })
    const score = scoreIn(read(new URL('node_modules/report.json', import.meta.url)))
    expect(fallen(read(file), score), stdout).toEqual([])
    writeFileSync(file, `${JSON.stringify(score, null, 2)}\n`)
  })
