import { leaseHeld, sessionOf } from '../record/user.ts'
import { claim, release, reportDead, retire } from '../record/writes.ts'
import { admit, isOpen, unanswered } from '../seam/breaker.ts'
import { type Attempt, write } from './attempt.ts'
import { busy, type SessionDeps } from './deps.ts'
import { evicted, expiryToAsk, type Verdict } from './verdict.ts'

/** The right of one act to call Seam for one client session: taken with the claim, waited for, given back. DESIGN §3. */

/** Whether this act may call now. Otherwise it has waited for another, or its claim was refused. */
export async function takeLease(deps: SessionDeps, attempt: Attempt, verdict: Verdict): Promise<boolean> {
  const { user, binding, me } = attempt
  const now = deps.clock()
  const session = sessionOf(user, binding)
  const held = leaseHeld(session, now)
  const fresh = verdict.act === 'replace' || session === undefined
  const { breakers, terms } = deps
  const { times } = terms
  if (!fresh && held) {
    if (session.lease_owner === me) return true
    if (verdict.mayWait) throw busy('lease_held')
    // Who holds it is most likely waiting in vain.
    if (isOpen(breakers.create)) throw unanswered(breakers.create.probeAt - now)
    await waitForWinner(deps, attempt, now)
    return false
  }
  // A lease that cannot be used would only keep others waiting.
  if (attempt.deadline.left() < times.seam + 2 * times.dynamodb) throw busy('no_time_to_call')
  if (!attempt.admitted) admit(breakers.create, now, times)
  attempt.admitted = true
  if (fresh) return claimNew(deps, attempt, verdict)
  const asked_until = expiryToAsk(user, binding, terms, now)
  return write(deps, attempt, claim(user, binding, { lease_owner: me, now, times, asked_until }))
}

/** A new key, in one write with the retirement of what it replaces or evicts. */
async function claimNew(deps: SessionDeps, attempt: Attempt, verdict: Verdict): Promise<boolean> {
  const { binding, me } = attempt
  const { terms } = deps
  const { key_prefix } = await deps.workspace.settings(attempt.deadline)
  const now = deps.clock()
  const { user } = attempt
  const victim = sessionOf(user, binding) === undefined ? evicted(user, binding, terms, now) : undefined
  if (victim === 'busy' || (victim !== undefined && attempt.evicted)) throw busy('all_sessions_in_flight')
  const leaving = victim === undefined ? [binding] : [binding, victim]
  const gone = leaving.flatMap((one) => sessionOf(user, one)?.user_identifier_key ?? [])
  const judged = verdict.reason === 'reported_dead' ? reportDead(user, binding, now) : user
  const base = retire(judged, leaving, now)
  const asked_until = expiryToAsk(base, binding, terms, now)
  const newKey = { key: `${key_prefix}_${user.owner}_${deps.uuid()}`, generation: terms.generation }
  const by = { lease_owner: me, now, times: terms.times, asked_until, newKey }
  if (!(await write(deps, attempt, claim(base, binding, by)))) return false
  attempt.replaced.push(...gone)
  attempt.evicted ||= victim !== undefined
  return true
}

/** Once, and only our own lease: whoever comes next need not wait for it to expire. */
export async function giveBack(deps: SessionDeps, attempt: Attempt, accounts: string[]): Promise<void> {
  const { user, binding, me, deadline, unchecked } = attempt
  if (sessionOf(user, binding)?.lease_owner !== me || deadline.left() <= 0) return
  try {
    const released = release(user, binding, accounts)
    // Cleanup has the time to find out which.
    await write(deps, attempt, unchecked ? { ...released, unchecked_since: deps.clock() } : released)
  } catch {
    // The table is unavailable too; then the lease expires.
  }
}

/** Milliseconds: most calls of Seam have been committed by then. */
const firstLook = 125

/**
 * Only callers without a usable token come here. They look for the winner's commit, at ever longer intervals, until
 * `times.waiting` is over; when the lease is over before that, they take it.
 */
async function waitForWinner(deps: SessionDeps, attempt: Attempt, now: number): Promise<void> {
  const { times } = deps.terms
  const { user, binding, deadline } = attempt
  attempt.waitedSince ??= now
  const waited = now - attempt.waitedSince
  const left = Math.min(times.waiting - waited, deadline.left() - 2 * times.dynamodb)
  if (left <= 0) throw busy('waited')
  attempt.trace.waits++
  const next = Math.max(waited, firstLook) * (1 + deps.random() / 4)
  const leaseEnds = (sessionOf(user, binding)?.lease_until ?? now) - now
  await deps.sleep(Math.min(left, next, leaseEnds))
  const found = await deps.table.readUser(user.owner)
  if (found === undefined) throw busy('record_gone')
  attempt.user = found
}
