/** What a function may be invoked with, and by whom: the schedule, the HTTP API, an operator, or a stranger to all of them. PURE. */

/** Keeps a function warm and asks for nothing: a schedule of EventBridge, or one of the usual plugins. */
export function isWarmer(event: unknown): boolean {
  return ['aws.events', 'serverless-plugin-warmup', 'warmer'].includes(Object(event).source)
}

/** A request of the HTTP API, payload format 2.0, as far as the routes read it. */
export function isHttpRequest(event: unknown): boolean {
  // Whatever it is: `Object` makes an object of it.
  const { rawPath, headers, requestContext } = Object(event)
  const { requestId, domainName, http } = Object(requestContext)
  const texts = [rawPath, requestId, domainName, Object(http).method]
  return texts.every((text) => typeof text === 'string') && typeof headers === 'object' && headers !== null
}
