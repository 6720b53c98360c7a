import { describe, expect, test } from 'vitest'
import { tidy } from '../../../functions/record/update.ts'
import {
  entryStep,
  heldAccountIds,
  newUser,
  pending,
  type Retired,
  recordedSession,
  type User,
  unconfirmed,
  wantedAccountIds,
} from '../../../functions/record/user.ts'
import {
  claim,
  commit,
  confirm,
  disable,
  enable,
  endLogin,
  forget,
  grant,
  markUnknown,
  postpone,
  providerSignOut,
  providerStatus,
  recordLogin,
  release,
  remove,
  reportDead,
  retire,
  retireAll,
  revive,
  setAccessUntil,
  setIdentity,
  signOutEverywhere,
  withdraw,
} from '../../../functions/record/writes.ts'
import { times } from '../../../functions/times.ts'
import { terms } from '../session/terms.ts'

const now = Date.UTC(2030, 0, 1)
const hour = 3_600_000
const who = { owner: 'o'.repeat(22), subject: 'main|ada', iss: 'https://issuer.example', sub: 'ada' }
const nobody: User = newUser(who, now)
const [laptop, phone] = ['0123abcd.l', '0123abcd.p']
const answer = { client_session_id: 's1', sealed_token: 'x', created_at: now, expires_at: now + hour }
const by = (key: string, asked_until = now + hour) => ({
  lease_owner: 'me',
  now,
  times,
  asked_until,
  newKey: { key, generation: 7 },
})
const holder: User = { ...nobody, connected_account_ids: ['a', 'b'] }
const claimed = claim(holder, laptop, by('key-1'))
const live = commit(claimed, laptop, answer, ['a', 'b'])
const both = commit(claim(live, phone, by('key-2')), phone, { ...answer, client_session_id: 's2' }, [
  'a',
  'b',
])

describe('a claim', () => {
  test('with a new key writes key, generation, expiry and lease, and counts for binding and user', () => {
    expect(claimed.sessions[laptop]).toEqual({
      user_identifier_key: 'key-1',
      generation: 7,
      asked_until: now + hour,
      lease_owner: 'me',
      lease_until: now + times.lease,
      claimed_at: now,
    })
    expect([claimed.creations, claimed.recent]).toEqual([1, { [laptop]: { creations: 1, since: now } }])
    expect(both.creations).toBe(2)
  })

  test('without one takes the lease, asks for no less, and does not begin anew', () => {
    const later = { lease_owner: 'you', now: now + hour, times, asked_until: now }
    expect(claim(live, laptop, later).sessions[laptop]).toEqual({
      ...live.sessions[laptop],
      lease_owner: 'you',
      lease_until: now + hour + times.lease,
    })
  })
})

describe('a commit', () => {
  test('records the client session, and releases the lease', () => {
    expect(recordedSession(live, laptop)).toMatchObject(answer)
    expect(live.sessions[laptop]).not.toHaveProperty('lease_until')
    expect(recordedSession(claimed, laptop)).toBeUndefined()
  })

  test('lacks what was granted since the claim', () => {
    const meanwhile = grant(claimed, ['c'], now)
    expect(meanwhile.sessions[laptop]).not.toHaveProperty('lacks')
    const committed = commit(meanwhile, laptop, answer, ['a', 'b'])
    expect(committed.sessions[laptop]?.lacks).toEqual(['c'])
  })

  test('a lease that is released lacks it too', () => {
    const extending = claim(live, laptop, { lease_owner: 'me', now, times, asked_until: now })
    const released = release(grant(extending, ['c'], now), laptop, ['a', 'b'])
    expect(released.sessions[laptop]?.lacks).toEqual(['c'])
    expect(released.sessions[laptop]).not.toHaveProperty('lease_owner')
  })
})

