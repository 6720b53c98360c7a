import { isDeepStrictEqual } from 'node:util'
import { Problem } from '../http/problem.ts'
import { isRecorded, type Session, sessionOf, type User, wantedAccountIds } from '../record/user.ts'
import { commit, markUnknown, retire } from '../record/writes.ts'
import { through } from '../seam/breaker.ts'
import type { ClientSession, SessionRequest } from '../seam/client.ts'
import { SeamFailure } from '../seam/failure.ts'
import { type Attempt, write } from './attempt.ts'
import { answerFault } from './check-answer.ts'
import { busy, type SessionDeps, startCall } from './deps.ts'
import { giveBack, takeLease } from './lease.ts'
import { lostAccounts } from './lost-accounts.ts'
import type { SealedFor } from './seal.ts'
import { expiryToAsk, type Verdict } from './verdict.ts'

/**
 * Has Seam make, extend or widen one client session: claim, call, check, commit. The order is what safety rests on
 * (DESIGN §3): the key is written down before Seam is called, and a token leaves only after the commit.
 */

const most = { rounds: 3, wrongAnswers: 1 }

interface Call {
  /** The session as the claim wrote it. */
  claimed: Session
  asking: SessionRequest
}

/** create, extend, widen and replace. Returns when the record is to be judged again. */
export async function callSeam(deps: SessionDeps, attempt: Attempt, verdict: Verdict): Promise<void> {
  if (!(await takeLease(deps, attempt, verdict))) return
  const claimed = sessionOf(attempt.user, attempt.binding)
  if (claimed === undefined) return
  const accounts = attempt.user.connected_account_ids
  try {
    if (++attempt.rounds > most.rounds) throw busy('rounds')
    const call = { claimed, asking: requestFor(deps, attempt, claimed) }
    const answer = await ask(deps, attempt, call)
    if (answer === undefined) await giveBack(deps, attempt, accounts)
    else await record(deps, attempt, call, answer)
  } catch (error) {
    await giveBack(deps, attempt, accounts)
    throw error
  }
}

function requestFor(deps: SessionDeps, { user, binding }: Attempt, claimed: Session): SessionRequest {
  const now = deps.clock()
  return {
    user_identifier_key: claimed.user_identifier_key,
    connected_account_ids: wantedAccountIds(user, deps.terms.times, now),
    user_identity_id: user.user_identity_id,
    // The claim says how late it may be.
    expires_at: Math.min(expiryToAsk(user, binding, deps.terms, now), claimed.asked_until),
  }
}

/** Undefined: Seam does not know some of the accounts, and the record says so now. */
async function ask(deps: SessionDeps, attempt: Attempt, call: Call): Promise<ClientSession | undefined> {
  const { claimed, asking } = call
  startCall(deps, attempt, 'get_or_create')
  // Rule 7: by its own clock, the claim that it wrote outlasts the call's timeout.
  if ((claimed.lease_until ?? 0) - deps.clock() <= deps.terms.times.seam) throw busy('lease_too_short')
  try {
    return await through(deps.breakers.create, deps, attempt.deadline, (deadline) =>
      deps.seam.getOrCreate(asking, deadline),
    )
  } catch (error) {
    const refused = error instanceof SeamFailure && (error.httpStatus === 400 || error.httpStatus === 404)
    if (!refused || attempt.unknownMarked) throw error
    attempt.unknownMarked = true
    const lost = await lostAccounts(deps, attempt, asking)
    if (lost === 'not_looked_up') attempt.unchecked = true
    if (lost === 'not_looked_up' || lost.length === 0) throw error
    await write(deps, attempt, markUnknown(attempt.user, lost, deps.clock()))
    return undefined
  }
}

/**
 * Law 2, then the commit. Rule 9: refused because of something else in the record, it is made again on the record found,
 * without another call, while this binding's entry is to the letter the one that the claim wrote. Otherwise the answer
 * is dropped.
 */
async function record(deps: SessionDeps, attempt: Attempt, call: Call, answer: ClientSession): Promise<void> {
  const { claimed, asking } = call
  const { binding } = attempt
  const { workspace_id } = await deps.workspace.settings(attempt.deadline)
  const session = isRecorded(claimed) ? claimed : undefined
  const fault = answerFault(answer, { ...asking, workspace_id, session, now: deps.clock() })
  if (fault !== undefined) return refuseAnswer(deps, attempt, asking, answer, fault)
  const recorded = {
    client_session_id: answer.client_session_id,
    sealed_token: await deps.seal.seal(answer.token, sealedFor(attempt.user, answer), attempt.deadline),
    created_at: session?.created_at ?? deps.clock(),
    expires_at: Math.min(Date.parse(answer.expires_at), asking.expires_at),
  }
  const asked = asking.connected_account_ids
  while (!(await write(deps, attempt, commit(attempt.user, binding, recorded, asked))))
    if (!isDeepStrictEqual(sessionOf(attempt.user, binding), claimed)) return
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
  asking: SessionRequest,
  answer: ClientSession,
  fault: string,
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
