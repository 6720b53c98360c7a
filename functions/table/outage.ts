import { Problem } from '../http/problem.ts'

/** DynamoDB's trouble, told apart by name, never by message; the error itself goes no further, it may quote an item. */
export function outage(error: unknown): never {
  const reason = error instanceof Error ? error.name : 'unknown'
  const code = reason === 'TimeoutError' ? 'upstream_timeout' : 'upstream_unavailable'
  throw new Problem(code, { dependency: 'dynamodb', reason, retryAfter: 1 })
}
