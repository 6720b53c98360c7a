import { describe, expect, test } from 'vitest'
import { times } from '../../functions/times.ts'
import {
  claim,
  commit,
  confirmDeleted,
  dueAt,
  forget,
  grant,
  leaseHeld,
  letGo,
  markUnknown,
  newUser,
  recordedSession,
  removable,
  reportDead,
  setAccessUntil,
  setStatus,
  settleable,
  signOutEverywhere,
  type User,
  unconfirmed,
  wantedAccountIds,
  withdraw,
} from '../../functions/user.ts'

const now = Date.UTC(2030, 0, 1)
const hour = 3_600_000
const who = { owner: 'o'.repeat(22), subject: 'main|ada', iss: 'https://issuer.example', sub: 'ada' }
const nobody: User = newUser(who, now)
const session = {
  client_session_id: 's1',
  sealed_token: 'sealed',
  created_at: now,
  expires_at: now + hour,
  account_ids: ['a', 'b'],
}
const newKey = { key: 'key-1', generation: 7 }
const claimed = claim(
  { ...nobody, connected_account_ids: ['a', 'b'] },
  { lease_owner: 'me', now, times, newKey },
)
const live = commit(claimed, session)
const gone = { user_identifier_key: 'key-1', client_session_id: 's1', at: now }
const bare = { ...nobody, connected_account_ids: ['a', 'b'], generation: 7, creations: 1 }

test('a new user is active, and holds nothing', () => {
  expect(nobody).toEqual({
    schema: 1,
    ...who,
    status: 'active',
    connected_account_ids: [],
    generation: 0,
    creations: 0,
    creations_since: now,
    ended: [],
    attempts: 0,
  })
})

describe('a claim', () => {
  test('with a new key writes key, generation and lease, and counts', () => {
    expect(claimed).toEqual({
      ...bare,
      user_identifier_key: 'key-1',
      lease_owner: 'me',
      lease_until: now + times.lease,
    })
  })

  test('without one takes the lease and nothing else', () => {
    const later = now + hour
    expect(claim(live, { lease_owner: 'you', now: later, times })).toEqual({
      ...live,
      lease_owner: 'you',
      lease_until: later + times.lease,
    })
  })

  test.each([
    ['in the same window adds up', times.budgetWindow - 1, { creations: 6, creations_since: now }],
    [
      'after it begins again',
      times.budgetWindow,
      { creations: 1, creations_since: now + times.budgetWindow },
    ],
  ])('%s', (_, ms, counted) => {
    const user = { ...nobody, creations: 5 }
    expect(claim(user, { lease_owner: 'me', now: now + ms, times, newKey })).toMatchObject(counted)
  })
})

test('a commit records the client session, and gives the lease back', () => {
  expect(live).toEqual({
    ...bare,
    user_identifier_key: 'key-1',
    client_session_id: 's1',
    sealed_token: 'sealed',
    session_created_at: now,
    session_expires_at: now + hour,
    session_account_ids: ['a', 'b'],
  })
  expect(recordedSession(live)).toEqual(session)
  expect(recordedSession(claimed)).toBeUndefined()
})

test('a record with an id and nothing else has a client session that is over', () => {
  expect(recordedSession({ ...nobody, client_session_id: 's1' })).toEqual({
    client_session_id: 's1',
    sealed_token: '',
    created_at: 0,
    expires_at: 0,
    account_ids: [],
  })
})

describe('letting go', () => {
  test('moves key and id into `ended`, after what stands there', () => {
    const first = { user_identifier_key: 'key-0', at: now - hour }
    const user = letGo({ ...live, ended: [first] }, now)
    expect(user).toEqual({ ...bare, ended: [first, gone] })
  })

  test('of a key without an id leaves an entry too, and takes the lease away', () => {
    expect(letGo(claimed, now)).toEqual({ ...bare, ended: [{ user_identifier_key: 'key-1', at: now }] })
  })

  test('knows the id that Seam has answered, and the recorded one', () => {
    expect(letGo(claimed, now, 's1').ended).toEqual([gone])
    expect(letGo(live, now, 's1').ended).toEqual([gone])
    expect(letGo(live, now, 's2').ended).toEqual([gone, { ...gone, client_session_id: 's2' }])
  })

  test('of nothing changes nothing', () => {
    expect(letGo(nobody, now)).toBe(nobody)
  })
})

describe('`ended`', () => {
  const withoutId = { user_identifier_key: 'key-2', at: now }
  const confirmed = { user_identifier_key: 'key-3', client_session_id: 's3', at: now, deleted_at: now }
  const user: User = { ...nobody, ended: [gone, withoutId, confirmed] }

  test('is unconfirmed where it has an id and no delete', () => {
    expect(unconfirmed(user)).toEqual([gone])
  })

  test('may be settled where nothing is unconfirmed, once the grace is over', () => {
    expect(settleable(user, times, now + times.grace - 1)).toEqual([])
    expect(settleable(user, times, now + times.grace)).toEqual([withoutId, confirmed])
  })

  test('notes when a delete was confirmed, the first time only', () => {
    const ids = new Set(['s1', 's3'])
    expect(confirmDeleted(user, ids, now + 1).ended).toEqual([
      { ...gone, deleted_at: now + 1 },
      withoutId,
      confirmed,
    ])
    expect(confirmDeleted(user, new Set(['s9']), now).ended).toEqual(user.ended)
  })

  test('forgets keys and no others', () => {
    expect(forget(user, new Set(['key-2', 'key-3'])).ended).toEqual([gone])
  })
})

