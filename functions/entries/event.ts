/** What a function may be invoked with, and by whom: the schedule, the HTTP API, an operator, or a stranger to all of them. PURE. */

/** Keeps a function warm and asks for nothing: a schedule of EventBridge, or one of the usual plugins. */
export function isWarmer(event: unknown): boolean {
  return ['aws.events', 'serverless-plugin-warmup', 'warmer'].includes(member(event, 'source') as string)
}

/** A request of the HTTP API, payload format 2.0, as far as the routes read it. */
export function isHttpRequest(event: unknown): boolean {
  const context = member(event, 'requestContext')
  const texts = [
    member(event, 'rawPath'),
    member(context, 'requestId'),
    member(context, 'domainName'),
    member(member(context, 'http'), 'method'),
  ]
  const headers = member(event, 'headers')
  return texts.every((text) => typeof text === 'string') && typeof headers === 'object' && headers !== null
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
