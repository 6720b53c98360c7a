import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'

/** Servers of tests: on this machine alone, and open to every `Host` and `Origin`, as those that they stand for. */

/**
 * Starts listening and returns the base URL.
 * @param port 0 = any free one
 */
export async function listen(server: Server, port: number, what: string): Promise<string> {
  server.listen({ port, host: '127.0.0.1', exclusive: true })
  await once(server, 'listening').catch((cause: unknown) => {
    throw new Error(`${what} cannot listen on ${port}.`, { cause })
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Ends its connections too. */
export async function stopListening(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeAllConnections()
  await closed
}

/** What a Hono app answers; the process keeps its own `Request` and `Response`. */
export function listenerOf(fetch: Parameters<typeof getRequestListener>[0]) {
  return getRequestListener(fetch, { overrideGlobalObjects: false })
}