test.each<[string, User, boolean]>([
  ['one who is removed and has let go of everything', { ...nobody, status: 'removed' }, true],
  ['one who is active', nobody, false],
  ['one who is disabled', { ...nobody, status: 'disabled' }, false],
  ['one with a key', { ...claimed, status: 'removed' }, false],
  ['one with something in `ended`', { ...nobody, status: 'removed', ended: [gone] }, false],
])('may be forgotten: %s', (_, user, may) => {
  expect(removable(user)).toBe(may)
})

test('a lease is held until it is over', () => {
  expect(leaseHeld(claimed, now + times.lease - 1)).toBe(true)
  expect(leaseHeld(claimed, now + times.lease)).toBe(false)
  expect(leaseHeld(nobody, now)).toBe(false)
})

const longestAge = 12 * hour
test.each<[string, User, number | undefined]>([
  ['nothing to do', nobody, undefined],
  ['a removed record that may go', { ...nobody, status: 'removed' }, 0],
  ['a live client session', live, now + longestAge],
  ['one whose access ends before', { ...live, access_until: now + hour }, now + hour],
  ['one whose access ends after', { ...live, access_until: now + 2 * longestAge }, now + longestAge],
  ['a lease', claimed, now + times.lease],
  ['a key without a lease', { ...nobody, user_identifier_key: 'key-1' }, 0],
  ['an unconfirmed delete', { ...nobody, ended: [gone] }, now],
  ['a confirmed one', { ...nobody, ended: [{ ...gone, deleted_at: now }] }, now + times.grace],
  ['a let-go key without id', letGo(claimed, now), now + times.grace],
  ['several: the first', { ...live, ended: [{ ...gone, deleted_at: now }] }, now + times.grace],
])('due: %s', (_, user, due) => {
  expect(dueAt(user, longestAge, times)).toBe(due)
})

describe('accounts', () => {
  test('are granted once, in order', () => {
    expect(grant({ ...nobody, connected_account_ids: ['b'] }, ['c', 'a', 'b']).connected_account_ids).toEqual(
      ['a', 'b', 'c'],
    )
    expect(grant(live, ['a'])).toBe(live)
    expect(grant(live, ['c'])).toEqual({ ...live, connected_account_ids: ['a', 'b', 'c'] })
  })

  test('are withdrawn with the client session; what is not held takes nothing away', () => {
    expect(withdraw(live, ['a', 'z'], now)).toEqual({ ...letGo(live, now), connected_account_ids: ['b'] })
    expect(withdraw(live, ['z'], now)).toBe(live)
  })

  test('that Seam did not know are not asked for during an hour', () => {
    const user = markUnknown(markUnknown(live, ['a'], now - hour), ['b'], now)
    expect(user.unknown_account_ids).toEqual({ a: now - hour, b: now })
    expect(wantedAccountIds(user, times, now)).toEqual(['a'])
    expect(wantedAccountIds(user, times, now + times.unknownAccount - 1)).toEqual(['a'])
    expect(wantedAccountIds(user, times, now + times.unknownAccount)).toEqual(['a', 'b'])
    expect(wantedAccountIds(live, times, now)).toEqual(['a', 'b'])
  })
})

test('who is reported dead, disabled, removed or signed out loses the client session', () => {
  const ended = letGo(live, now)
  expect(reportDead(live, now)).toEqual({ ...ended, reported_dead_at: now })
  expect(setStatus(live, 'disabled', now)).toEqual({ ...ended, status: 'disabled' })
  expect(setStatus(live, 'removed', now)).toEqual({ ...ended, status: 'removed' })
  expect(signOutEverywhere(live, now)).toEqual({ ...ended, not_before: now })
  expect(setStatus({ ...live, status: 'disabled' }, 'active', now)).toEqual(live)
})

describe('the end of access', () => {
  const until = { ...live, access_until: now + hour }

  test('that comes earlier takes the client session away', () => {
    expect(setAccessUntil(live, now + hour, now)).toEqual({ ...letGo(live, now), access_until: now + hour })
    expect(setAccessUntil(until, now + 1, now)).toEqual({ ...letGo(live, now), access_until: now + 1 })
  })

  test('that comes later, or never, or then as well, takes nothing away', () => {
    expect(setAccessUntil(until, now + 2 * hour, now)).toEqual({ ...live, access_until: now + 2 * hour })
    expect(setAccessUntil(until, undefined, now)).toEqual(live)
    expect(setAccessUntil(until, now + hour, now)).toEqual(until)
    expect(setAccessUntil(live, undefined, now)).toEqual(live)
  })
})
