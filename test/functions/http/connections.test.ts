import { createServer, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { freshFetch } from '../../../functions/http/connections.ts'
import { listen, stopListening } from '../../loopback.ts'

/** A service that notes on which connection it was asked; some of them it does not hear any more. */
async function service() {
  const connections: Socket[] = []
  const asked: number[] = []
  const deaf = new Set<number>()
  const held: ServerResponse[] = []
  const server = createServer((request, response) => {
    if (!connections.includes(request.socket)) connections.push(request.socket)
    const connection = connections.indexOf(request.socket)
    asked.push(connection)
    if (!deaf.has(connection)) response.end('well')
    else held.push(response)
  })
  server.keepAliveTimeout = 60_000
  const url = await listen(server, 0, 'the service')
  onTestFinished(() => stopListening(server))
  let now = 1_000_000
  const get = freshFetch(() => now)
  // The very first request of a process comes before there is anything to keep connections with.
  await (await get(url)).text()
  return {
    asked,
    deaf,
    connections,
    advance: (ms: number) => {
      now += ms
    },
    async ask(signal?: AbortSignal) {
      const response = await get(url, signal ? { signal } : {})
      return response.text()
    },
  }
}

test('a connection is used again, and not after twenty seconds: the process may have been frozen', async () => {
  const { asked, connections, ask, advance } = await service()
  for (let request = 0; request < 6; request++) await ask()
  const known = connections.length
  expect(known).toBeLessThan(5)
  advance(20_000)
  await ask()
  expect(asked.at(-1)).toBeLessThan(known)
  advance(20_001)
  await ask()
  expect(asked.at(-1)).toBe(known)
})

test('after a request without an answer the next one opens a new connection', async () => {
  const { asked, deaf, connections, ask } = await service()
  await Promise.all([ask(), ask(), ask()])
  connections.forEach((_, connection) => {
    deaf.add(connection)
  })
  const giveUp = new AbortController()
  const before = asked.length
  const lost = ask(giveUp.signal)
  await expect.poll(() => asked.length).toBe(before + 1)
  giveUp.abort(new Error('no answer in time'))
  await expect(lost).rejects.toThrow('no answer in time')
  const known = connections.length
  expect(await ask()).toBe('well')
  expect(asked.at(-1)).toBe(known)
})
