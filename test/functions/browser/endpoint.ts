import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { listen, stopListening } from '../../loopback.ts'
import { waiting } from './time.ts'

/** An endpoint that keeps the contract, or for a while does not. */
export interface Endpoint {
  url: string
  requests: Received[]
  /** Each answers one request in place of the contract, the first first. */
  instead: Instead[]
  /** In seconds, of what is answered from now on. */
  expiresIn: number
  refreshIn: number
  /** From now on requests are kept waiting, until the function that is returned is called. */
  hold(): () => void
  close(): Promise<void>
}

export interface Received {
  method: string
  path: string
  bearer: string
  headers: IncomingHttpHeaders
  body: unknown
  /** Epoch milliseconds. */
  at: number
}

type Instead = (response: ServerResponse, received: Received) => void

export async function startEndpoint(): Promise<Endpoint> {
  let gate: Promise<void> | undefined
  const sessions = new Map<string, number>()

  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const received: Received = {
      method: request.method ?? '',
      path: request.url ?? '',
      bearer: request.headers.authorization?.slice('Bearer '.length) ?? '',
      headers: request.headers,
      body: text === '' ? undefined : JSON.parse(text),
      at: Date.now(),
    }
    endpoint.requests.push(received)
    const instead = endpoint.instead.shift()
    if (gate !== undefined) {
      waiting.count++
      await gate
      waiting.count--
    }
    if (instead !== undefined) return instead(response, received)
    const sub = subOf(received.bearer)
    if (received.method === 'DELETE') {
      sessions.set(sub, (sessions.get(sub) ?? 0) + 1)
      return response.writeHead(204).end()
    }
    const { stale_client_session_id } = (received.body ?? {}) as Record<string, unknown>
    if (stale_client_session_id === idOf(sub)) sessions.set(sub, (sessions.get(sub) ?? 0) + 1)
    return answer(response, 200, {
      token: `seam_cst_${idOf(sub)}`,
      token_type: 'seam_client_session',
      client_session_id: idOf(sub),
      workspace_id: 'workspace',
      endpoint: 'https://seam.example',
      expires_at: new Date(Date.now() + endpoint.expiresIn * 1000).toISOString(),
      expires_in: endpoint.expiresIn,
      refresh_in: endpoint.refreshIn,
    })
  })
  const idOf = (sub: string) => `${sub}-${sessions.get(sub) ?? 0}`

  const endpoint: Endpoint = {
    url: await listen(server, 0, 'the endpoint'),
    requests: [],
    instead: [],
    expiresIn: 3600,
    refreshIn: 3000,
    hold() {
      let release = () => {}
      gate = new Promise((resolve) => {
        release = resolve
      })
      return () => {
        gate = undefined
        release()
      }
    },
    close: () => stopListening(server),
  }
  return endpoint
}

export function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** A problem in the words of the contract. */
export function problem(
  status: number,
  code: string,
  action: string,
  headers: Record<string, string> = {},
): Instead {
  return (response) =>
    answer(
      response,
      status,
      { title: code, status, code, action, request_id: 'r1', subject: 'main|ada' },
      headers,
    )
}

/** What a browser can see of an answer that lacks CORS headers, or of none. */
export const noAnswer: Instead = (response) => response.destroy()

/** Nothing, ever. */
export const silence: Instead = (response) => {
  waiting.count++
  response.on('close', () => waiting.count--)
}

/** Looks like a bearer token of an identity provider; nobody checks it here. */
export function bearerOf(sub: string, claims: Record<string, unknown> = {}): string {
  const payload = JSON.stringify({ iss: 'https://issuer.example', sub, ...claims })
  return `e30.${Buffer.from(payload).toString('base64url')}.signature`
}

function subOf(bearer: string): string {
  return JSON.parse(Buffer.from(bearer.split('.')[1] ?? '', 'base64url').toString()).sub
}
