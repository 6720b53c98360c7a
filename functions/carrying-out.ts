import { answerFault } from './answer.ts'
import type { Change } from './change.ts'
import type { Deadline } from './deadline.ts'
import { letGoEnder } from './ending.ts'
import { patience } from './patience.ts'
import { Problem } from './problem.ts'
import type { Seal, SealedFor } from './seal.ts'
import { type ClientSession, type Seam, SeamFailure, type SessionRequest } from './seam.ts'
import type { Settings } from './table/table.ts'
import {
  claim,
  commit,
  confirmDeleted,
  forget,
  leaseHeld,
  letGo,
  markUnknown,
  recordedSession,
  settleable,
  type User,
  unconfirmed,
  wantedAccountIds,
} from './user.ts'
import { extendedExpiry, judge, newExpiry, refreshIn, type Terms, type Verdict } from './verdict.ts'
import type { WorkspaceKnower } from './workspace.ts'

/**
 * Carries a verdict out: the only code that changes anything at Seam. The order of its steps is the fence
 * (DESIGN §3): the key is written down before Seam is called, what must end leaves the record before it is
 * deleted, and a token leaves only after the commit.
 */

export interface Edges {
  readUser: (owner: string) => Promise<User | undefined>
  change: Change
  seam: Pick<Seam, 'getOrCreate' | 'delete' | 'list' | 'listConnectedAccountIds'>
  seal: Seal
  workspace: WorkspaceKnower
  clock: () => number
  uuid: () => string
  sleep: (ms: number) => Promise<void>
  /** 0 to 1; spreads those who wait. */
  random: () => number
}

/** What happened, for the audit: filled in as the act goes. */
export interface Trace {
  verdicts: Verdict[]
  seam_calls: string[]
  waits: number
  /** Law 2: what was wrong with an answer of Seam. */
  wrong_answers: string[]
  /** Client sessions that were to be deleted and that Seam no longer knew. */
  already_gone: number
  /** Client sessions that showed under a let-go key, and were deleted. */
  strays: number
}

export const newTrace = (): Trace => ({
  verdicts: [],
  seam_calls: [],
  waits: 0,
  wrong_answers: [],
  already_gone: 0,
  strays: 0,
})

export type Outcome =
  | { handedOut: true; user: User; token: string; refreshIn: number; settings: Settings; isNew: boolean }
  | { handedOut: false; user: User; verdict: Verdict }

const nothingDeleted = { gone: new Set<string>(), failure: undefined }
/** What one act puts up with before it gives up: refused writes, rounds that call Seam, and wrong answers. */
const most = { refusals: 3, rounds: 3, wrongAnswers: 1 }

