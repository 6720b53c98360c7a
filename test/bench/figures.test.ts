import { expect, test } from 'vitest'
import { resources, synthesised } from '../infra/stack/stack.ts'
import { between } from './markdown.ts'
import { kneeOf, measurements } from './measurements.ts'
import { idleBill } from './model/idle.ts'
import { behindOneAccount, endedPerDay, strains } from './model/scale.ts'
import { billPerMillion, type Shares, shippedMemory } from './model/vend.ts'
import { wave } from './model/wave.ts'
import { readmes } from './readmes.ts'
import { type Results, readResults } from './results.ts'
import { ratios, spread, sum } from './statistics.ts'

const one = (median: number) => ({ median, from: median, to: median, of: 1 })
const usdPerMillion = (shares: Shares, logins = 1) => sum(Object.values(billPerMillion(shares, logins)))

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

test('what was missed stands in the table as missed, and what was not measured as that', () => {
  const results = readResults()
  const row = (importing: Results['importing']) =>
    measurements({ ...results, importing }).find(([what]) => what.startsWith('Import: requests per second'))
  const importing = { users: 1, usersPerSecond: one(5), ofEngine: one(0.5) }
  const missed = ['0.5 (0.5–0.5) (5 users/s)', '≥ 0.9', '**missed**']
  expect(row(importing)?.slice(1)).toEqual(missed)
  expect(row({ ...importing, ofEngine: one(0.9) })?.at(-1)).toBe('reached')
  expect(row(undefined)?.slice(1)).toEqual(['', '≥ 0.9', 'not measured'])
})

test('the knee is the least memory that is nearly as quick as a whole CPU', () => {
  const at = (memory: number, start: number, newUser: number) => {
    return { memory, start: one(start), newUser: one(newUser), warm: 1, p95: 1, usdPerMillion: 1 }
  }
  expect(kneeOf([at(512, 90, 300), at(1024, 90, 180), at(1769, 80, 160)])).toBe(1024)
  expect(kneeOf([])).toBeUndefined()
})

test('the memory that the benchmark and the model suppose is the one that ships', () => {
  const [[, vend] = []] = resources(synthesised(), 'AWS::Lambda::Function').filter(
    ([, { Properties }]) => Properties.Handler === 'vend.handler',
  )
  expect(vend?.Properties.MemorySize).toBe(shippedMemory)
})

test('a stack that nobody uses costs by its own template', () => {
  const { parts } = idleBill(5)
  expect(parts.every(({ usd }) => usd > 0)).toBe(true)
  const often = idleBill(1).parts.at(-1)?.usd ?? 0
  expect(often).toBeCloseTo(5 * (parts.at(-1)?.usd ?? 0))
})

test('a million reuses cost the HTTP API more than all the rest together', () => {
  const { 'HTTP API': api, ...rest } = billPerMillion({ extend: 0, create: 0 })
  expect(api).toBe(1)
  expect(sum(Object.values(rest))).toBeLessThan(api)
})

test('of first requests alone, it is the environments of Lambda that run out first', () => {
  const [first] = strains(5000, { extend: 0, create: 1 })
  expect(first?.part).toBe('Lambda: environments at once')
  expect(first?.used).toBeGreaterThan(first?.limit ?? 0)
})

test('cleaning up ends less in a day than its calls to Seam would allow if it never stood still', () => {
  expect(endedPerDay(5)).toBe(172_800)
})

test('a second login of each user costs where records are written, and nothing where they are reused', () => {
  const [extended, reused] = [
    { extend: 1, create: 0 },
    { extend: 0, create: 0 },
  ]
  expect(usdPerMillion(extended, 2)).toBeGreaterThan(usdPerMillion(extended))
  expect(usdPerMillion(reused, 2)).toBe(usdPerMillion(reused))
})

test('100,000 users fit behind one account; a set in one item would be full at a fifth of them', () => {
  const limit = 400 * 1024
  const { shardBytes } = behindOneAccount(100_000, 5)
  expect(shardBytes).toBeLessThan(limit)
  expect(64 * behindOneAccount(20_000, 5).shardBytes).toBeGreaterThan(limit)
})

test('jitter flattens the echo of an outage', () => {
  const settings = {
    pages: 5000,
    lifetimeSeconds: 3600,
    outageFrom: 3600,
    outageTo: 5400,
    seconds: 21_600,
  }
  const on = wave({ ...settings, jitter: true })
  const off = wave({ ...settings, jitter: false })
  expect(on.echoSecond).toBeLessThan(off.echoSecond)
  // Who is refused pauses, ever longer: more requests than in a quiet half hour, and not one each second.
  expect(on.refused).toBeGreaterThan(1000 / 2)
  expect(on.refused).toBeLessThan(1000 * 20)
})
