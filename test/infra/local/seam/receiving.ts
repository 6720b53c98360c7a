import { createServer, type IncomingHttpHeaders } from 'node:http'
import { listen, stopListening } from '../../../loopback.ts'

export type Received = { path: string; headers: IncomingHttpHeaders; body: string }

/** An endpoint for webhooks that keeps what it gets, and answers as it is told. */
export async function startReceiver() {
  const received: Received[] = []
  const receiver = { received, status: 204 }
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    received.push({ path: request.url ?? '', headers: request.headers, body })
    response.writeHead(receiver.status).end()
  })
  const url = await listen(server, 0, 'the receiver')
  return Object.assign(receiver, { url, close: () => stopListening(server) })
}
