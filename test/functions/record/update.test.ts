import { expect, test } from 'vitest'
import { type CompareAndSet, dueAt, updateUser } from '../../../functions/record/update.ts'
import { newUser, type User } from '../../../functions/record/user.ts'
import { claim, commit, remove, retireAll, signOutEverywhere } from '../../../functions/record/writes.ts'
import { times } from '../../../functions/times.ts'
import { terms } from '../session/terms.ts'

const now = Date.UTC(2030, 0, 1)
const hour = 3_600_000
const longestAge = 12 * hour
const read: User = {
  ...newUser({ owner: 'o'.repeat(22), subject: 'main|ada', iss: 'https://issuer.example', sub: 'ada' }, now),
  revision: 'read',
}
const newKey = { key: 'key', generation: 1 }
const claimed = claim(read, 'shared', { lease_owner: 'me', now, times, asked_until: now + hour, newKey })
const answer = { client_session_id: 's', sealed_token: 'x', created_at: now, expires_at: now + hour }
const live = commit(claimed, 'shared', answer, [])

function updater(answer: Awaited<ReturnType<CompareAndSet>>) {
  const calls: Parameters<CompareAndSet>[] = []
  const compareAndSet: CompareAndSet = async (...call) => {
    calls.push(call)
    return answer
  }
  const deps = { table: { compareAndSet }, uuid: () => 'new', clock: () => now, terms }
  return { update: (from: User, to: User) => updateUser(deps, from, to), calls }
}

test('writes against the revision that was read, with a new one', async () => {
  const { update, calls } = updater({ written: true })
  const next = { ...read, connected_account_ids: ['a'] }
  const user = { ...next, revision: 'new' }
  expect(await update(read, next)).toEqual({ written: true, user })
  expect(calls).toEqual([[read.owner, 'read', user]])
})

test('writes when something is due, and no more once nothing is', async () => {
  const { update, calls } = updater({ written: true })
  await update(read, live)
  expect(calls[0]?.[2].due_at).toBe(now + longestAge)
  await update(live, { ...read, due_at: now })
  expect(calls[1]?.[2]).not.toHaveProperty('due_at')
})

test('after a restore, what any act retires counts as long as anything asked since the backup may live', async () => {
  const { update, calls } = updater({ written: true })
  const [session] = Object.values(live.sessions)
  const restored = {
    ...live,
    sessions: { shared: { ...session, generation: 0, asked_until: now + 1, expires_at: now + 1 } },
  } as User
  for (const act of [retireAll, remove, signOutEverywhere]) await update(restored, act(restored, now))
  const lives = calls.map(([, , { retired }]) => retired[0]?.expires_at)
  expect(lives).toEqual(Array(3).fill(now + terms.lifetime))
})

test('a refused write gives the record that stands instead', async () => {
  const found = { ...read, revision: 'theirs' }
  expect(await updater({ written: false, found }).update(read, read)).toEqual({ written: false, user: found })
  const gone = await updater({ written: false, found: undefined }).update(read, read)
  expect(gone).toEqual({ written: false, user: undefined })
})

test('a refused write whose record has our revision was ours', async () => {
  const found = { ...read, revision: 'new' }
  expect(await updater({ written: false, found }).update(read, read)).toMatchObject({ written: true })
})

test('a tombstone expires long after it has settled, and not before', async () => {
  const { update, calls } = updater({ written: true })
  const removed = remove(live, now)
  await update(live, removed)
  expect(calls[0]?.[2].expires).toBeUndefined()
  await update(removed, { ...removed, retired: [] })
  expect(calls[1]?.[2].expires).toBe(Math.ceil((now + terms.kept.tombstones) / 1000))
  await update(removed, { ...removed, retired: [], status: 'active', expires: 1 })
  expect(calls[2]?.[2].expires).toBeUndefined()
})

const [gone] = retireAll(live, now).retired
const withEntry = (entry: object): User => ({ ...read, retired: [{ ...gone, ...entry }] as User['retired'] })

test.each<[string, User, number | undefined]>([
  ['nothing to do', read, undefined],
  ['a live client session', live, now + longestAge],
  ['one whose access ends before', { ...live, access_until: now + hour }, now + hour],
  ['one whose access ends after', { ...live, access_until: now + 2 * longestAge }, now + longestAge],
  ['a call in flight', claimed, now + times.grace],
  ['an unconfirmed delete', retireAll(live, now), now],
  ['a confirmed one', withEntry({ deleted_at: now }), now + times.grace],
  ['a key without id', retireAll(claimed, now), now + times.grace],
  ['one that has failed', withEntry({ tries: 1, next_at: now + 60_000 }), now + 60_000],
  [
    'one that is put off beyond its expiry',
    withEntry({ next_at: now + 24 * hour }),
    now + hour + times.clockSkew,
  ],
  [
    'a failed one beside another',
    {
      ...withEntry({ next_at: now + 60_000 }),
      retired: [...withEntry({ next_at: now + 60_000 }).retired, ...retireAll(live, now).retired],
    },
    now,
  ],
  ['an account to be looked up', { ...live, unchecked_since: now }, now],
  ['a session that no issuer makes', { ...read, sessions: { 'gone.x': live.sessions.shared } } as User, 0],
])('due: %s', (_, user, due) => {
  expect(dueAt(user, terms)).toBe(due)
})
