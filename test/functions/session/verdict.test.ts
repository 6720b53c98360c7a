import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  heldAccountIds,
  newUser,
  recordedSession,
  type User,
  wantedAccountIds,
} from '../../../functions/record/user.ts'
import { claim, commit, grant, retireAll, withdraw } from '../../../functions/record/writes.ts'
import { shared } from '../../../functions/session/binding.ts'
import type { Terms } from '../../../functions/session/terms.ts'
import {
  evicted,
  expiryToAsk,
  foreignBindings,
  judge,
  newExpiry,
  refreshIn,
} from '../../../functions/session/verdict.ts'
import { faster, times } from '../../../functions/times.ts'
import { withShared } from '../keeper.ts'
import { terms as usual } from './terms.ts'

const second = 1000
const minute = 60 * second
const longestAge = 720 * minute
const terms: Terms = { ...usual, creations: 5 }
const t0 = 1_800_000_000_000

const somebody = () =>
  newUser({ owner: 'o'.repeat(22), subject: 'main|ada', iss: 'https://issuer.example', sub: 'ada' }, t0)

/** Whose call is in flight. */
function claimed(user: User, { now = t0, generation = 1, binding = shared, key = 'key-1' } = {}): User {
  const newKey = { key, generation }
  return claim(user, binding, {
    lease_owner: 'me',
    now,
    times,
    asked_until: newExpiry(user, terms, now),
    newKey,
  })
}

function withSession(overrides: Partial<User> = {}, session: Parameters<typeof withShared>[1] = {}): User {
  const held = { ...somebody(), connected_account_ids: ['a', 'b'] }
  const answer = {
    client_session_id: 's1',
    sealed_token: 'sealed',
    created_at: t0,
    expires_at: t0 + terms.lifetime,
  }
  const committed = commit(claimed(held), shared, answer, ['a', 'b'])
  return { ...withShared(committed, session), ...overrides }
}

const asked = (user: User, now: number) => judge(user, shared, terms, now, { asked: true })
const looked = (user: User, now: number) => judge(user, shared, terms, now, { asked: false })

describe('the verdict when somebody asks', () => {
  test('creates for a user who has nothing, and leaves one who is barred', () => {
    expect(asked(somebody(), t0)).toEqual({ act: 'create', reason: 'first_request', mayWait: false })
    expect(asked({ ...somebody(), status: 'disabled' }, t0)).toMatchObject({
      act: 'leave',
      reason: 'disabled',
    })
    expect(asked({ ...somebody(), access_until: t0 }, t0)).toMatchObject({
      act: 'leave',
      reason: 'access_ended',
    })
  })

  test('reuses until the margin, extends inside it, replaces once expired', () => {
    const user = withSession()
    const expires = t0 + terms.lifetime
    expect(asked(user, expires - terms.refreshMargin - 1).act).toBe('reuse')
    expect(asked(user, expires - terms.refreshMargin)).toEqual({
      act: 'extend',
      reason: 'expiring',
      mayWait: true,
    })
    expect(asked(user, expires - times.goodForMore).mayWait).toBe(true)
    expect(asked(user, expires - times.goodForMore + 1)).toEqual({
      act: 'extend',
      reason: 'expiring',
      mayWait: false,
    })
    expect(asked(user, expires)).toEqual({ act: 'replace', reason: 'expired', mayWait: false })
  })

  test('widens in place when accounts were added, and makes a new one when one was taken', () => {
    expect(asked(grant(withSession(), ['c'], t0), t0)).toMatchObject({
      act: 'widen',
      mayWait: true,
    })
    const narrowed = withdraw(withSession(), ['b'], t0)
    expect(asked(narrowed, t0)).toEqual({ act: 'create', reason: 'first_request', mayWait: false })
    expect(narrowed.retired).toMatchObject([{ client_session_id: 's1' }])
  })

  test('repeats the call under a key whose maker never committed', () => {
    expect(asked(claimed(somebody()), t0)).toMatchObject({ act: 'create', reason: 'unfinished' })
  })

  test('replaces a key of another generation, and a token that cannot be opened', () => {
    expect(asked(withSession({}, { generation: 0 }), t0)).toMatchObject({
      act: 'replace',
      reason: 'other_generation',
    })
    expect(judge(withSession(), shared, terms, t0, { asked: true, unreadable: true })).toMatchObject({
      act: 'replace',
      reason: 'unreadable_token',
    })
  })

  test('replaces early, while the old token still serves, when the longest age leaves less than the margin', () => {
    const created = t0
    const ends = created + longestAge
    const user = withSession({}, { expires_at: ends })
    expect(asked(user, ends - terms.refreshMargin)).toEqual({
      act: 'replace',
      reason: 'longest_age',
      mayWait: true,
    })
    expect(asked(user, ends - terms.refreshMargin - 1).act).toBe('reuse')
  })

  test('asks for no expiry beyond the end date of access, and does not churn what ends with it', () => {
    const until = t0 + 5 * minute
    const user = withSession({ access_until: until }, { expires_at: until, asked_until: until })
    expect(newExpiry(user, terms, t0)).toBe(until)
    expect(asked(user, t0)).toMatchObject({ act: 'reuse', reason: 'nothing_to_gain' })
    expect(asked(user, until)).toMatchObject({ act: 'retire', reason: 'access_ended' })
  })

  test('retires without a new key when the budget of creations is spent, unless the old token may wait', () => {
    const spent = { creations: terms.creations, creations_since: t0 }
    expect(asked({ ...somebody(), ...spent }, t0)).toMatchObject({ act: 'leave', reason: 'rate_limited' })
    expect(asked(withSession(spent, { generation: 0 }), t0)).toMatchObject({
      act: 'retire',
      reason: 'rate_limited',
    })
    const old = { created_at: t0 - longestAge + 5 * minute, expires_at: t0 + 5 * minute }
    expect(asked(withSession(spent, old), t0)).toMatchObject({
      act: 'reuse',
      mayWait: true,
    })
    expect(asked({ ...somebody(), ...spent }, t0 + times.budgetWindow).act).toBe('create')
  })

  test('leaves out of what it compares an account that Seam lately did not know', () => {
    const user = { ...grant(withSession(), ['c'], t0), unknown_account_ids: { c: t0 } }
    expect(asked(user, t0).act).toBe('reuse')
    const later = withShared(user, { expires_at: t0 + 2 * times.unknownAccount })
    expect(asked(later, t0 + times.unknownAccount).act).toBe('widen')
  })
})

