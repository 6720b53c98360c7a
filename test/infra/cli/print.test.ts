import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { shellQuoted, table } from '../../../infra/cli/print.ts'
import { rangeFrom, untilFrom } from '../../../infra/cli/times.ts'

test('what is quoted for a shell is one word of it, whatever it holds', async () => {
  for (const text of [
    'auth0|64a',
    "o'hara|x",
    'a b',
    '$(id)',
    '`id`',
    '!!',
    '*',
    '~',
    '#x',
    '',
    'plain-1.2_3',
    '日本|人',
  ])
    expect(await promisify(execFile)('/bin/sh', ['-c', `printf %s ${shellQuoted(text)}`])).toMatchObject({
      stdout: text,
    })
  expect(shellQuoted('plain-1.2_3')).toBe('plain-1.2_3')
})

test('a table is as wide as its widest cells, and steers no terminal', () => {
  expect(
    table(
      ['A', 'B'],
      [
        ['long cell', 'x'],
        ['s', '\u001b[31mred\u202e'],
      ],
    ),
  ).toBe(['A          B', 'long cell  x', 's          [31mred'].join('\n'))
})

describe('times', () => {
  const now = Date.parse('2026-03-01T00:00:00Z')
  test.each([
    ['never', null],
    ['+30d', '2026-03-31T00:00:00.000Z'],
    ['+90m', '2026-03-01T01:30:00.000Z'],
    ['2026-03-31T14:00:00+02:00', '2026-03-31T12:00:00.000Z'],
  ])('--until %s', (text, iso) => {
    expect(untilFrom(text, now)).toBe(iso)
  })
  test.each(['tomorrow', '2026-03-31', '30d', '+30y', '2026-13-01T00:00:00Z', '2026-02-31T00:00:00Z', ''])(
    '--until %j is none',
    (text) => {
      expect(() => untilFrom(text, now)).toThrow('--until')
    },
  )
  test('--at is a day or a moment', () => {
    const day = rangeFrom('2026-03-03')
    expect(day.end - day.start).toBe(86_400_000)
    expect(rangeFrom('2026-03-03T10:00:00Z')).toEqual({
      start: Date.parse('2026-03-03T10:00:00Z'),
      end: Date.parse('2026-03-03T10:00:00Z') + 1,
    })
    expect(() => rangeFrom('2026-02-31')).toThrow('--at')
  })
})
