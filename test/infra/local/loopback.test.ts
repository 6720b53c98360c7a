import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { listen } from '../../../infra/local/loopback.ts'
import { sendRaw, statusOf } from './listeners.ts'

const friend = 'http://localhost:5173'

let server: Awaited<ReturnType<typeof listen>>
let port: number
/** Methods of what came through. */
let answered: string[]

beforeAll(async () => {
  server = await listen(0, 'a test', (origin) => origin === friend)
  port = Number(new URL(server.url).port)
  server.serve((request, response) => {
    answered.push(request.method ?? '')
    response.end()
  })
})
afterAll(() => server.close())
beforeEach(() => {
  answered = []
})

const send = async (request: string, ...headers: string[]) =>
  statusOf(await sendRaw(port, request, ...headers))

describe('a Host', () => {
  it.each(['127.0.0.1', 'localhost', 'LocalHost'])('%s, with the port, is ours', async (name) => {
    expect(await send('GET / HTTP/1.1', `Host: ${name}:${port}`, 'Connection: close')).toBe(200)
    expect(answered).toEqual(['GET'])
  })

  it.each([
    'elsewhere.example',
    'elsewhere.example:PORT',
    '127.0.0.1.elsewhere.example:PORT',
    '127.0.0.1',
    'localhost',
    '127.0.0.1:1',
    '127.0.0.1:PORT0',
    '127.0.0.2:PORT',
    '0.0.0.0:PORT',
    '0x7f.1:PORT',
    '2130706433:PORT',
    '[::1]:PORT',
    '[::ffff:127.0.0.1]:PORT',
    'localhost.:PORT',
    '127.0.0.1.:PORT',
    'me@127.0.0.1:PORT',
    '127.0.0.1:PORT, elsewhere.example',
    '',
  ])('"%s" is foreign', async (name) => {
    const host = `Host: ${name.replace('PORT', String(port))}`
    for (const method of ['GET', 'POST', 'OPTIONS', 'PUT'])
      expect(await send(`${method} / HTTP/1.1`, host, 'Connection: close')).toBe(421)
    expect(answered).toEqual([])
  })

  it('is sent, once, and not overruled', async () => {
    const own = `Host: 127.0.0.1:${port}`
    expect(await send('GET / HTTP/1.0')).toBe(421)
    expect(await send('GET / HTTP/1.1', 'Connection: close')).toBe(400)
    for (const other of [own, 'Host: elsewhere.example'])
      expect(await send('GET / HTTP/1.1', own, other, 'Connection: close')).toBe(421)
    expect(await send('GET http://elsewhere.example/ HTTP/1.1', own, 'Connection: close')).toBe(421)
    expect(answered).toEqual([])
  })
})

describe('an Origin', () => {
  const from = (...headers: string[]) =>
    send('POST / HTTP/1.1', `Host: 127.0.0.1:${port}`, 'Connection: close', ...headers)

  it('of the server itself and one that may call come through', async () => {
    expect(await from(`Origin: http://127.0.0.1:${port}`)).toBe(200)
    expect(await from(`Origin: ${friend}`, 'Sec-Fetch-Site: cross-site')).toBe(200)
    expect(await from()).toBe(200)
  })

  it.each([
    'https://elsewhere.example',
    'null',
    '',
    '*',
    'http://localhost:PORT',
    'https://127.0.0.1:PORT',
    'http://127.0.0.1',
    'http://127.0.0.1:1',
    'http://127.0.0.1:PORT/',
    'http://127.0.0.1:PORT.elsewhere.example',
    'http://LOCALHOST:5173',
    'http://localhost:51730',
    `${friend} ${friend}`,
  ])('"%s" is foreign', async (origin) => {
    expect(await from(`Origin: ${origin.replace('PORT', String(port))}`)).toBe(403)
    expect(answered).toEqual([])
  })

  it('is sent once', async () => {
    expect(await from(`Origin: ${friend}`, `Origin: ${friend}`)).toBe(403)
    expect(await from(`Origin: ${friend}`, 'Origin: https://elsewhere.example')).toBe(403)
    expect(answered).toEqual([])
  })
})

describe('without an Origin', () => {
  const get = (method: string, ...headers: string[]) =>
    send(`${method} / HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Connection: close', ...headers)

  it('another site’s image, script or form comes not through', async () => {
    for (const site of ['cross-site', 'same-site']) {
      expect(await get('GET', `Sec-Fetch-Site: ${site}`, 'Sec-Fetch-Mode: no-cors')).toBe(403)
      expect(await get('POST', `Sec-Fetch-Site: ${site}`, 'Sec-Fetch-Mode: navigate')).toBe(403)
    }
    expect(answered).toEqual([])
  })

  it('a link, the page itself and what is typed come through', async () => {
    expect(await get('GET', 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate')).toBe(200)
    expect(await get('GET', 'Sec-Fetch-Site: same-origin', 'Sec-Fetch-Mode: no-cors')).toBe(200)
    expect(await get('GET', 'Sec-Fetch-Site: none', 'Sec-Fetch-Mode: navigate')).toBe(200)
  })
})

describe('what would leave HTTP', () => {
  const upgrade = (host: string, ...headers: string[]) =>
    send(
      'GET / HTTP/1.1',
      `Host: ${host}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ...headers,
    )

  it('by an upgrade is looked at as everything is', async () => {
    expect(await upgrade(`elsewhere.example:${port}`)).toBe(421)
    expect(await upgrade(`127.0.0.1:${port}`, 'Origin: https://elsewhere.example')).toBe(403)
    expect(answered).toEqual([])
  })

  it('by CONNECT gets nothing', async () => {
    for (const host of [`127.0.0.1:${port}`, 'elsewhere.example:443'])
      expect(await send(`CONNECT ${host} HTTP/1.1`, `Host: ${host}`)).toBeUndefined()
    expect(answered).toEqual([])
  })
})

it('tells everybody to wait until it serves', async () => {
  const early = await listen(0, 'a test')
  expect((await fetch(early.url)).status).toBe(503)
  await early.close()
})
