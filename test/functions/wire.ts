import { createServer } from 'node:http'
import { listen, stopListening } from '../loopback.ts'

/** A call as it stands on the wire: not yet with the server, or answered by it and not yet with the caller. */
export type Moment = 'leaving' | 'answered'

/** Whether the call goes on; if not, its connection breaks. */
export type Gate = (moment: Moment, call: string) => boolean

/** A wire in front of an HTTP server, with a gate that sees each call twice. */
export async function startWire(
  target: string,
): Promise<{ url: string; gate: Gate; close: () => Promise<void> }> {
  const wire = { url: '', gate: (() => true) as Gate, close: () => stopListening(server) }
  const server = createServer((request, response) => {
    const pass = async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const operation = String(request.headers['x-amz-target'] ?? '').replace(/^.*\./, '')
      const call = operation || String(request.url)
      if (!wire.gate('leaving', call)) return request.socket.destroy()
      const headers = new Headers()
      for (const name of ['authorization', 'content-type', 'x-amz-target', 'x-amz-date'])
        if (typeof request.headers[name] === 'string') headers.set(name, request.headers[name])
      const method = request.method ?? 'GET'
      const answer = await fetch(target + request.url, {
        method,
        headers,
        ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
      })
      const body = Buffer.from(await answer.arrayBuffer())
      if (!wire.gate('answered', call)) return request.socket.destroy()
      const type = answer.headers.get('content-type') ?? 'application/json'
      response.writeHead(answer.status, { 'content-type': type }).end(body)
      return undefined
    }
    pass().catch(() => request.socket.destroy())
  })
  wire.url = await listen(server, 0, 'the wire')
  return wire
}
