import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { faster, times } from '../../functions/times.ts'
import { claim, commit, letGo, newUser, recordedSession, type User } from '../../functions/user.ts'
import { extendedExpiry, judge, newExpiry, refreshIn, type Terms } from '../../functions/verdict.ts'

const second = 1000
const minute = 60 * second
const terms: Terms = {
  lifetime: 60 * minute,
  refreshMargin: 10 * minute,
  longestAge: 720 * minute,
  generation: 1,
  creations: 5,
  times,
}
const t0 = 1_800_000_000_000

const somebody = () =>
  newUser({ owner: 'o'.repeat(22), subject: 'main|ada', iss: 'https://issuer.example', sub: 'ada' }, t0)

function withSession(overrides: Partial<User> = {}): User {
  const claimed = claim(
    { ...somebody(), connected_account_ids: ['a', 'b'] },
    {
      lease_owner: 'me',
      now: t0,
      times,
      newKey: { key: 'key-1', generation: 1 },
    },
  )
  const session = {
    client_session_id: 's1',
    sealed_token: 'sealed',
    created_at: t0,
    expires_at: t0 + terms.lifetime,
  }
  return { ...commit(claimed, { ...session, account_ids: ['a', 'b'] }), ...overrides }
}

const asked = (user: User, now: number) => judge(user, terms, now, { asked: true })
const looked = (user: User, now: number) => judge(user, terms, now, { asked: false })

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

  test('widens in place when accounts were added, and replaces at once when one was taken', () => {
    expect(asked(withSession({ connected_account_ids: ['a', 'b', 'c'] }), t0)).toMatchObject({
      act: 'widen',
      mayWait: true,
    })
    expect(asked(withSession({ connected_account_ids: ['a'] }), t0)).toEqual({
      act: 'replace',
      reason: 'accounts_narrowed',
      mayWait: false,
    })
    expect(asked(withSession({ connected_account_ids: ['a', 'c'] }), t0).reason).toBe('accounts_narrowed')
  })

  test('repeats the call under a key whose maker never committed', () => {
    const claimed = claim(somebody(), {
      lease_owner: 'x',
      now: t0,
      times,
      newKey: { key: 'k', generation: 1 },
    })
    expect(asked(claimed, t0)).toMatchObject({ act: 'create', reason: 'unfinished' })
  })

  test('replaces a key of another generation, and a token that cannot be opened', () => {
    expect(asked(withSession({ generation: 0 }), t0)).toMatchObject({
      act: 'replace',
      reason: 'other_generation',
    })
    expect(judge(withSession(), terms, t0, { asked: true, unreadable: true })).toMatchObject({
      act: 'replace',
      reason: 'unreadable_token',
    })
  })

  test('replaces early, while the old token still serves, when the longest age leaves less than the margin', () => {
    const created = t0
    const ends = created + terms.longestAge
    const user = withSession({ session_expires_at: ends })
    expect(asked(user, ends - terms.refreshMargin)).toEqual({
      act: 'replace',
      reason: 'longest_age',
      mayWait: true,
    })
    expect(asked(user, ends - terms.refreshMargin - 1).act).toBe('reuse')
  })

  test('asks for no expiry beyond the end date of access, and does not churn what ends with it', () => {
    const until = t0 + 5 * minute
    const user = withSession({ access_until: until, session_expires_at: until })
    expect(newExpiry(user, terms, t0)).toBe(until)
    expect(asked(user, t0)).toMatchObject({ act: 'reuse', reason: 'nothing_to_gain' })
    expect(asked(user, until)).toMatchObject({ act: 'end', reason: 'access_ended' })
  })

  test('lets go without a new key when the budget of creations is spent, unless the old token may wait', () => {
    const spent = { creations: terms.creations, creations_since: t0 }
    expect(asked({ ...somebody(), ...spent }, t0)).toMatchObject({ act: 'leave', reason: 'rate_limited' })
    expect(asked(withSession({ ...spent, connected_account_ids: ['a'] }), t0)).toMatchObject({
      act: 'end',
      reason: 'rate_limited',
    })
    const old = withSession({ ...spent, session_created_at: t0 - terms.longestAge + 5 * minute })
    expect(asked({ ...old, session_expires_at: t0 + 5 * minute }, t0)).toMatchObject({
      act: 'reuse',
      mayWait: true,
    })
    expect(asked({ ...somebody(), ...spent }, t0 + times.budgetWindow).act).toBe('create')
  })

  test('leaves out of what it compares an account that Seam lately did not know', () => {
    const user = withSession({ connected_account_ids: ['a', 'b', 'c'], unknown_account_ids: { c: t0 } })
    expect(asked(user, t0).act).toBe('reuse')
    expect(
      judge(
        { ...user, session_expires_at: t0 + 2 * times.unknownAccount },
        terms,
        t0 + times.unknownAccount,
        {
          asked: true,
        },
      ).act,
    ).toBe('widen')
  })
})

