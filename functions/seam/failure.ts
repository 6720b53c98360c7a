import { type Code, Problem } from '../http/problem.ts'

/** What went wrong at Seam. It holds no part of the request, so it shows no secret however it is printed. */
export class SeamFailure extends Problem {
  override readonly name = 'SeamFailure'
  /** The path that was called. */
  readonly call: string
  /** HTTP status; 0 when there was no answer. */
  readonly httpStatus: number
  /** Seam's `error.type`. */
  readonly type: string | undefined
  readonly seamRequestId: string | undefined

  constructor(
    code: Code,
    call: string,
    what: { status?: number; type?: string; seamRequestId?: string; retryAfter?: number; reason: string },
  ) {
    super(code, {
      dependency: 'seam',
      reason: what.reason,
      detail: `A call to Seam failed: ${what.reason}.`,
      retryAfter: what.retryAfter ?? 1,
    })
    this.call = call
    this.httpStatus = what.status ?? 0
    this.type = what.type
    this.seamRequestId = what.seamRequestId
  }
}
