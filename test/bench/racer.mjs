import { pathToFileURL } from 'node:url'

/**
 * The function as it is deployed, in a process of its own: `node racer.mjs <bundle>`. Told a token and how many, it vends
 * to so many callers at once, and tells of each how it went and when, in epoch milliseconds.
 */
const { handler } = await import(pathToFileURL(process.argv[2] ?? '').href)

const path = '/client-session'
const now = () => performance.timeOrigin + performance.now()

process.on('disconnect', () => process.exit())
process.on('message', async ({ token, requests }) => {
  const finishes = await Promise.all(
    Array.from({ length: requests }, async (_, i) => {
      const startedAt = now()
      const { statusCode } = await handler(event(token, i), {})
      return { status: statusCode, startedAt, answeredAt: now() }
    }),
  )
  process.send?.(finishes)
})
process.send?.('ready')

function event(token, i) {
  return {
    version: '2.0',
    rawPath: path,
    rawQueryString: '',
    headers: { authorization: `Bearer ${token}`, origin: 'https://app.example' },
    requestContext: {
      domainName: 'api.example',
      http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: '' },
      requestId: String(i),
      routeKey: `POST ${path}`,
    },
    isBase64Encoded: false,
  }
}