describe('retiring', () => {
  const entry: Retired = {
    user_identifier_key: 'key-1',
    binding: laptop,
    client_session_id: 's1',
    at: now,
    expires_at: now + hour,
    tries: 0,
    next_at: now,
  }

  test('moves one session, and no other, into `retired`', () => {
    const next = retire(both, [laptop], now)
    expect(next.retired).toEqual([entry])
    expect(Object.keys(next.sessions)).toEqual([phone])
    expect(retire(next, [laptop], now)).toBe(next)
  })

  test('leaves an entry for a call in flight too, which needs no confirmation', () => {
    const next = retireAll(claimed, now)
    expect(next.retired).toEqual([{ ...entry, client_session_id: undefined }])
    expect([unconfirmed(next), pending(next, times, now)]).toEqual([[], []])
  })

  test('expires with what was asked, whatever was answered', () => {
    const asked = {
      ...live,
      sessions: { [laptop]: { ...live.sessions[laptop], asked_until: now + 2 * hour } },
    } as User
    expect(retireAll(asked, now).retired[0]?.expires_at).toBe(now + 2 * hour)
  })

  test('knows the id that Seam has answered, and the recorded one', () => {
    const ids = (user: User) => user.retired.map(({ client_session_id }) => client_session_id)
    expect(ids(retire(claimed, [laptop], now, 's1'))).toEqual(['s1'])
    expect(ids(retire(live, [laptop], now, 's1'))).toEqual(['s1'])
    expect(ids(retire(live, [laptop], now, 's9'))).toEqual(['s1', 's9'])
  })

  test('what stands in the way of success is unconfirmed, not expired, and of the binding that is asked about', () => {
    const out = retireAll(both, now)
    expect(pending(out, times, now)).toHaveLength(2)
    expect(pending(out, times, now, phone)).toHaveLength(1)
    expect(pending(confirm(out, [entry], now), times, now)).toHaveLength(1)
    expect(pending(out, times, now + hour + times.clockSkew - 1)).toHaveLength(2)
    expect(pending(out, times, now + hour + times.clockSkew)).toEqual([])
  })

  test('an entry is deleted, looked at after the grace, and forgotten; one that fails is tried later', () => {
    const out = retireAll(live, now)
    const step = (user: User, at: number) => user.retired.map((one) => entryStep(one, times, at))
    expect(step(out, now)).toEqual(['delete'])
    const failed = postpone(out, entry, now + 60_000)
    expect([step(failed, now + 59_999), step(failed, now + 60_000)]).toEqual([['wait'], ['delete']])
    const confirmed = confirm(out, [entry], now)
    expect(step(confirmed, now + times.grace - 1)).toEqual(['wait'])
    expect(step(confirmed, now + times.grace)).toEqual(['look'])
    expect(step(failed, now + hour + times.clockSkew)).toEqual(['forget'])
    expect(forget(confirmed, [entry]).retired).toEqual([])
  })
})

describe('accounts', () => {
  test('are granted once, in order; live sessions lack them, those in flight get them from their commit', () => {
    const next = grant(both, ['d', 'a', 'c'], now)
    expect(next.connected_account_ids).toEqual(['a', 'b', 'c', 'd'])
    expect(Object.values(next.sessions).map(({ lacks }) => lacks)).toEqual([
      ['c', 'd'],
      ['c', 'd'],
    ])
    const session = next.sessions[laptop]
    expect(session && heldAccountIds(next, session)).toEqual(['a', 'b'])
    expect(grant(both, ['a'], now)).toBe(both)
  })

  test('are withdrawn with all sessions; what is not held takes nothing away and is remembered', () => {
    const next = withdraw(both, ['a', 'z'], now)
    expect([next.connected_account_ids, next.sessions, next.retired.length]).toEqual([['b'], {}, 2])
    expect(next.withdrawn).toEqual({ a: now, z: now })
    expect(withdraw(both, ['z'], now)).toEqual({ ...both, withdrawn: { z: now } })
  })

  test('that Seam did not know are not asked for during an hour', () => {
    const user = markUnknown(markUnknown(live, ['a'], now - hour), ['b'], now)
    expect(user.unknown_account_ids).toEqual({ a: now - hour, b: now })
    expect(wantedAccountIds(user, times, now)).toEqual(['a'])
    expect(wantedAccountIds(user, times, now + times.unknownAccount)).toEqual(['a', 'b'])
    expect(markUnknown({ ...live, unchecked_since: now }, [], now)).not.toHaveProperty('unchecked_since')
  })

  test('come with a login in the write that marks it', () => {
    const next = recordLogin(live, 'mark', ['c'], now)
    expect([next.connected_account_ids, next.logins]).toEqual([['a', 'b', 'c'], { mark: now }])
    expect(recordLogin(live, 'mark', [], now).connected_account_ids).toEqual(['a', 'b'])
  })
})

describe('status', () => {
  test('an operator’s disable stands above a provider’s, and an operator lifts both', () => {
    const provider = disable(live, 'provider', now)
    expect(provider).toMatchObject({ status: 'disabled', disabled_by: 'provider', sessions: {} })
    expect(disable(provider, 'operator', now).disabled_by).toBe('operator')
    const operator = disable(live, 'operator', now)
    expect(disable(operator, 'provider', now)).toBe(operator)
    expect(enable(operator, 'provider')).toBe(operator)
    expect(enable(operator, 'operator').status).toBe('active')
    expect(enable(provider, 'operator')).toMatchObject({ status: 'active' })
    expect(enable(provider, 'provider')).not.toHaveProperty('disabled_by')
  })

  test('a provider’s events count in the order in which they happened; at equal times disable wins', () => {
    const disabled = providerStatus(live, 'disabled', now, now)
    expect(providerStatus(disabled, 'active', now, now)).toBe(disabled)
    expect(providerStatus(disabled, 'active', now + 1, now).status).toBe('active')
    const enabled = providerStatus(live, 'active', now, now)
    expect(providerStatus(enabled, 'disabled', now - 1, now)).toBe(enabled)
    expect(providerStatus(enabled, 'disabled', now, now).status).toBe('disabled')
  })

  test('a removed user keeps what was refused, and loses the rest', () => {
    const user: User = {
      ...both,
      user_identity_id: 'i',
      access_until: now + hour,
      logins: { m: now },
      ended: { b: now },
    }
    const removed = remove(user, now)
    expect(removed).toMatchObject({
      status: 'removed',
      not_before: now,
      connected_account_ids: [],
      sessions: {},
      logins: { m: now },
      ended: { b: now },
      withdrawn: { a: now, b: now, '*': now },
    })
    expect(removed.retired).toHaveLength(2)
    for (const name of ['user_identity_id', 'access_until']) expect(removed).not.toHaveProperty(name)
    expect(remove({ ...removed, not_before: now + 5 }, now).not_before).toBe(now + 5)
    expect(revive(removed)).toMatchObject({ status: 'active', not_before: now })
    expect(disable(removed, 'operator', now)).toBe(removed)
    expect(providerStatus(removed, 'active', now, now)).toMatchObject({
      status: 'removed',
      provider_event_at: now,
    })
  })
})

