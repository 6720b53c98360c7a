import type { Context } from 'aws-lambda'
import type { Hono } from 'hono'
import { handle } from 'hono/aws-lambda'
import type { Log } from '../http/audit.ts'
import type { Env } from '../http/frame.ts'
import { Problem, problemBody } from '../http/problem.ts'
import { isHttpRequest, isWarmer } from './event.ts'

/** The handler of an entry that speaks HTTP. An event that is no request of the API never reaches the routes. */
export function httpHandler(app: Hono<Env>, log: Log) {
  const answer = handle(app)
  return async (event: unknown, context: Context) => {
    if (isHttpRequest(event)) return answer(event as Parameters<typeof answer>[0], context as never)
    if (isWarmer(event)) return { ok: true }
    const request_id = context.awsRequestId
    const problem = new Problem('invalid_request', {
      detail: 'This event is no HTTP request. The function answers the routes of its HTTP API.',
    })
    log({ what: 'request', request_id, status: problem.status, code: problem.code, reason: 'not_http' })
    return {
      statusCode: problem.status,
      headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
      body: JSON.stringify(problemBody(problem, request_id)),
      isBase64Encoded: false,
    }
  }
}
