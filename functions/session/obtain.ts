import { Problem } from '../http/problem.ts'
import { updateUser } from '../record/update.ts'
import {
  isRecorded,
  leaseHeld,
  type RecordedSession,
  recordedSession,
  type Session,
  sessionOf,
  type User,
  wantedAccountIds,
} from '../record/user.ts'
import { claim, commit, markUnknown, release, reportDead, retire } from '../record/writes.ts'
import { type ClientSession, SeamFailure, type SessionRequest } from '../seam/client.ts'
import { answerFault } from './check-answer.ts'
import { type Act, busy, type SessionDeps, startCall } from './deps.ts'
import { lostAccounts } from './lost-accounts.ts'
import type { SealedFor } from './seal.ts'
import { evicted, expiryToAsk, type Verdict } from './verdict.ts'

/**
 * Has Seam make, extend or widen one client session: claim, call, check, commit. The order is what safety rests on
 * (DESIGN §3): the key is written down before Seam is called, and a token leaves only after the commit.
 */

/** One act for one binding, with the record as it was read or written last. */
export interface Attempt extends Act {
  user: User
  readonly binding: string
  /** Names this act in the leases that it takes. */
  readonly me: string
  /** The client session that this request has reported dead. */
  readonly dead?: string
  refusals: number
  rounds: number
  waitedSince?: number
  unknownMarked: boolean
  evicted: boolean
  /** An answer of Seam has been recorded: what it did not give now, it would not give a moment later. */
  recorded: boolean
  isNew: boolean
  /** Keys that this act has retired. */
  replaced: string[]
}

export function newAttempt(
  deps: SessionDeps,
  user: User,
  how: Act & { binding: string; dead?: string },
): Attempt {
  const { binding, dead, deadline, trace } = how
  return {
    user,
    binding,
    me: deps.uuid(),
    ...(dead !== undefined && { dead }),
    deadline,
    trace,
    refusals: 0,
    rounds: 0,
    unknownMarked: false,
    evicted: false,
    recorded: false,
    isNew: false,
    replaced: [],
  }
}

const most = { rounds: 3, wrongAnswers: 1 }

/** Writes, or takes the record that stands instead and lets it be judged again. */
export async function write(deps: SessionDeps, attempt: Attempt, next: User): Promise<boolean> {
  if (attempt.deadline.left() <= 0) throw busy('no_time_to_write')
  const result = await updateUser(deps, attempt.user, next)
  if (result.user === undefined) throw busy('record_gone')
  attempt.user = result.user
  if (result.written) return true
  // Several logins of one user write to one record.
  if (++attempt.refusals > 2 * (deps.terms.sessions + 2)) throw busy('refused_writes')
  return false
}

/** Retires sessions of the record, and remembers their keys. */
export async function writeRetired(deps: SessionDeps, attempt: Attempt, bindings: string[]): Promise<void> {
  const keys = bindings.map((binding) => sessionOf(attempt.user, binding)?.user_identifier_key ?? '')
  const next = retire(attempt.user, bindings, deps.clock())
  if (await write(deps, attempt, next)) attempt.replaced.push(...keys)
}

/** create, extend, widen and replace. Returns when the record is to be judged again. */
export async function callSeam(
  deps: SessionDeps,
  attempt: Attempt,
  verdict: Verdict,
  now: number,
): Promise<void> {
  if (!(await takeLease(deps, attempt, verdict, now))) return
  const claimed = sessionOf(attempt.user, attempt.binding)
  if (claimed === undefined) return
  const accounts = attempt.user.connected_account_ids
  try {
    if (++attempt.rounds > most.rounds) throw busy('rounds')
    const asking = requestFor(deps, attempt, claimed)
    const answer = await ask(deps, attempt, claimed, asking)
    if (answer === undefined) await giveBack(deps, attempt, accounts)
    else await record(deps, attempt, claimed, asking, answer)
  } catch (error) {
    await giveBack(deps, attempt, accounts)
    throw error
  }
}