describe('the verdict when nobody asks', () => {
  test('ends what is barred, too old, narrowed, abandoned or of another generation, and leaves the rest', () => {
    expect(looked(withSession({ status: 'disabled' }), t0)).toMatchObject({ act: 'end', reason: 'disabled' })
    expect(looked(withSession(), t0 + terms.longestAge)).toMatchObject({ act: 'end', reason: 'longest_age' })
    expect(looked(withSession({ connected_account_ids: [] }), t0)).toMatchObject({ act: 'end' })
    expect(looked(withSession({ generation: 0 }), t0)).toMatchObject({
      act: 'end',
      reason: 'other_generation',
    })
    expect(looked(withSession(), t0 + terms.lifetime)).toMatchObject({ act: 'leave' })
    const claimed = claim(somebody(), {
      lease_owner: 'x',
      now: t0,
      times,
      newKey: { key: 'k', generation: 1 },
    })
    expect(looked(claimed, t0)).toMatchObject({ act: 'leave', reason: 'in_progress' })
    expect(looked(claimed, t0 + times.lease)).toMatchObject({ act: 'end', reason: 'abandoned' })
    expect(looked(letGo(withSession(), t0), t0)).toMatchObject({ act: 'leave', reason: 'nothing_recorded' })
  })
})

/** Records and moments at which every comparison of the verdict stands on, just before and just after its edge. */
const edge = fc.constantFrom(-1, 0, 1)
const everything: string[] = ['a', 'b', 'c']
const accounts = fc.oneof(fc.constant(everything), fc.subarray(everything))
const records = fc
  .record({
    status: fc.constantFrom<User['status'][]>('active', 'active', 'active', 'active', 'disabled', 'removed'),
    connected_account_ids: accounts,
    session_account_ids: accounts,
    generation: fc.constantFrom(0, 1, 1, 1),
    phase: fc.constantFrom('nothing', 'claimed', 'committed', 'committed', 'committed'),
    leftOf: fc.constantFrom(0, times.goodForMore, terms.refreshMargin, terms.lifetime, terms.lifetime),
    age: fc.constantFrom(0, 0, terms.lifetime, terms.longestAge - terms.refreshMargin, terms.longestAge),
    untilIn: fc.option(fc.constantFrom(0, times.goodForMore, terms.refreshMargin, terms.lifetime), {
      nil: undefined,
    }),
    creations: fc.constantFrom(0, terms.creations),
    unknown: fc.option(fc.constantFrom(0, times.unknownAccount), { nil: undefined }),
    edges: fc.tuple(edge, edge, edge, edge),
  })
  .map((r): User => {
    const [e1, e2, e3, e4] = r.edges
    const base: User = {
      ...somebody(),
      status: r.status,
      connected_account_ids: r.connected_account_ids,
      creations: r.creations,
      ...(r.untilIn !== undefined && { access_until: t0 + r.untilIn + e1 }),
      ...(r.unknown !== undefined && { unknown_account_ids: { b: t0 - r.unknown + e4 } }),
    }
    if (r.phase === 'nothing') return base
    const claimed = claim(base, {
      lease_owner: 'x',
      now: t0 - 1,
      times,
      newKey: { key: 'k', generation: r.generation },
    })
    if (r.phase === 'claimed') return { ...claimed, lease_until: t0 + e2, creations: r.creations }
    return {
      ...commit(claimed, {
        client_session_id: 's',
        sealed_token: 'x',
        created_at: t0 - r.age + e2,
        expires_at: t0 + r.leftOf + e3,
        account_ids: r.session_account_ids,
      }),
      creations: r.creations,
    }
  })
