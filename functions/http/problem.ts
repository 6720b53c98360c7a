import type { Audit } from './audit.ts'

/**
 * What the wire says when it says no: RFC 9457 problems with a stable `code`, and the `action` that a client
 * should take, because what clients get wrong is when to stop.
 */

export const actions = ['reauthenticate', 'step_up', 'retry', 'stop', 'fix_request'] as const
type Action = (typeof actions)[number]

interface Kind {
  status: 400 | 401 | 403 | 404 | 405 | 413 | 415 | 429 | 500 | 502 | 503 | 504
  action: Action
  title: string
}

const kinds = {
  invalid_request: { status: 400, action: 'fix_request', title: 'The request is not valid.' },
  missing_token: { status: 401, action: 'reauthenticate', title: 'Send a token as `Authorization: Bearer`.' },
  invalid_token: { status: 401, action: 'reauthenticate', title: 'The bearer token is not accepted.' },
  insufficient_user_authentication: {
    status: 401,
    action: 'step_up',
    title: 'The sign-in is too long ago or too weak.',
  },
  not_provisioned: { status: 403, action: 'stop', title: 'This subject has no access here.' },
  subject_disabled: { status: 403, action: 'stop', title: 'The access of this subject has ended.' },
  claim_denied: { status: 403, action: 'stop', title: 'The bearer token’s claims do not grant access.' },
  not_found: { status: 404, action: 'fix_request', title: 'There is nothing at this address.' },
  method_not_allowed: { status: 405, action: 'fix_request', title: 'This address has no such method.' },
  too_large: { status: 413, action: 'fix_request', title: 'The request is too large.' },
  unsupported_media_type: { status: 415, action: 'fix_request', title: 'Send `application/json`.' },
  rate_limited: { status: 429, action: 'retry', title: 'Too many requests in a short time.' },
  internal: { status: 500, action: 'retry', title: 'Something went wrong here.' },
  upstream_rejected: { status: 502, action: 'stop', title: 'Seam gave a wrong answer.' },
  busy: { status: 503, action: 'retry', title: 'The client session is being created; ask again.' },
  upstream_unavailable: { status: 503, action: 'retry', title: 'A service behind this one is unavailable.' },
  issuer_keys_unavailable: { status: 503, action: 'retry', title: 'The issuer’s keys are unavailable.' },
  upstream_timeout: { status: 504, action: 'retry', title: 'A service behind this one timed out.' },
} as const satisfies Record<string, Kind>

export type Code = keyof typeof kinds
export const codes = Object.keys(kinds) as Code[]

/** The service that failed; a metric's dimension, never shown to a caller. */
export type Dependency = 'seam' | 'dynamodb' | 'issuer' | 'secrets'

/** What a sign-in must be, with the names of RFC 9470: one of these `acr` values, and at most so many seconds ago. */
export interface StepUp {
  acr_values?: string[]
  max_age?: number
}

export interface ProblemDetails {
  /** What happened, in a sentence for a developer; never contains input. */
  detail?: string
  /** Why, only for the log: never on the wire, so that every `invalid_token` looks alike. */
  reason?: string
  /** Seconds, for `Retry-After`. */
  retryAfter?: number
  /** The verified caller's own subject, on a 403, to send to support. */
  subject?: string
  /** Where this problem asks for another action than its code usually does. */
  action?: Action
  /** With the action `step_up`: in the body too, because AWS may rename the header that has it. */
  stepUp?: StepUp
  /** For a 405. */
  allow?: string
  dependency?: Dependency
}

/** A refusal (the caller's fault, 4xx) or an outage (a dependency's, 5xx); `code` says which. */
export class Problem extends Error {
  override readonly name: string = 'Problem'
  readonly code: Code
  readonly details: ProblemDetails

  constructor(code: Code, details: ProblemDetails = {}) {
    super(details.reason ?? code)
    this.code = code
    this.details = details
  }

  get status(): Kind['status'] {
    return kinds[this.code].status
  }
}

/** An unforeseen error says its name to the log and nothing to the caller: its message may quote a secret. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  return new Problem('internal', { reason: error instanceof Error ? error.name : 'unknown' })
}

export function noteProblem(audit: Partial<Audit>, { code, details: { reason, dependency } }: Problem): void {
  Object.assign(audit, { code, ...(reason && { reason }), ...(dependency && { dependency }) })
}

/** The members of `application/problem+json` for this problem. */
export function problemBody(problem: Problem, requestId: string) {
  const { status, title } = kinds[problem.code]
  const { detail, subject, stepUp, action = kinds[problem.code].action } = problem.details
  return {
    type: 'about:blank' as const,
    title,
    status,
    code: problem.code,
    action,
    request_id: requestId,
    detail,
    subject,
    ...stepUp,
  }
}

/** The headers that belong to this problem, beside the content type. */
export function problemHeaders(problem: Problem): Record<string, string> {
  const { retryAfter, allow, action = kinds[problem.code].action } = problem.details
  const waits = action === 'retry' && problem.status !== 500
  return {
    ...(waits && { 'retry-after': String(Math.max(1, Math.ceil(retryAfter ?? 1))) }),
    ...(allow !== undefined && { allow }),
    ...(problem.status === 401 && { 'www-authenticate': challengeOf(problem) }),
  }
}

/** RFC 6750 §3, without an error code when no credentials were sent; RFC 9470 §3. */
function challengeOf({ code, details }: Problem): string {
  if (code === 'missing_token') return 'Bearer'
  const { acr_values, max_age } = details.stepUp ?? {}
  const members = Object.entries({ error: code, acr_values: acr_values?.join(' '), max_age })
  const given = members.filter(([, value]) => value !== undefined)
  return `Bearer ${given.map(([name, value]) => `${name}="${value}"`).join(', ')}`
}