test('never hands out the session that this request has reported dead', () => {
  expect(judge(withSession(), shared, terms, t0, { asked: true, dead: 's1' })).toEqual({
    act: 'replace',
    reason: 'reported_dead',
    mayWait: false,
  })
  expect(judge(withSession(), shared, terms, t0, { asked: true, dead: 's1', settle: true }).act).toBe(
    'replace',
  )
  expect(judge(withSession(), shared, terms, t0, { asked: true, dead: 'another' }).act).toBe('reuse')
})

test('a session whose changer died is asked for again, and may be handed out meanwhile', () => {
  const user = withSession({}, { lease_owner: 'dead', lease_until: t0 })
  expect(asked(user, t0 - 1)).toMatchObject({ act: 'reuse' })
  expect(asked(user, t0)).toEqual({ act: 'extend', reason: 'interrupted', mayWait: true })
})

test('another identity, and an earlier end date than was asked for, replace', () => {
  expect(asked(withSession({ user_identity_id: 'i' }), t0)).toMatchObject({ reason: 'other_identity' })
  expect(asked(withSession({ access_until: t0 + minute }), t0)).toMatchObject({ reason: 'access_ended' })
})

describe('several logins of one user', () => {
  const bindings = Array.from({ length: 8 }, (_, n) => `0123abcd.${n}`)
  const several: Terms = { ...terms, longestAges: { '0123abcd': longestAge }, creations: 1000 }
  const full = bindings.reduce((user, binding, n) => {
    const key = `key-${n}`
    const inFlight = claimed(user, { binding, key })
    const answer = {
      client_session_id: key,
      sealed_token: 'x',
      created_at: t0,
      expires_at: t0 + (n + 1) * minute,
    }
    return commit(inFlight, binding, answer, [])
  }, somebody())

  test('each has a client session of its own', () => {
    expect(judge(full, '0123abcd.0', several, t0, { asked: true }).act).toBe('extend')
    expect(judge(full, '0123abcd.9', several, t0, { asked: true })).toMatchObject({ reason: 'first_request' })
  })

  test('a session of no configured issuer is retired by any verdict', () => {
    expect(foreignBindings(full, terms)).toEqual(bindings)
    expect(foreignBindings(full, several)).toEqual([])
    expect(judge(full, '0123abcd.0', terms, t0, { asked: false })).toMatchObject({
      act: 'retire',
      reason: 'other_binding',
    })
  })

  const without = (binding: string, changes: object) =>
    ({
      ...full,
      sessions: { ...full.sessions, [binding]: { ...full.sessions[binding], ...changes } },
    }) as User

  test('one more evicts the expired, then an abandoned call, then the one that expires first; never one in flight', () => {
    const lease = { lease_owner: 'x', lease_until: t0 + times.lease }
    const call = { client_session_id: undefined, expires_at: undefined }
    expect(evicted(full, '0123abcd.0', several, t0)).toBeUndefined()
    expect(evicted(full, '0123abcd.9', several, t0)).toBe('0123abcd.0')
    expect(evicted(without('0123abcd.0', lease), '0123abcd.9', several, t0)).toBe('0123abcd.1')
    expect(evicted(without('0123abcd.5', call), '0123abcd.9', several, t0)).toBe('0123abcd.5')
    expect(evicted(without('0123abcd.5', { ...call, ...lease }), '0123abcd.9', several, t0)).toBe(
      '0123abcd.0',
    )
    expect(evicted(without('0123abcd.7', { expires_at: t0 }), '0123abcd.9', several, t0)).toBe('0123abcd.7')
    const allInFlight = {
      ...full,
      sessions: Object.fromEntries(bindings.map((b) => [b, { ...full.sessions[b], ...lease }])),
    } as User
    expect(evicted(allInFlight, '0123abcd.9', several, t0)).toBe('busy')
  })

  test('one login uses up a quarter of the budget, and leaves the rest to the others', () => {
    const few: Terms = { ...several, creations: 8 }
    const once = (user: User, binding: string) => retireAll(claimed(user, { binding }), t0)
    const greedy = once(once(somebody(), 'b.1'), 'b.1')
    const of = (user: User, binding: string) =>
      judge(user, binding, { ...few, longestAges: { b: longestAge } }, t0, { asked: true })
    expect(of(greedy, 'b.1')).toMatchObject({ act: 'leave', reason: 'rate_limited' })
    expect(of(greedy, 'b.2')).toMatchObject({ act: 'create' })
    const all = ['b.2', 'b.2', 'b.3', 'b.3', 'b.4', 'b.4'].reduce(once, greedy)
    expect(of(all, 'b.5')).toMatchObject({ act: 'leave', reason: 'rate_limited' })
  })
})