describe('signing out', () => {
  test('everywhere retires all sessions, and never lowers the time', () => {
    expect(signOutEverywhere(both, now)).toMatchObject({ sessions: {}, not_before: now })
    expect(signOutEverywhere({ ...both, not_before: now + 5 }, now).not_before).toBe(now + 5)
  })

  test('at the provider counts from the event’s own time, and not again when it is told late', () => {
    const out = providerSignOut(both, now - 5, now)
    expect(out).toMatchObject({ sessions: {}, not_before: now - 5 })
    const again = commit(claim(out, laptop, by('key-3')), laptop, answer, ['a', 'b'])
    expect(providerSignOut(again, now - 5, now)).toBe(again)
    expect(providerSignOut(again, now - 6, now)).toBe(again)
  })

  test('of one login retires its session whatever its age, and remembers the login', () => {
    const out = endLogin(both, phone, now - hour, now)
    expect([Object.keys(out.sessions), out.ended]).toEqual([[laptop], { [phone]: now - hour }])
    expect(endLogin(out, phone, now - 2 * hour, now).ended).toEqual({ [phone]: now - hour })
    expect(endLogin(live, phone, now, now).ended).toEqual({ [phone]: now })
  })

  test('what is reported dead is counted where it survives the session', () => {
    const out = reportDead(both, phone, now)
    expect(Object.keys(out.sessions)).toEqual([laptop])
    expect(out.recent[phone]).toEqual({ creations: 1, since: now, reported_dead_at: now })
  })
})

describe('the end of access, and the identity', () => {
  const until = { ...live, access_until: now + hour }

  test('an end that comes earlier takes the sessions away; later, never, or then as well takes nothing away', () => {
    expect(setAccessUntil(live, now + hour, now)).toEqual({
      ...retireAll(live, now),
      access_until: now + hour,
    })
    expect(setAccessUntil(until, now + 1, now).sessions).toEqual({})
    expect(setAccessUntil(until, now + 2 * hour, now)).toEqual({ ...live, access_until: now + 2 * hour })
    expect(setAccessUntil(until, undefined, now)).toEqual(live)
  })

  test('another identity takes the sessions away, the same one nothing', () => {
    const set = setIdentity(live, 'i', now)
    expect([set.user_identity_id, set.sessions]).toEqual(['i', {}])
    const again = commit(claim(set, laptop, by('key-4')), laptop, answer, ['a', 'b'])
    expect(again.sessions[laptop]?.user_identity_id).toBe('i')
    expect(setIdentity(again, 'i', now).sessions).toEqual(again.sessions)
    expect(setIdentity(again, undefined, now)).not.toHaveProperty('user_identity_id')
    expect(retireAll(again, now).retired.at(-1)?.user_identity_id).toBe('i')
  })
})

test('a record forgets what is too old to matter, and no earlier', () => {
  const old: User = {
    ...nobody,
    logins: { m: now },
    withdrawn: { a: now },
    ended: { b: now },
    recent: { b: { creations: 1, since: now, reported_dead_at: now + 5 } },
    unknown_account_ids: { a: now },
  }
  const at = (ms: number) => tidy(old, terms.kept, times, now + ms)
  expect(at(times.unknownAccount - 1)).toEqual(old)
  expect(at(terms.kept.logins - 1)).toMatchObject({ logins: { m: now }, withdrawn: { a: now } })
  expect(at(terms.kept.logins)).toMatchObject({ logins: {}, withdrawn: {} })
  expect(at(terms.kept.ended - 1).ended).toEqual({ b: now })
  expect(at(terms.kept.ended).ended).toEqual({})
  expect(at(times.budgetWindow + 4).recent).toEqual(old.recent)
  expect(at(times.budgetWindow + 5).recent).toEqual({})
})
