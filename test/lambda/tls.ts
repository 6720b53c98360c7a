import { readFileSync } from 'node:fs'
import { request as plainRequest } from 'node:http'
import { createServer } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { listen, stopListening } from '../loopback.ts'

/** For `https://localhost` and these tests alone: its key is public. Until 2126. */
export const certificateFile = fileURLToPath(new URL('localhost.pem', import.meta.url))
const pem = readFileSync(certificateFile)

export interface Tls {
  /** `https://localhost:…` */
  url: string
  /** Connections that are open now stay open, and are never answered again: what a freeze of minutes leaves behind. */
  goDeaf(): void
  close(): Promise<void>
}

/**
 * Puts TLS in front of a local server: a deployed function accepts no plain http. The server gets its own name as
 * `Host`, which a local world insists on; `keepHost`: the one that was sent and signed.
 */
export async function startTls(target: string, { keepHost = false } = {}): Promise<Tls> {
  const open = new Set<TLSSocket>()
  const deaf = new WeakSet<Socket>()
  const server = createServer({ key: pem, cert: pem }, (request, response) => {
    if (deaf.has(request.socket)) return
    const { method } = request
    const headers = keepHost ? request.headers : { ...request.headers, host: new URL(target).host }
    const passed = plainRequest(new URL(request.url ?? '/', target), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    passed.on('error', () => response.destroy())
    response.on('close', () => passed.destroy())
    request.pipe(passed)
  })
  server.on('secureConnection', (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  const url = new URL(await listen(server, 0, 'TLS'))
  return {
    url: `https://localhost:${url.port}`,
    goDeaf() {
      for (const socket of open) deaf.add(socket)
    },
    close: () => stopListening(server),
  }
}
