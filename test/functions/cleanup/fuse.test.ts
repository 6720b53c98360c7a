import { describe, expect, test } from 'vitest'
import { holdsBack, isInferred, timeBetween, tooMany } from '../../../functions/cleanup/fuse.ts'
import { newUser } from '../../../functions/record/user.ts'
import { type Reason, reasons } from '../../../functions/session/reasons.ts'

const now = 1_800_000_000_000
const binding = 'shared'
const someone = (expires_at: number) => ({
  ...newUser({ owner: 'o', subject: 'main|o', iss: 'https://issuer.example', sub: 'o' }, now),
  sessions: {
    [binding]: {
      user_identifier_key: 'k',
      generation: 1,
      asked_until: expires_at,
      client_session_id: 's',
      sealed_token: 't',
      created_at: now - 5,
      expires_at,
      claimed_at: now - 6,
    },
  },
})

describe('what is merely inferred', () => {
  test.each<Reason>(['longest_age', 'other_generation', 'other_binding'])(
    '%s, while the client session opens doors',
    (reason) => {
      expect(isInferred(someone(now + 1), binding, reason, now)).toBe(true)
      expect(isInferred(someone(now), binding, reason, now)).toBe(false)
    },
  )
  test.each<Reason>(['disabled', 'removed', 'access_ended', 'abandoned'])('%s is not', (reason) => {
    expect(isInferred(someone(now + 1), binding, reason, now)).toBe(false)
  })
})

test('every reason says why in a sentence', () => {
  for (const { sentence } of Object.values(reasons)) expect(sentence).toMatch(/^\w.*\.$/)
})

test('up to twenty, or a tenth of what was looked at', () => {
  expect([20, 21].map((inferred) => tooMany(inferred, 0))).toEqual([false, true])
  expect([20, 21].map((inferred) => tooMany(inferred, 200))).toEqual([false, true])
  expect([50, 51].map((inferred) => tooMany(inferred, 500))).toEqual([false, true])
})

test('while clocks disagree only decisions are carried out; when there are too many, all that is not inferred', () => {
  const candidate = (reason: Reason, inferred: boolean) => ({
    owner: 'o',
    binding,
    since: now,
    reason,
    inferred,
  })
  const all = [
    candidate('disabled', false),
    candidate('removed', false),
    candidate('abandoned', false),
    candidate('access_ended', false),
    candidate('longest_age', false),
    candidate('longest_age', true),
  ]
  const held = (fuse?: 'clocks_apart' | 'too_many') => all.map((one) => holdsBack(fuse, one))
  expect(held()).toEqual([false, false, false, false, false, false])
  expect(held('too_many')).toEqual([false, false, false, false, false, true])
  expect(held('clocks_apart')).toEqual([false, false, true, true, true, true])
})

test('Seam’s clock is off only by what the second and the call leave no doubt about', () => {
  expect(timeBetween(now, now, now + 50)).toBe(0)
  expect(timeBetween(now, now + 999, now + 1050)).toBe(0)
  expect(timeBetween(now, now + 31_000, now + 31_050)).toBe(30_001)
  expect(timeBetween(now + 30_000, now - 100, now)).toBe(30_000)
  expect(timeBetween(undefined, now, now)).toBe(Number.POSITIVE_INFINITY)
})
