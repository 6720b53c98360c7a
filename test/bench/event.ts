import { randomUUID } from 'node:crypto'

export const path = '/client-session'

export const vendHeaders = (token: string) => ({
  authorization: `Bearer ${token}`,
  origin: 'https://app.example',
  host: 'api.example',
})

/** A vend as an HTTP API hands it to a function. */
export function vendEvent(headers: object) {
  const routeKey = `POST ${path}`
  return {
    version: '2.0',
    routeKey,
    rawPath: path,
    rawQueryString: '',
    headers,
    requestContext: {
      domainName: 'api.example',
      http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'bench' },
      requestId: randomUUID(),
      routeKey,
      stage: '$default',
      timeEpoch: Date.now(),
    },
    isBase64Encoded: false,
  }
}
