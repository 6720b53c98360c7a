import { hash } from 'node:crypto'
import type { Audit } from '../http/audit.ts'
import type { ClientSessionAnswer } from '../http/contract.ts'
import { Problem } from '../http/problem.ts'
import { recordedSession, type User } from '../record/user.ts'
import { expectAdmission } from '../seam/breaker.ts'
import { type HandedOut, obtainToken } from '../session/carry-out.ts'
import { newTrace, type SessionDeps, type Trace } from '../session/deps.ts'
import { type AdmitDeps, admitCaller, type CallerRequest, checkCaller } from './admit.ts'

/** Hands a verified caller the token of their own client session, and of no other. */

export type VendDeps = SessionDeps & AdmitDeps

export interface VendRequest extends CallerRequest {
  /** The client session whose token Seam refused. */
  staleClientSessionId?: string | undefined
}

export type VendResult = ReturnType<typeof vendResult>

export async function vend(deps: VendDeps, request: VendRequest): Promise<VendResult> {
  const { caller, staleClientSessionId: dead, deadline, audit } = request
  const { binding } = caller
  // A new record is written with its first claim.
  const user = await admitCaller(deps, caller, () =>
    expectAdmission(deps.breakers.create, deps.clock(), deps.terms.times),
  )
  if (dead !== undefined) checkReport(deps, user, binding, dead)
  const trace = newTrace()
  const admit = (seen: User) => checkCaller(deps, seen, caller)
  const act = { binding, admit, deadline, trace, dead }
  const handedOut = await obtainToken(deps, user, act).finally(() => fillAudit(audit, trace))
  return vendResult(deps, handedOut, audit)
}

/** A binding may report its session dead once in a while: each report costs a new one. */
function checkReport({ terms, clock }: VendDeps, user: User, binding: string, dead: string): void {
  if (recordedSession(user, binding)?.client_session_id !== dead) return
  const last = user.recent[binding]?.reported_dead_at ?? Number.NEGATIVE_INFINITY
  const again = last + terms.times.reportedDead - clock()
  if (again > 0) throw new Problem('rate_limited', { reason: 'reported_dead', retryAfter: again / 1000 })
}

/** Times in the body are relative too, because browsers' clocks are wrong. */
function vendResult(
  { configuration, clock }: VendDeps,
  { session, token, refreshIn, settings, isNew }: HandedOut,
  audit: Audit,
) {
  audit.client_session_id = session.client_session_id
  audit.token_sha256 = hash('sha256', token, 'hex').slice(0, 12)
  return {
    isNew,
    body: {
      token,
      token_type: 'seam_client_session',
      client_session_id: session.client_session_id,
      workspace_id: settings.workspace_id,
      endpoint: configuration.seamEndpoint,
      expires_at: new Date(session.expires_at).toISOString(),
      ...lifeInSeconds(session.expires_at - clock(), refreshIn),
    } satisfies ClientSessionAnswer,
  }
}

/** From milliseconds, each rounded to its safe side; nobody is told to refresh after the end. PURE. */
export function lifeInSeconds(left: number, refreshIn: number): { expires_in: number; refresh_in: number } {
  const expires_in = Math.floor(Math.max(0, left) / 1000)
  return { expires_in, refresh_in: Math.min(expires_in, Math.ceil(refreshIn / 1000)) }
}

export function fillAudit(audit: Audit, trace: Trace): void {
  // What was done, if anything was; what was settled for stands in `verdicts`.
  const told = trace.verdicts.find(({ act }) => act !== 'reuse') ?? trace.verdicts[0]
  Object.assign(audit, {
    verdicts: trace.verdicts.map(({ act, reason }) => `${act}:${reason}`),
    ...(told && { verdict: told.act, verdict_reason: told.reason }),
    seam_calls: trace.seam_calls,
    waits: trace.waits,
    ...(trace.wrong_answers.length > 0 && { wrong_answers: trace.wrong_answers }),
  } satisfies Partial<Audit>)
}
