import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { idleBill } from './model/idle.ts'
import { endedPerDay, strains } from './model/scale.ts'
import { billPerMillion } from './model/vend.ts'
import { wave } from './model/wave.ts'
import { readmes } from './readmes.ts'
import { aims, between, tables } from './report.ts'
import type { Results } from './results.ts'
import { ratios, spread } from './statistics.ts'

test('a spread is the median and the middle half, in whatever order values come', () => {
  expect(spread([5, 1, 4, 2, 3])).toEqual({ median: 3, from: 2, to: 4, of: 5 })
  expect(spread([1, 2]).median).toBe(1.5)
})

test('ratios are taken round by round, so that a slow minute slows both', () => {
  expect(ratios([1, 10, 2], [2, 20, 4])).toEqual({ median: 0.5, from: 0.5, to: 0.5, of: 3 })
})

test('a table takes the place of the one between its marks, and nothing else of the text', () => {
  const text = 'before\n<!-- bench -->\nold\n<!-- bench -->\nafter'
  expect(between(text, 'bench', 'new')).toBe('before\n<!-- bench -->\n\nnew\n\n<!-- bench -->\nafter')
  expect(between(text, 'model', 'new')).toBe(text)
})

test('the READMEs say what was measured and what the model says; else run npm run model', () => {
  for (const { file, before, after } of readmes()) expect([file, before]).toEqual([file, after])
})

test('what was missed stands in the table, as missed', async () => {
  const results: Results = JSON.parse(await readFile(`${import.meta.dirname}/results.json`, 'utf8'))
  const slow = structuredClone(results)
  Object.assign(slow.coldStart.firstToWarm.ours ?? {}, { median: 3 })
  for (const aim of aims(slow).filter(({ reached }) => !reached))
    expect(tables(slow)).toContain(`| ${aim.what} | ${aim.measured} | ${aim.wanted} | **missed** |`)
  expect(tables(slow)).toMatch(/First call after INIT, over a warm one [^|]*\| 3 \(/)
})

test('a stack that nobody uses costs by its own template', () => {
  const { parts } = idleBill(5)
  expect(parts.every(({ usd }) => usd > 0)).toBe(true)
  expect(parts.reduce((sum, { usd }) => sum + usd, 0)).toBeLessThanOrEqual(4.5)
  const often = idleBill(1).parts.at(-1)?.usd ?? 0
  expect(often).toBeCloseTo(5 * (parts.at(-1)?.usd ?? 0))
})

test('a million reuses cost the HTTP API more than all the rest together', () => {
  const { 'HTTP API': api, ...rest } = billPerMillion({ extend: 0, create: 0 })
  expect(api).toBe(1)
  expect(Object.values(rest).reduce((sum, usd) => sum + usd, 0)).toBeLessThan(api)
})

test('of first requests alone, it is the environments of Lambda that run out first', () => {
  const [first] = strains(5000, { extend: 0, create: 1 })
  expect(first?.part).toBe('Lambda: environments at once')
  expect(first?.used).toBeGreaterThan(first?.limit ?? 0)
})

test('cleaning up ends less in a day than its calls to Seam would allow if it never stood still', () => {
  expect(endedPerDay(5)).toBe(172_800)
})

test('jitter flattens the echo of an outage', () => {
  const settings = {
    pages: 5000,
    lifetimeSeconds: 3600,
    outageFrom: 3600,
    outageTo: 5400,
    seconds: 21_600,
  }
  const [on, off] = [true, false].map((jitter) => wave({ ...settings, jitter }))
  expect(on?.echoSecond).toBeLessThan(off?.echoSecond ?? 0)
})