describe('the verdict when nobody asks', () => {
  test('retires what is barred, too old, abandoned or of another generation, and leaves the rest', () => {
    expect(looked(withSession({ status: 'disabled' }), t0)).toMatchObject({
      act: 'retire',
      reason: 'disabled',
    })
    expect(looked(withSession(), t0 + longestAge)).toMatchObject({ act: 'retire', reason: 'longest_age' })
    expect(looked(withSession({}, { generation: 0 }), t0)).toMatchObject({
      act: 'retire',
      reason: 'other_generation',
    })
    expect(looked(withSession(), t0 + terms.lifetime)).toMatchObject({ act: 'leave' })
    const inFlight = claimed(somebody())
    expect(looked(inFlight, t0)).toMatchObject({ act: 'leave', reason: 'in_progress' })
    expect(looked(inFlight, t0 + times.grace - 1)).toMatchObject({ act: 'leave', reason: 'in_progress' })
    expect(looked(inFlight, t0 + times.grace)).toMatchObject({ act: 'retire', reason: 'abandoned' })
    expect(looked(retireAll(withSession(), t0), t0)).toMatchObject({
      act: 'leave',
      reason: 'nothing_recorded',
    })
  })
})

/** Records and moments at which every comparison of the verdict stands on, just before and just after its edge. */
const edge = fc.constantFrom(-1, 0, 1)
const everything: string[] = ['a', 'b', 'c']
const accounts = fc.oneof(fc.constant(everything), fc.subarray(everything))
const identity = fc.constantFrom(undefined, undefined, undefined, 'i')
const records = fc
  .record({
    status: fc.constantFrom<User['status'][]>('active', 'active', 'active', 'active', 'disabled', 'removed'),
    connected_account_ids: accounts,
    asked_for: accounts,
    generation: fc.constantFrom(0, 1, 1, 1),
    phase: fc.constantFrom('nothing', 'claimed', 'committed', 'committed', 'committed'),
    leftOf: fc.constantFrom(0, times.goodForMore, terms.refreshMargin, terms.lifetime, terms.lifetime),
    age: fc.constantFrom(0, 0, terms.lifetime, longestAge - terms.refreshMargin, longestAge),
    untilIn: fc.option(fc.constantFrom(0, times.goodForMore, terms.refreshMargin, terms.lifetime), {
      nil: undefined,
    }),
    creations: fc.constantFrom(0, terms.creations),
    unknown: fc.option(fc.constantFrom(0, times.unknownAccount), { nil: undefined }),
    identities: fc.tuple(identity, identity),
    deps: fc.tuple(edge, edge, edge, edge),
  })
  .map((r): User => {
    const [e1, e2, e3, e4] = r.deps
    const [before, after] = r.identities
    const base: User = {
      ...somebody(),
      status: r.status,
      connected_account_ids: r.connected_account_ids,
      creations: r.creations,
      ...(before !== undefined && { user_identity_id: before }),
      ...(r.untilIn !== undefined && { access_until: t0 + r.untilIn + e1 }),
      ...(r.unknown !== undefined && { unknown_account_ids: { b: t0 - r.unknown + e4 } }),
    }
    const now = (user: User): User => {
      const { user_identity_id: _id, ...rest } = user
      return {
        ...rest,
        creations: r.creations,
        recent: {},
        ...(after !== undefined && { user_identity_id: after }),
      }
    }
    if (r.phase === 'nothing') return now(base)
    const inFlight = claimed(base, { now: t0 - 1, generation: r.generation })
    if (r.phase === 'claimed') return now(withShared(inFlight, { lease_until: t0 + e2 }))
    const answer = {
      client_session_id: 's',
      sealed_token: 'x',
      created_at: t0 - r.age + e2,
      expires_at: t0 + r.leftOf + e3,
    }
    const asked_until = Math.min(answer.expires_at, inFlight.access_until ?? answer.expires_at)
    return now(withShared(commit(inFlight, shared, answer, r.asked_for), { asked_until }))
  })
