import { describe, expect, test } from 'vitest'
import type { AccountAudit, Holding } from '../../../functions/http/audit.ts'
import { during, spansOf } from '../../../infra/cli/holding.ts'

const holding = (ids: string[], more: Partial<Holding> = {}): Holding => ({
  status: 'active',
  connected_account_ids: ids,
  ...more,
})
const entry = (at: number, before: Holding | undefined, after: Holding, act = 'set'): AccountAudit => ({
  what: 'account',
  request_id: 'r',
  owner: 'o',
  subject: 'main|ada',
  by: 'root',
  at,
  act,
  ...(before && { before }),
  after,
})
const now = 1_000

describe('who held account a, and when', () => {
  test('from the grant to the withdrawal, and again', () => {
    const entries = [
      entry(10, undefined, holding(['a']), 'grant'),
      entry(20, holding(['a']), holding(['a', 'b']), 'grant'),
      entry(30, holding(['a', 'b']), holding(['b']), 'withdraw'),
      entry(40, holding(['b']), holding(['a', 'b']), 'grant'),
    ]
    expect(spansOf(entries.reverse(), 'a', now)).toEqual([
      { subject: 'main|ada', from: 10, given: 'grant by root', until: 30, taken: 'withdraw by root' },
      { subject: 'main|ada', from: 40, given: 'grant by root' },
    ])
  })

  test('since before the log, when the first entry finds it there', () => {
    expect(spansOf([entry(30, holding(['a']), holding([]), 'withdraw')], 'a', now)).toEqual([
      { subject: 'main|ada', until: 30, taken: 'withdraw by root' },
    ])
  })

  test('not while disabled', () => {
    const disabled = holding(['a'], { status: 'disabled' })
    const entries = [
      entry(10, undefined, holding(['a']), 'grant'),
      entry(20, holding(['a']), disabled, 'disable'),
      entry(30, disabled, holding(['a']), 'enable'),
    ]
    expect(spansOf(entries, 'a', now).map(({ from, until }) => [from, until])).toEqual([
      [10, 20],
      [30, undefined],
    ])
  })

  test('until the end date, whether or not anything changed since', () => {
    const until = holding(['a'], { access_until: 50 })
    expect(spansOf([entry(10, undefined, until)], 'a', now)).toMatchObject([
      { from: 10, until: 50, taken: 'end date' },
    ])
    expect(spansOf([entry(10, undefined, until)], 'a', 40)).toEqual([
      { subject: 'main|ada', from: 10, given: 'set by root' },
    ])
    const later = entry(70, until, holding(['a']), 'set')
    expect(spansOf([entry(10, undefined, until), later], 'a', now)).toMatchObject([
      { from: 10, until: 50 },
      { from: 70 },
    ])
  })

  test('each user by themselves', () => {
    const other = { ...entry(15, undefined, holding(['a'])), subject: 'main|grace' }
    const spans = spansOf([entry(10, undefined, holding(['a'])), other], 'a', now)
    expect(spans.map(({ subject }) => subject)).toEqual(['main|ada', 'main|grace'])
  })
})

test('a span is there in a range when it has a moment in it', () => {
  const span = { subject: 's', from: 10, until: 20 }
  const ranges: [number, number, boolean][] = [
    [0, 10, false],
    [0, 11, true],
    [12, 13, true],
    [19, 30, true],
    [20, 30, false],
  ]
  for (const [start, end, there] of ranges) expect(during([span], { start, end }).length === 1).toBe(there)
  expect(during([{ subject: 's' }], { start: 0, end: 1 })).toHaveLength(1)
})
