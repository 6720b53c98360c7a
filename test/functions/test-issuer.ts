import { createServer, type ServerResponse } from 'node:http'
import type { JWK } from 'jose'
import { listen, stopListening } from '../loopback.ts'

/** An identity provider whose every answer a test decides. */
export interface TestIssuer {
  /** Base URL, and the `iss` of its tokens. */
  address: string
  /** What it publishes now. */
  keys: JWK[]
  /** Paths asked for, in order. */
  requests: string[]
  /** Answers in its place when it returns true. */
  instead: ((path: string, response: ServerResponse) => boolean) | undefined
  close(): Promise<void>
}

export const discoveryPath = '/.well-known/openid-configuration'

export async function startTestIssuer(keys: JWK[] = []): Promise<TestIssuer> {
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    issuer.requests.push(path)
    if (issuer.instead?.(path, response)) return
    if (path === discoveryPath)
      sendJson(response, { issuer: issuer.address, jwks_uri: `${issuer.address}/jwks` })
    else if (path === '/jwks') sendJson(response, { keys: issuer.keys })
    else response.writeHead(404).end()
  })
  const issuer: TestIssuer = {
    address: await listen(server, 0, 'the identity provider'),
    keys,
    requests: [],
    instead: undefined,
    close: () => stopListening(server),
  }
  return issuer
}

export function sendJson(response: ServerResponse, value: unknown): void {
  if (!response.headersSent) response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(value))
}