export function verdictCarrier(edges: Edges, terms: Terms) {
  const { change, seam, seal, workspace, clock } = edges
  const { times } = terms
  const waiting = patience(times)
  const endingFor = letGoEnder(edges)
  /** A call to Seam, and the commit after it. */
  const enough = times.seam + 2 * times.dynamodb

  /**
   * `asked`: somebody asks for a token. Otherwise only what must end is ended, and with `onlyLetGo` only what the
   * record has let go of already. Throws an outage (`Problem`) when what was asked for cannot be had; what has been
   * let go of by then, cleaning up ends.
   */
  return async function carryOut(
    read: User,
    how: {
      asked: boolean
      onlyLetGo?: boolean
      /** Throws what a record holds against whoever asks. Every record is shown to it: one may change while they wait. */
      admit?: (user: User) => void
      deadline: Deadline
      trace: Trace
    },
  ): Promise<Outcome> {
    const { asked, onlyLetGo, admit, deadline, trace } = how
    const me = edges.uuid()
    const ending = endingFor({ deadline, trace, timeToCall })
    let user = read
    /** A sealed token that could not be opened. */
    let unreadable: string | undefined
    let isNew = false
    /** An answer of Seam has been recorded: what it did not give now, it would not give a moment later. */
    let recorded = false
    let refusals = 0
    let rounds = 0
    let unknownMarked = false
    let waitedSince: number | undefined
    /** Why no further act can be had; from then on the record may only be handed out as it is. */
    let trouble: Problem | undefined

    for (;;) {
      admit?.(user)
      const now = clock()
      const verdict = judge(user, terms, now, {
        asked,
        unreadable: unreadable !== undefined && unreadable === recordedSession(user)?.sealed_token,
        settle: recorded || trouble !== undefined,
      })
      trace.verdicts.push(verdict)
      if (verdict.act === 'reuse') {
        const session = recordedSession(user)
        const token =
          session && (await seal.open(session.sealed_token, sealedFor(session.client_session_id), deadline))
        if (token !== undefined) {
          const wait = refreshIn(user, terms, now, verdict.mayWait)
          const settings = await workspace.settings(deadline)
          return { handedOut: true, user, token, refreshIn: wait, settings, isNew }
        }
        unreadable = session?.sealed_token
        continue
      }
      if (verdict.act === 'leave' || onlyLetGo) {
        // Who asks is refused either way; cleaning up ends what could not be ended now.
        await (asked ? endLetGo().catch(() => undefined) : endLetGo())
        return { handedOut: false, user, verdict }
      }
      if (trouble !== undefined) throw trouble
      try {
        await (verdict.act === 'end' ? write(letGo(user, now)) : call(verdict, now))
      } catch (error) {
        if (!(error instanceof Problem) || !verdict.mayWait) throw error
        trouble = error
      }
    }

    function sealedFor(client_session_id: string): SealedFor {
      return { client_session_id, owner: user.owner, user_identifier_key: user.user_identifier_key ?? '' }
    }

    /** Writes, or takes the record that stands instead and lets it be judged again. */
    async function write(next: User): Promise<boolean> {
      const changed = await change(user, next)
      if (changed.user === undefined) throw busy('record_gone')
      user = changed.user
      if (changed.written) return true
      if (++refusals > most.refusals) throw busy('refused_writes')
      return false
    }

    /** create, extend, widen and replace: claim, delete what must be gone first, call, check, commit. */
    async function call(verdict: Verdict, now: number): Promise<void> {
      const mine = user.lease_owner === me && leaseHeld(user, now)
      if (!mine && verdict.act !== 'replace' && leaseHeld(user, now)) {
        if (verdict.mayWait) throw busy('lease_held')
        return waitForTheWinner(now)
      }
      if (!mine || verdict.act === 'replace' || user.user_identifier_key === undefined) {
        const fresh = verdict.act === 'replace' || user.user_identifier_key === undefined
        const key = fresh ? await newKey(user.owner) : undefined
        const base = verdict.act === 'replace' ? letGo(user, now) : user
        const by = {
          lease_owner: me,
          now,
          times,
          ...(key && { newKey: { key, generation: terms.generation } }),
        }
        // A lease that cannot be used would only keep others waiting.
        if (deadline.left() < enough) throw busy('no_time_to_call')
        if (!(await write(claim(base, by)))) return
      }
      if (++rounds > most.rounds) throw busy('rounds')
      const makes = recordedSession(user) === undefined
      // Rule 3: no new key is called while an id that was let go of may still be alive.
      const { gone, failure } = makes ? await ending.deleteUnconfirmed(user) : nothingDeleted
      if (failure !== undefined) throw failure
      const asking = whatToAsk(clock())
      let answer: ClientSession
      try {
        timeToCall('get_or_create')
        answer = await seam.getOrCreate(asking, deadline)
      } catch (error) {
        const unknown = await unknownAccounts(error, asking.connected_account_ids)
        if (unknown === undefined) throw error
        await write(markUnknown(confirmDeleted(user, gone, clock()), unknown, clock()))
        return
      }
      await record(answer, asking, gone)
    }

    function whatToAsk(now: number): SessionRequest {
      const session = recordedSession(user)
      return {
        user_identifier_key: user.user_identifier_key ?? '',
        connected_account_ids: wantedAccountIds(user, times, now),
        expires_at:
          session === undefined ? newExpiry(user, terms, now) : extendedExpiry(user, session, terms, now),
      }
    }

    /** Law 2, then the commit. A refused commit leaves the record as it stands, to be judged again. */
    async function record(answer: ClientSession, asking: SessionRequest, gone: Set<string>): Promise<void> {
      const session = recordedSession(user)
      const { workspace_id } = await workspace.settings(deadline)
      const fault = answerFault(answer, { ...asking, workspace_id, session, now: clock() })
      if (fault !== undefined) {
        trace.wrong_answers.push(fault)
        const ours = answer.user_identifier_key === asking.user_identifier_key
        const answered = ours ? answer.client_session_id : undefined
        await write(letGo(confirmDeleted(user, gone, clock()), clock(), answered))
        if (trace.wrong_answers.length > most.wrongAnswers)
          throw new Problem('upstream_rejected', { dependency: 'seam', reason: fault })
        return
      }
      const committed = commit(confirmDeleted(user, gone, clock()), {
        client_session_id: answer.client_session_id,
        sealed_token: await seal.seal(answer.token, sealedFor(answer.client_session_id), deadline),
        created_at: session?.created_at ?? clock(),
        expires_at: Math.min(Date.parse(answer.expires_at), asking.expires_at),
        account_ids: asking.connected_account_ids,
      })
      if (!(await write(committed))) return
      recorded = true
      isNew ||= session === undefined
    }

    async function newKey(owner: string): Promise<string> {
      const { key_prefix } = await workspace.settings(deadline)
      return `${key_prefix}_${owner}_${edges.uuid()}`
    }

    /** Only callers without a usable token come here: they wait for the winner's commit. */
    async function waitForTheWinner(now: number): Promise<void> {
      const started = (user.lease_until ?? now) - times.lease
      const waited = waitedSince === undefined ? undefined : now - waitedSince
      const next = waiting.untilNextLook({ since: now - started, waited, chance: edges.random() })
      const left = Math.min(times.waiting - (waited ?? 0), deadline.left() - 2 * times.dynamodb)
      waitedSince ??= now
      if (left <= 0) throw busy('waited')
      trace.waits++
      await edges.sleep(Math.min(left, next))
      const found = await edges.readUser(user.owner)
      if (found === undefined) throw busy('record_gone')
      user = found
      const made = recordedSession(found)?.created_at
      if (made !== undefined && made >= started) waiting.learn(made - started)
    }

    /** Finishes what the record has let go of: deletes, confirms, and after the grace looks whether anything shows. */
    async function endLetGo(): Promise<void> {
      while (unconfirmed(user).length > 0) {
        const { gone, failure } = await ending.deleteUnconfirmed(user)
        while (gone.size > 0 && !(await write(confirmDeleted(user, gone, clock())))) {
          // A delete is a fact whatever the record says now.
        }
        if (failure !== undefined) throw failure
      }
      if (asked) return
      const settled = new Set<string>()
      const keys = settleable(user, times, clock())
      // Law 5: in another workspace nothing ever shows.
      if (keys.length > 0) await workspace.confirm(deadline)
      for (const { user_identifier_key } of keys)
        if (await ending.nothingShows(user_identifier_key)) settled.add(user_identifier_key)
      if (settled.size > 0) await write(forget(user, settled))
    }

    /** The accounts that made Seam refuse, once the API key's workspace is confirmed; undefined if it was something else. */
    async function unknownAccounts(error: unknown, asked: string[]): Promise<string[] | undefined> {
      const refused = error instanceof SeamFailure && (error.httpStatus === 400 || error.httpStatus === 404)
      if (!refused || unknownMarked) return undefined
      unknownMarked = true
      await workspace.confirm(deadline)
      const known = new Set(await seam.listConnectedAccountIds(deadline))
      const unknown = asked.filter((id) => !known.has(id))
      return unknown.length > 0 ? unknown : undefined
    }

    /** No call starts without the time to commit after it, nor under a lease that may end before it does. */
    function timeToCall(path: string): void {
      const leased = user.lease_owner !== me || (user.lease_until ?? 0) - clock() > times.seam
      if (deadline.left() < enough || !leased) throw busy('no_time_to_call')
      trace.seam_calls.push(path)
    }
  }

  function busy(reason: string): Problem {
    return new Problem('busy', { reason, retryAfter: 1 })
  }
}
