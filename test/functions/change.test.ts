import { expect, test } from 'vitest'
import { type CompareAndSet, userChanger } from '../../functions/change.ts'
import { times } from '../../functions/times.ts'
import { newUser, type User } from '../../functions/user.ts'
import type { Terms } from '../../functions/verdict.ts'

const now = Date.UTC(2030, 0, 1)
const hour = 3_600_000
const terms: Terms = {
  lifetime: hour,
  refreshMargin: hour / 6,
  longestAge: 12 * hour,
  generation: 1,
  creations: 5,
  times,
}
const read: User = {
  ...newUser({ owner: 'o'.repeat(22), subject: 'main|ada', iss: 'https://issuer.example', sub: 'ada' }, now),
  revision: 'read',
}
const leased: User = { ...read, user_identifier_key: 'key', lease_owner: 'me', lease_until: now + 12_000 }

function changer(answer: Awaited<ReturnType<CompareAndSet>>) {
  const calls: Parameters<CompareAndSet>[] = []
  const compareAndSet: CompareAndSet = async (...call) => {
    calls.push(call)
    return answer
  }
  return { change: userChanger({ compareAndSet, uuid: () => 'new' }, terms), calls }
}

test('writes against the revision that was read, with a new one', async () => {
  const { change, calls } = changer({ written: true })
  const next = { ...read, connected_account_ids: ['a'] }
  const user = { ...next, revision: 'new' }
  expect(await change(read, next)).toEqual({ written: true, user })
  expect(calls).toEqual([[read.owner, 'read', user]])
})

test('writes when something is due, and no more once nothing is', async () => {
  const { change, calls } = changer({ written: true })
  await change(read, leased)
  expect(calls[0]?.[2]?.due_at).toBe(leased.lease_until)
  await change(leased, { ...read, due_at: now })
  expect(calls[1]?.[2]).not.toHaveProperty('due_at')
})

test.each([
  ['earlier', now, now + 12_000],
  ['later', now + 20_000, now + 20_000],
])('is due no sooner than the next attempt: one that is %s', async (_, notDueBefore, due_at) => {
  const { change, calls } = changer({ written: true })
  await change(read, leased, { notDueBefore })
  expect(calls[0]?.[2]).toMatchObject({ due_at })
})

test('a refused write gives the record that stands instead', async () => {
  const found = { ...read, revision: 'theirs' }
  expect(await changer({ written: false, found }).change(read, read)).toEqual({ written: false, user: found })
  const gone = await changer({ written: false, found: undefined }).change(read, read)
  expect(gone).toEqual({ written: false, user: undefined })
})

test('a refused write whose record has our revision was ours', async () => {
  const found = { ...read, revision: 'new' }
  expect(await changer({ written: false, found }).change(read, read)).toMatchObject({ written: true })
})
