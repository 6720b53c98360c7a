import { callerAdmitter, checkCaller } from './admission.ts'
import type { Caller } from './caller/caller.ts'
import { newTrace, type Outcome, type Trace, type verdictCarrier } from './carrying-out.ts'
import type { Change } from './change.ts'
import type { Configuration } from './config.ts'
import type { ClientSessionAnswer } from './contract.ts'
import type { Deadline } from './deadline.ts'
import type { Audit } from './log.ts'
import { Problem } from './problem.ts'
import type { Table } from './table/table.ts'
import { letGo, reportDead, type User, unconfirmed } from './user.ts'
import { barredReason, budgetReturnsIn, type Terms } from './verdict.ts'

/** What the wire hands over, see DESIGN §6. Times are relative, because browsers' clocks are wrong. */
export interface Vended {
  isNew: boolean
  body: ClientSessionAnswer
}

interface Edges {
  table: Pick<Table, 'readUser' | 'takeFromBudget'>
  change: Change
  carryOut: ReturnType<typeof verdictCarrier>
  clock: () => number
}

export interface Asking {
  caller: Caller
  /** The client session whose token Seam refused. */
  staleClientSessionId?: string
  deadline: Deadline
  audit: Audit
}

export type Vend = (asking: Asking) => Promise<Vended>
export type SignOut = (asking: Asking) => Promise<void>

/** Hands a verified caller the token of their own client session, and of no other. */
export function tokenVendor(edges: Edges, terms: Terms, configuration: Configuration): Vend {
  const { change, carryOut, clock } = edges
  // A new record is written with its first claim.
  const admitCaller = callerAdmitter(edges, terms.times, configuration)

  return async function vend({ caller, staleClientSessionId, deadline, audit }) {
    const { subject } = caller
    let user = await admitCaller(caller)

    if (staleClientSessionId !== undefined && user.client_session_id === staleClientSessionId)
      user = await replaceDead(user)

    const trace = newTrace()
    const admit = (seen: User) => checkCaller(seen, caller, configuration)
    const outcome = await carryOut(user, { asked: true, admit, deadline, trace }).finally(() =>
      fill(audit, trace),
    )
    if (outcome.handedOut) return vended(outcome)
    const now = clock()
    if (barredReason(outcome.user, now) !== undefined) throw new Problem('subject_disabled', { subject })
    throw new Problem('rate_limited', {
      reason: outcome.verdict.reason,
      retryAfter: budgetReturnsIn(outcome.user, terms, now) / 1000,
    })
  }

  /** Letting go is the compare: of ten tabs that report one client session, one gets here. */
  async function replaceDead(user: User): Promise<User> {
    const now = clock()
    const again = (user.reported_dead_at ?? Number.NEGATIVE_INFINITY) + terms.times.reportedDead - now
    if (again > 0) throw new Problem('rate_limited', { reason: 'reported_dead', retryAfter: again / 1000 })
    const changed = await change(user, reportDead(user, now))
    if (changed.user === undefined) throw new Problem('busy', { reason: 'record_gone' })
    if (!changed.written && changed.user.client_session_id === user.client_session_id)
      throw new Problem('busy', { reason: 'refused_write' })
    return changed.user
  }

  function vended({ user, token, refreshIn, settings, isNew }: Outcome & { handedOut: true }): Vended {
    const expiresAt = user.session_expires_at ?? 0
    return {
      isNew,
      body: {
        token,
        token_type: 'seam_client_session',
        client_session_id: user.client_session_id ?? '',
        workspace_id: settings.workspace_id,
        endpoint: configuration.seamEndpoint,
        expires_at: new Date(expiresAt).toISOString(),
        ...lifeInSeconds(expiresAt - clock(), refreshIn),
      },
    }
  }
}

/** From milliseconds, each rounded to its safe side; nobody is told to refresh after the end. PURE. */
export function lifeInSeconds(left: number, refreshIn: number): { expires_in: number; refresh_in: number } {
  const expires_in = Math.floor(Math.max(0, left) / 1000)
  return { expires_in, refresh_in: Math.min(expires_in, Math.ceil(refreshIn / 1000)) }
}

/** Ends the user's client session, on every device; repeatable. Throws an outage while Seam has not confirmed the delete. */
export function signerOut(edges: Edges, configuration: Configuration): SignOut {
  const { table, change, carryOut, clock } = edges

  return async function signOut({ caller, deadline, audit }) {
    let user = await table.readUser(caller.owner)
    if (user === undefined) return
    checkCaller(user, caller, configuration)
    for (let refusals = 0; user.user_identifier_key !== undefined; refusals++) {
      if (refusals > 3) throw new Problem('busy', { reason: 'refused_writes' })
      const changed = await change(user, letGo(user, clock()))
      if (changed.user === undefined) return
      user = changed.user
      if (changed.written) break
    }
    const trace = newTrace()
    const outcome = await carryOut(user, { asked: false, deadline, trace }).finally(() => fill(audit, trace))
    if (unconfirmed(outcome.user).length > 0)
      throw new Problem('upstream_unavailable', { dependency: 'seam', reason: 'unconfirmed' })
  }
}

function fill(audit: Audit, trace: Trace): void {
  // What was done, if anything was; what was settled for stands in `verdicts`.
  const told = trace.verdicts.find(({ act }) => act !== 'reuse') ?? trace.verdicts[0]
  Object.assign(audit, {
    verdicts: trace.verdicts.map(({ act, reason }) => `${act}:${reason}`),
    verdict: told?.act,
    verdict_reason: told?.reason,
    seam_calls: trace.seam_calls,
    waits: trace.waits,
    ...(trace.wrong_answers.length > 0 && { wrong_answers: trace.wrong_answers }),
  } satisfies Partial<Audit>)
}
