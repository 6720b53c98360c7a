import { expect, test } from 'vitest'
import { type Afterwards, brokenRules, type Happening } from './history.ts'

const asked = (owner = 'ada'): Happening => ({ kind: 'asked', owner })
const answered = (change: object = {}): Happening => ({
  kind: 'answered',
  owner: 'ada',
  status: 200,
  token: 't',
  ...change,
})
const session = { token: 't', key: 'p_ada_1', live: true, accountIds: ['a'] }
const record = { owner: 'ada', accountIds: ['a'], keys: ['p_ada_1'] }
const well: Afterwards = { sessions: [session], records: [record], strangers: [] }

test('a history in which all is well breaks no rule', () => {
  expect(
    brokenRules(
      [asked(), answered(), asked(), answered({ status: 503, token: undefined, retryAfter: '1' })],
      well,
    ),
  ).toEqual([])
})

const other = { ...session, token: 'u', key: 'p_ada_2' }
test.each<[string, Happening[], Afterwards]>([
  ['every-request-ends', [asked(), asked(), answered()], well],
  ['only-known-outages', [asked(), answered({ status: 500, token: undefined })], well],
  ['retry-after', [asked(), answered({ status: 503, token: undefined })], well],
  ['a-token-of-seam', [asked(), answered({ token: 'made-up' })], well],
  ['ones-own-token', [asked(), answered()], { ...well, sessions: [{ ...session, key: 'p_grace_1' }] }],
  [
    'no-more-than-the-record',
    [asked(), answered()],
    { ...well, sessions: [{ ...session, accountIds: ['a', 'b'] }] },
  ],
  [
    'one-live-session',
    [asked(), answered(), asked(), answered({ token: 'u' })],
    { ...well, sessions: [session, other], records: [{ ...record, keys: ['p_ada_1', 'p_ada_2'] }] },
  ],
  ['no-orphan', [asked(), answered()], { ...well, sessions: [session, other] }],
  ['strangers-untouched', [asked(), answered()], { ...well, strangers: ['s'] }],
])('%s is noticed when it is broken', (rule, history, afterwards) => {
  expect(brokenRules(history, afterwards).map((sentence) => sentence.split(':')[0])).toEqual([rule])
})