/** Whether this act may call now. Otherwise it has waited for another, or its claim was refused. */
async function takeLease(
  deps: SessionDeps,
  attempt: Attempt,
  verdict: Verdict,
  now: number,
): Promise<boolean> {
  const { user, binding, me } = attempt
  const session = sessionOf(user, binding)
  const held = leaseHeld(session, now)
  const fresh = verdict.act === 'replace' || session === undefined
  if (!fresh && held && session?.lease_owner === me) return true
  if (!fresh && held) {
    if (verdict.mayWait) throw busy('lease_held')
    await waitForWinner(deps, attempt, now)
    return false
  }
  // A lease that cannot be used would only keep others waiting.
  const { times } = deps.terms
  if (attempt.deadline.left() < times.seam + 2 * times.dynamodb) throw busy('no_time_to_call')
  return fresh ? claimNew(deps, attempt, verdict) : claimStanding(deps, attempt)
}

function claimStanding(deps: SessionDeps, attempt: Attempt): Promise<boolean> {
  const { user, binding, me } = attempt
  const { terms } = deps
  const now = deps.clock()
  const asked_until = expiryToAsk(user, binding, terms, now)
  return write(deps, attempt, claim(user, binding, { lease_owner: me, now, times: terms.times, asked_until }))
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
  const gone = [binding, ...(victim === undefined ? [] : [victim])].flatMap(
    (one) => sessionOf(user, one)?.user_identifier_key ?? [],
  )
  const emptied =
    verdict.reason === 'reported_dead' ? reportDead(user, binding, now) : retire(user, [binding], now)
  const base = victim === undefined ? emptied : retire(emptied, [victim], now)
  const asked_until = expiryToAsk(base, binding, terms, now)
  const newKey = { key: `${key_prefix}_${user.owner}_${deps.uuid()}`, generation: terms.generation }
  const by = { lease_owner: me, now, times: terms.times, asked_until, newKey }
  if (!(await write(deps, attempt, claim(base, binding, by)))) return false
  attempt.replaced.push(...gone)
  attempt.evicted ||= victim !== undefined
  return true
}

function requestFor(deps: SessionDeps, { user, binding }: Attempt, claimed: Session): SessionRequest {
  const now = deps.clock()
  return {
    user_identifier_key: claimed.user_identifier_key,
    connected_account_ids: wantedAccountIds(user, deps.terms.times, now),
    ...(user.user_identity_id !== undefined && { user_identity_id: user.user_identity_id }),
    // The claim says how late it may be.
    expires_at: Math.min(expiryToAsk(user, binding, deps.terms, now), claimed.asked_until),
  }
}

/** Undefined: Seam does not know some of the accounts, and the record says so now. */
async function ask(
  deps: SessionDeps,
  attempt: Attempt,
  claimed: Session,
  asking: SessionRequest,
): Promise<ClientSession | undefined> {
  startCall(deps, attempt, 'get_or_create')
  // Rule 7: by its own clock, the claim that it wrote outlasts the call's timeout.
  if ((claimed.lease_until ?? 0) - deps.clock() <= deps.terms.times.seam) throw busy('lease_too_short')
  try {
    return await deps.seam.getOrCreate(asking, attempt.deadline)
  } catch (error) {
    const refused = error instanceof SeamFailure && (error.httpStatus === 400 || error.httpStatus === 404)
    if (!refused || attempt.unknownMarked) throw error
    attempt.unknownMarked = true
    const lost = await lostAccounts(deps, attempt, asking)
    if (lost === 'not_looked_up') {
      // Cleanup has the time to find out which.
      await write(deps, attempt, { ...attempt.user, unchecked_since: deps.clock() })
      throw error
    }
    if (lost.length === 0) throw error
    await write(deps, attempt, markUnknown(attempt.user, lost, deps.clock()))
    return undefined
  }
}

/** Law 2, then the commit. */
async function record(
  deps: SessionDeps,
  attempt: Attempt,
  claimed: Session,
  asking: SessionRequest,
  answer: ClientSession,
): Promise<void> {
  const { workspace_id } = await deps.workspace.settings(attempt.deadline)
  const session = isRecorded(claimed) ? claimed : undefined
  const fault = answerFault(answer, { ...asking, workspace_id, session, now: deps.clock() })
  if (fault !== undefined) return refuseAnswer(deps, attempt, fault, asking, answer)
  const recorded = {
    client_session_id: answer.client_session_id,
    sealed_token: await deps.seal.seal(answer.token, sealedFor(attempt.user, answer), attempt.deadline),
    created_at: session?.created_at ?? deps.clock(),
    expires_at: Math.min(Date.parse(answer.expires_at), asking.expires_at),
  }
  if (!(await commitAnswer(deps, attempt, claimed, recorded, asking.connected_account_ids))) return
  attempt.recorded = true
  attempt.isNew ||= session === undefined
}

