import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { copies } from './copying.ts'
import { mistakes } from './mistakes.ts'
import { pinned } from './pinned.ts'
import { checkProgress, type Progress, progress } from './progress.ts'
import { invariants } from './watch.ts'

/**
 * Mistakes planted in copies of the real source: each must compile, and its history must break what it names, while
 * the unchanged copy passes. With LONG=1 the histories are looked for anew.
 */

const run = promisify(execFile)
const minutes = 60_000
const all = copies()
const model = new URL('.', import.meta.url).pathname
let broken: Record<string, string | undefined> = {}
let unchanged: Record<string, string | undefined> = {}

beforeAll(async () => {
  mistakes.forEach(({ patches }, i) => {
    all.copy(String(i), patches)
  })
  all.copy('unchanged', [])
  broken = await playIn(mistakes.map((_, i) => String(i)))
  unchanged = await playIn(['unchanged'])
}, 5 * minutes)
afterAll(() => all.remove())

async function playIn(names: string[]): Promise<Record<string, string | undefined>> {
  const { stdout } = await run(process.execPath, [join(model, 'play-in-copies.ts'), all.folder, ...names])
  return JSON.parse(stdout)
}

test('every copy compiles', { timeout: 5 * minutes }, async () => {
  const tsc = join(model, '../../../node_modules/typescript/bin/tsc')
  const { stdout } = await run(process.execPath, [tsc, '-p', all.folder], { timeout: 4 * minutes }).catch(
    (error: { stdout: string }) => error,
  )
  expect(stdout).toBe('')
})

test('the unchanged copy passes everything that the mistakes break', () => {
  expect(unchanged).toEqual({})
})

describe('a mistake breaks what it names', () => {
  test.each(mistakes.map(({ name, breaks }) => ({ name, breaks, meaning: meaningOf(breaks) })))(
    '$name → $meaning',
    ({ name, breaks }) => {
      expect(broken[name]).toBe(breaks)
    },
  )
})

test.each(Object.entries(progress))('%s: %s', async (which) => {
  expect(await checkProgress(which as Progress)).toBeUndefined()
})

test('every mistake has its history, and every history its name', () => {
  const named = mistakes.filter(({ breaks }) => breaks in invariants).map(({ name }) => name)
  expect([...pinned().keys()].sort()).toEqual(named.sort())
  expect(mistakes.length).toBeGreaterThanOrEqual(24)
})

if (process.env.LONG === '1')
  describe('random histories find it too', () => {
    const findable = mistakes
      .map((mistake, i) => ({ ...mistake, i }))
      .filter(({ breaks, rare }) => breaks in invariants && !rare)
    test.each(findable)('$name', { timeout: 20 * minutes }, async ({ i, breaks }) => {
      const search = join(all.folder, String(i), 'test/functions/model/search-mistake.ts')
      const { stdout } = await run(process.execPath, [search, breaks, '200000'])
      expect(JSON.parse(stdout).broken).toHaveProperty(breaks)
    })
  })

function meaningOf(breaks: string): string {
  return { ...invariants, ...progress }[breaks as Progress]
}
