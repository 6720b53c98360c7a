import { expect, test } from 'vitest'
import { leaksIn } from './leaks.ts'

const token = 'seam_cst1a2b3c4d_0f9e8d7c6b5a49382716'
const bearer = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg'
const key = 'test-0a1b2c3d_ownerownerownerowner01_7c9e6679-7425-40de-944b-e07fc1f90ae7'

test.each([
  ['plain', token],
  ['in base64', Buffer.from(`${token}`).toString('base64')],
  ['URL-encoded', encodeURIComponent(bearer)],
  ['by its first characters', `… ${'0f9e8d7c6b5a49382716'.slice(0, 12)} …`],
  ['as a user_identifier_key', JSON.stringify({ reason: key })],
])('a secret that is written %s is found', (_, written) => {
  expect(leaksIn(`before ${written} after`, [token, bearer, key])).toHaveLength(1)
})

test('what is no secret is not found', () => {
  const line = JSON.stringify({ what: 'vend', owner: 'ownerownerownerowner01', token_sha256: '0a1b2c3d4e5f' })
  expect(leaksIn(line, [token, bearer, key])).toEqual([])
})
