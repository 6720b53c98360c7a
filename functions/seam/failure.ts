import { type Code, Problem } from '../http/problem.ts'

/** What went wrong at Seam. It holds no part of the request, so it shows no secret however it is printed. */
export class SeamFailure extends Problem {
  override readonly name = 'SeamFailure'
  /** HTTP status; 0 when there was no answer. */
  readonly httpStatus: number

  /** `call`: the path; `retryAfter` in seconds. */
  constructor(code: Code, call: string, what: { status?: number; retryAfter?: number; reason: string }) {
    const { status = 0, retryAfter = 1, reason } = what
    super(code, { dependency: 'seam', reason, detail: `${call} at Seam failed: ${reason}.`, retryAfter })
    this.httpStatus = status
  }
}
