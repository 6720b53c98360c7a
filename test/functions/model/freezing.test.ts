import fc from 'fast-check'
import { expect, test } from 'vitest'
import { times } from '../../../functions/times.ts'
import { playHistories } from './histories.ts'
import { mistakes } from './mistakes.ts'
import { pinned } from './pinned.ts'
import { timesOf } from './planting.ts'
import { play } from './play.ts'
import { protocol } from './protocol.ts'
import type { Command, Fate, Freeze, Scenario } from './scenario.ts'

/** Which breaks count apart: only those of a time that was written long after it was taken. */

const second = 1000
const late: Fate = [1, 2 * second, 'late', 59 * second]

/** A call that arrives after a minute, of a process that died meanwhile, under a key that another retires. */
function retiring(freezes: Command[], cleanUpAfter: number): Scenario {
  return {
    readings: { get_or_create: 'replaces', dead_sessions: 'stay_dead', unknown_account: 400, list: 'live' },
    offer: 0,
    users: [[], []],
    clocks: [0],
    commands: [
      { do: 'vend', after: 0, process: 0, user: 1, sid: 0 },
      { do: 'vend', after: second, process: 0, user: 0, sid: 0, fates: [[1, 0], [1, 0], late] },
      { do: 'kill', after: 100, process: 0 },
      {
        do: 'end_session',
        after: 100,
        process: 1,
        user: 0,
        fates: [
          [1, 0],
          [20, 0],
        ],
      },
      ...freezes,
      { do: 'clean_up', after: cleanUpAfter, process: 2 },
    ],
  }
}

function freeze(ms: number): Command & Freeze {
  return { do: 'freeze', after: 10, process: 1, ms, writing: true }
}

/** Half a minute instead of three: forgets a key before the call arrives, unless it was retired just before. */
const shortGrace = timesOf((right) => ({ ...right, grace: 30 * second }))(protocol)

const told = (scenario: Scenario, by = protocol) =>
  playHistories({ seed: 1, runs: 1 }, { by, drawn: fc.constant(scenario), shrinks: false })

const frozen = retiring([freeze(60.5 * second)], 60.6 * second)

test('a break of a time written long after it was taken counts apart, with its path and why', async () => {
  const { broken, apart } = await told(frozen, shortGrace)
  expect(broken).toBeUndefined()
  expect(apart).toEqual([
    expect.objectContaining({
      seed: 1,
      path: '0',
      failure: expect.objectContaining({ invariant: 'led' }),
      why: expect.stringMatching(/^process 2 froze for 60\.\d+ s .*: retired\.0\.at of A/),
    }),
  ])
  expect(await told(frozen)).toMatchObject({ apart: [] })
})

test.each([
  ['without a freeze', retiring([], 31 * second)],
  ['frozen for no longer than clocks may differ', retiring([freeze(times.clockSkew)], 60.1 * second)],
  [
    'frozen after its write was sent',
    retiring([{ ...freeze(60.5 * second), writing: false }], 60.6 * second),
  ],
])('%s the same break fails', async (_, scenario) => {
  const { broken, apart } = await told(scenario, shortGrace)
  expect({ invariant: broken?.failure.invariant, apart }).toEqual({ invariant: 'led', apart: [] })
})

test.each([
  'a session is kept in the record after it was retired',
  'a stranger’s id is retired',
  'what was withdrawn is not remembered',
  'a login is marked after its account was added',
  'an identity is set without writing its item',
  'a refused write is written all the same',
  'the holders of an account shrink when it is withdrawn',
])('nor does a late time excuse what it does not explain: %s', async (mistake) => {
  const { plant, breaks } = mistakes[mistake] ?? expect.fail()
  const scenario = pinned().find((one) => one.mistake === mistake)?.scenario ?? expect.fail()
  const user = scenario.users.length
  const commands: Command[] = [
    { do: 'vend', after: 0, process: 1, user, sid: 0 },
    {
      do: 'end_session',
      after: second,
      process: 1,
      user,
      fates: [
        [1, 0],
        [20, 0],
      ],
    },
    freeze(120 * second),
    { do: 'vend', after: 130 * second, process: 2, user, sid: 0 },
    ...scenario.commands,
  ]
  const both = { ...scenario, users: [...scenario.users, []], commands }
  expect((await play(both, { by: plant(protocol) })).writtenLate).toMatch(/^process 2 froze for 119\.\d+ s /)
  const { broken, apart } = await told(both, plant(protocol))
  expect({ invariant: broken?.failure.invariant, apart }).toEqual({ invariant: breaks, apart: [] })
})
