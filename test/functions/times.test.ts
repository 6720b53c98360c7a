import { expect, test } from 'vitest'
import { cleanupTime, faster, times, timingFaults } from '../../functions/times.ts'

const hour = 3_600_000

test('the shipped times keep law 12', () => {
  expect(timingFaults(times, hour)).toEqual([])
})

test.each([
  ['an act that may outlast its lease', { ...times, vend: times.lease }, 'end before its lease'],
  ['a grace that a late call outlasts', { ...times, grace: times.grace - 60_000 }, 'raise `grace`'],
  ['a vend that leaves no time to commit', { ...times, vend: 4000 }, 'must fit into `vend`'],
  ['an issuer that takes all of a vend', { ...times, keySet: 4000 }, 'two documents of an issuer'],
])('%s is a fault', (_, wrong, sentence) => {
  expect(timingFaults(wrong, hour).join()).toContain(sentence)
})

test('a lifetime whose refresh would come too late is a fault', () => {
  expect(timingFaults(times, 300_000).join()).toContain('raise the lifetime')
  expect(timingFaults(times, 301_000)).toEqual([])
})

test('the same rules hold at another speed', () => {
  expect(timingFaults(faster(times, 50), hour / 50)).toEqual([])
})

test('a run of cleaning up is shorter than its schedule, and leaves the function time to end', () => {
  for (let everyMinutes = 1; everyMinutes <= 60; everyMinutes++) {
    expect(cleanupTime(everyMinutes, times)).toBeLessThanOrEqual(everyMinutes * 60_000 - 10_000)
    expect(cleanupTime(everyMinutes, times)).toBeLessThanOrEqual(times.cleanup)
  }
  expect(cleanupTime(5, times)).toBe(times.cleanup)
})
