import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pathToFileURL } from 'node:url'
import { vendEvent, vendHeaders } from './event.ts'
import type { Finish, Race } from './served.ts'

/**
 * A contender in a process of its own: `node server.ts <bundle>`. It serves HTTP, each request handed to the handler as
 * an HTTP API would. Asked by message, it tells its CPU time, or vends to many callers at once.
 */
const { handler } = await import(pathToFileURL(process.argv[2] ?? '').href)

const server = createServer(async (request, response) => {
  const { statusCode, headers, body } = await handler(vendEvent(request.headers), {})
  response.writeHead(statusCode, headers).end(body)
})
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('message', async (order: 'cpu' | Race) => {
  process.send?.(order === 'cpu' ? process.cpuUsage() : await race(order))
})
process.on('disconnect', () => process.exit())

function race({ token, requests }: Race): Promise<Finish[]> {
  const now = () => performance.timeOrigin + performance.now()
  const one = async () => {
    const startedAt = now()
    const { statusCode } = await handler(vendEvent(vendHeaders(token)), {})
    return { status: statusCode, startedAt, answeredAt: now() }
  }
  return Promise.all(Array.from({ length: requests }, one))
}
