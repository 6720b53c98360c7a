import { createServer, type Server } from 'node:http'
import type { Browser, BrowserContext } from 'playwright-core'
import { expect } from 'vitest'
import { startChromium } from '../../infra/local/chromium.ts'
import { caller } from '../../infra/local/seam/calling.ts'
import { listen, listenerOf, stopListening } from '../../loopback.ts'
import { ask, devicesOf, startVendingWorld, type VendingWorld } from '../vending-world.ts'

/** A page's site, the real endpoint and Seam, each of another origin, and a real browser: CORS is as it is. */
export interface Site {
  url: string
  /** By path; may be changed at any time. */
  files: Map<string, string>
  api: { url: string; stop(): Promise<void>; start(): Promise<void> }
  world: VendingWorld
  /** As somebody new to the site. */
  visitor(): Promise<BrowserContext>
  /** The ids of the devices that this user's client session opens. */
  devicesFor(sub: string): Promise<string>
  /** As somebody with the API key does in Seam's console. */
  deleteAtSeam(client_session_id: string): Promise<void>
  close(): Promise<void>
}

/** Ada and Grace have devices, and nobody else. */
export async function startSite(): Promise<Site> {
  const files = new Map<string, string>()
  const pages = createServer((request, response) => {
    const path = request.url ?? '/'
    const type = path.endsWith('.js') ? 'text/javascript' : 'text/html'
    response.writeHead(files.has(path) ? 200 : 404, { 'content-type': `${type}; charset=utf-8` })
    response.end(files.get(path))
  })
  const url = await listen(pages, 0, 'the site')
  const world = await startVendingWorld({ configuration: { allowedOrigins: [url] } })
  for (const [i, sub] of ['ada', 'grace'].entries())
    await world.record(sub, world.seam.users[i]?.connected_account_ids ?? [])

  let server: Server
  const startApi = async (port: number) => {
    server = createServer(listenerOf(world.machine.app.fetch))
    return listen(server, port, 'the endpoint')
  }
  const apiUrl = await startApi(0)
  const browser: Browser = await startChromium()

  return {
    url,
    files,
    api: {
      url: apiUrl,
      stop: () => stopListening(server),
      start: async () => void (await startApi(Number(new URL(apiUrl).port))),
    },
    world,
    visitor: () => browser.newContext(),
    async devicesFor(sub) {
      const { body } = await ask(world.machine, { token: await world.token(sub) })
      return (await devicesOf(world.seam, body.token)).join()
    },
    async deleteAtSeam(client_session_id) {
      const { status } = await caller(world.seam)('/client_sessions/delete', { client_session_id })
      expect(status).toBe(200)
    },
    async close() {
      await browser.close()
      await Promise.all([stopListening(pages), stopListening(server), world.close()])
    },
  }
}