const questions = fc.record({ unreadable: fc.boolean(), settle: fc.boolean() })

test('whatever cleanup would end now, vending would not hand out now', () => {
  const seen = { reuse: 0, retire: 0 }
  fc.assert(
    fc.property(records, questions, (user, question) => {
      const verdict = judge(user, shared, terms, t0, { asked: true, ...question })
      const ends = looked(user, t0).act === 'retire'
      if (ends) seen.retire++
      if (verdict.act !== 'reuse') return
      seen.reuse++
      expect(ends).toBe(false)
      const session = recordedSession(user, shared)
      expect(session?.expires_at).toBeGreaterThan(t0)
      expect(session?.user_identity_id).toBe(user.user_identity_id)
    }),
    { numRuns: 40_000 },
  )
  expect(Math.min(seen.reuse, seen.retire)).toBeGreaterThan(500)
})

test('after a commit of what the verdict asked for, the verdict at the same moment is reuse', () => {
  let commits = 0
  fc.assert(
    fc.property(records, (user) => {
      const verdict = asked(user, t0)
      if (!['create', 'replace', 'extend', 'widen'].includes(verdict.act)) return
      commits++
      const fresh = verdict.act === 'replace' || user.sessions[shared] === undefined
      const base = verdict.act === 'replace' ? retireAll(user, t0) : user
      const asked_until = expiryToAsk(base, shared, terms, t0)
      const newKey = fresh ? { newKey: { key: 'k2', generation: 1 } } : {}
      const inFlight = claim(base, shared, { lease_owner: 'me', now: t0, times, asked_until, ...newKey })
      const session = recordedSession(inFlight, shared)
      const answer = {
        client_session_id: session?.client_session_id ?? 's2',
        sealed_token: 'x',
        created_at: session?.created_at ?? t0,
        expires_at: asked_until,
      }
      const committed = commit(inFlight, shared, answer, wantedAccountIds(inFlight, times, t0))
      expect(asked(committed, t0)).toMatchObject({ act: 'reuse' })
      const made = recordedSession(committed, shared)
      expect(made && heldAccountIds(committed, made)).toEqual(wantedAccountIds(committed, times, t0))
    }),
    { numRuns: 40_000 },
  )
  expect(commits).toBeGreaterThan(500)
})

function sessionIn(user: User) {
  const session = recordedSession(user, shared)
  if (session === undefined) throw new Error('no session')
  return session
}

test('refresh_in lands inside the window in which the server acts, or at the end of what cannot be extended', () => {
  const user = withSession()
  for (const now of [t0, t0 + minute, t0 + 49 * minute, t0 + 50 * minute - 1]) {
    const then = now + Math.ceil(refreshIn(sessionIn(user), terms, now, false) / second) * second
    expect(asked(user, then).act).toBe('extend')
  }
  expect(refreshIn(sessionIn(user), terms, t0 + 55 * minute, true)).toBeLessThanOrEqual(15 * second)
})

test('times that are all divided by the same number keep every verdict', () => {
  const quick: Terms = {
    ...terms,
    lifetime: terms.lifetime / 50,
    refreshMargin: terms.refreshMargin / 50,
    longestAges: { shared: longestAge / 50 },
    times: faster(times, 50),
  }
  const user = withSession({}, { expires_at: t0 + quick.lifetime, asked_until: t0 + quick.lifetime })
  expect(judge(user, shared, quick, t0 + quick.lifetime - quick.refreshMargin - 1, { asked: true }).act).toBe(
    'reuse',
  )
  expect(judge(user, shared, quick, t0 + quick.lifetime - quick.refreshMargin, { asked: true }).act).toBe(
    'extend',
  )
})