const questions = fc.record({ unreadable: fc.boolean(), settle: fc.boolean() })

test('whatever cleaning up would end now, vending would not hand out now', () => {
  const seen = { reuse: 0, end: 0 }
  fc.assert(
    fc.property(records, questions, (user, question) => {
      const verdict = judge(user, terms, t0, { asked: true, ...question })
      const ends = looked(user, t0).act === 'end'
      if (ends) seen.end++
      if (verdict.act !== 'reuse') return
      seen.reuse++
      expect(ends).toBe(false)
      const session = recordedSession(user)
      expect(session?.expires_at).toBeGreaterThan(t0)
      expect(user.connected_account_ids).toEqual(expect.arrayContaining(session?.account_ids ?? []))
    }),
    { numRuns: 10_000 },
  )
  expect(Math.min(seen.reuse, seen.end)).toBeGreaterThan(100)
})

test('after a commit of what the verdict asked for, the verdict at the same moment is reuse', () => {
  let commits = 0
  fc.assert(
    fc.property(records, (user) => {
      const verdict = asked(user, t0)
      if (!['create', 'replace', 'extend', 'widen'].includes(verdict.act)) return
      commits++
      const fresh = verdict.act === 'replace' || user.user_identifier_key === undefined
      const base = verdict.act === 'replace' ? letGo(user, t0) : user
      const newKey = fresh ? { newKey: { key: 'k2', generation: 1 } } : {}
      const claimed = claim(base, { lease_owner: 'me', now: t0, times, ...newKey })
      const session = recordedSession(claimed)
      const unknown = claimed.unknown_account_ids ?? {}
      const committed = commit(claimed, {
        client_session_id: 's2',
        sealed_token: 'x',
        created_at: session?.created_at ?? t0,
        expires_at: session ? extendedExpiry(claimed, session, terms, t0) : newExpiry(claimed, terms, t0),
        account_ids: claimed.connected_account_ids.filter(
          (id) => t0 >= (unknown[id] ?? 0) + times.unknownAccount,
        ),
      })
      expect(asked(committed, t0)).toMatchObject({ act: 'reuse' })
    }),
    { numRuns: 10_000 },
  )
  expect(commits).toBeGreaterThan(100)
})

test('refresh_in lands inside the window in which the server acts, or at the end of what cannot be extended', () => {
  const user = withSession()
  for (const now of [t0, t0 + minute, t0 + 49 * minute, t0 + 50 * minute - 1]) {
    const then = now + Math.ceil(refreshIn(user, terms, now, false) / second) * second
    expect(asked(user, then).act).toBe('extend')
  }
  expect(refreshIn(user, terms, t0 + 55 * minute, true)).toBeLessThanOrEqual(15 * second)
})

test('times that are all divided by the same number keep every verdict', () => {
  const quick: Terms = {
    ...terms,
    lifetime: terms.lifetime / 50,
    refreshMargin: terms.refreshMargin / 50,
    longestAge: terms.longestAge / 50,
    times: faster(times, 50),
  }
  const user = withSession({ session_expires_at: t0 + quick.lifetime })
  expect(judge(user, quick, t0 + quick.lifetime - quick.refreshMargin - 1, { asked: true }).act).toBe('reuse')
  expect(judge(user, quick, t0 + quick.lifetime - quick.refreshMargin, { asked: true }).act).toBe('extend')
})