/** What a sealed token is bound to: moved to another record or another key, it does not open. */
export function sealedFor(
  { owner }: User,
  session: { client_session_id: string; user_identifier_key: string | null },
): SealedFor {
  const { client_session_id, user_identifier_key } = session
  return { client_session_id, owner, user_identifier_key: user_identifier_key ?? '' }
}

/** An answered id is retired only if the answer's key is ours: else it is a stranger's. */
async function refuseAnswer(
  deps: SessionDeps,
  attempt: Attempt,
  fault: string,
  asking: SessionRequest,
  answer: ClientSession,
): Promise<void> {
  attempt.trace.wrong_answers.push(fault)
  const ours = answer.user_identifier_key === asking.user_identifier_key
  const answered = ours ? answer.client_session_id : undefined
  const { binding } = attempt
  while (sessionOf(attempt.user, binding)?.user_identifier_key === asking.user_identifier_key) {
    const next = retire(attempt.user, [binding], deps.clock(), answered)
    if (await write(deps, attempt, next)) attempt.replaced.push(asking.user_identifier_key)
  }
  if (attempt.trace.wrong_answers.length > most.wrongAnswers)
    throw new Problem('upstream_rejected', { dependency: 'seam', reason: fault })
}

/**
 * Rule 9: refused because of something else in the record, the commit is made again on the record found, without
 * another call, while this binding's entry is to the letter the one that the claim wrote. Otherwise the answer is dropped.
 */
async function commitAnswer(
  deps: SessionDeps,
  attempt: Attempt,
  claimed: Session,
  answer: Pick<RecordedSession, 'client_session_id' | 'sealed_token' | 'created_at' | 'expires_at'>,
  asked: string[],
): Promise<boolean> {
  const { binding } = attempt
  for (;;) {
    if (await write(deps, attempt, commit(attempt.user, binding, answer, asked))) return true
    if (!isSameSession(sessionOf(attempt.user, binding), claimed)) return false
  }
}

function isSameSession(found: Session | undefined, claimed: Session): boolean {
  if (found === undefined) return false
  const names = new Set([...Object.keys(found), ...Object.keys(claimed)]) as Set<keyof Session>
  return [...names].every((name) => String(found[name]) === String(claimed[name]))
}

/** Once, and only our own lease: whoever comes next need not wait for it to expire. */
async function giveBack(deps: SessionDeps, attempt: Attempt, accounts: string[]): Promise<void> {
  const { user, binding, me, deadline } = attempt
  if (sessionOf(user, binding)?.lease_owner !== me || deadline.left() <= 0) return
  try {
    await write(deps, attempt, release(user, binding, accounts))
  } catch {
    // The table is unavailable too; then the lease expires.
  }
}

/** Only callers without a usable token come here: they wait for the winner's commit. */
async function waitForWinner(deps: SessionDeps, attempt: Attempt, now: number): Promise<void> {
  const { times } = deps.terms
  const { user, binding, deadline } = attempt
  const started = (sessionOf(user, binding)?.lease_until ?? now) - times.lease
  const waited = attempt.waitedSince === undefined ? undefined : now - attempt.waitedSince
  const next = deps.retryDelay.untilNextLook({ since: now - started, waited, chance: deps.random() })
  const left = Math.min(times.waiting - (waited ?? 0), deadline.left() - 2 * times.dynamodb)
  attempt.waitedSince ??= now
  if (left <= 0) throw busy('waited')
  attempt.trace.waits++
  await deps.sleep(Math.min(left, next))
  const found = await deps.table.readUser(user.owner)
  if (found === undefined) throw busy('record_gone')
  attempt.user = found
  const made = recordedSession(found, binding)?.created_at
  if (made !== undefined && made >= started) deps.retryDelay.learn(made - started)
}
