import { expect, it } from 'vitest'
import * as bundled from '../../../../infra/stack/bundled/web.ts'

type Web = typeof bundled

const address = 'https://api.example/client-session'
const bytes = new TextEncoder().encode('{"ü":1}')
const all = (headers: Iterable<[string, string]>) => [...headers].sort()

/** What a route, Hono or its adapter for Lambda does with these. */
const uses: Record<string, (web: Web) => unknown> = {
  'a header has no case': ({ Headers }) => new Headers({ Origin: 'o' }).get('oRIGIN'),
  'a header that is not there is null': ({ Headers }) => new Headers().get('origin'),
  'a header that is set twice has the last value': ({ Headers }) => {
    const headers = new Headers([['Vary', 'a']])
    headers.set('vary', 'b')
    return all(headers)
  },
  'a header that comes twice is a list': ({ Headers }) => {
    const headers = new Headers([
      ['vary', 'a'],
      ['Vary', 'b'],
    ])
    headers.append('VARY', 'c')
    return all(headers.entries())
  },
  'a header can be taken away': ({ Headers }) => {
    const headers = new Headers({ a: '1', b: '2' })
    headers.delete('A')
    return [headers.has('a'), headers.has('B')]
  },
  'headers tell value before name': ({ Headers }) => {
    const told: string[] = []
    new Headers({ A: '1' }).forEach((value, name) => {
      told.push(value, name)
    })
    return told
  },
  'headers can be copied': ({ Headers }) => {
    const headers = new Headers({ a: '1' })
    const copy = new Headers(headers)
    copy.set('a', '2')
    return [headers.get('a'), copy.get('a')]
  },
  'a header cannot start another': ({ Headers }) => new Headers({ a: '1\r\nset-cookie: b' }),
  'a request has a whole address and its method': ({ Request }) => {
    const { url, method, body } = new Request('https://API.example/a/../b', { method: 'DELETE' })
    return [url, method, body]
  },
  'an address that is none is refused': ({ Request }) => new Request('https://', { method: 'POST' }),
  'a request has its bytes': async ({ Request }) =>
    new Uint8Array(await new Request(address, { method: 'POST', body: bytes }).arrayBuffer()),
  'a request without a body has none': async ({ Request }) =>
    (await new Request(address, { method: 'POST' }).arrayBuffer()).byteLength,
  'a text has its bytes': async ({ Request }) =>
    new Uint8Array(await new Request(address, { method: 'POST', body: 'ü' }).arrayBuffer()),
  'an answer is 200, and says that it is a text': async ({ Response }) => {
    const answer = new Response('ü')
    return [answer.status, all(answer.headers), await answer.text()]
  },
  'an answer says what it was told to say': async ({ Response }) => {
    const answer = new Response('{}', { status: 201, headers: { 'Content-Type': 'application/json' } })
    return [answer.status, all(answer.headers), await answer.text()]
  },
  'an answer without a body is empty': async ({ Response }) => {
    const answer = new Response(null, { status: 204 })
    return [answer.status, all(answer.headers), answer.body, await answer.text()]
  },
  'an answer can be made of another': async ({ Response }) => {
    const answer = new Response('{}', { status: 403, headers: { a: '1' } })
    const other = new Response(answer.body, answer)
    return [other.status, all(other.headers), await other.text()]
  },
}

it.each(Object.entries(uses))('as with Node’s own: %s', async (_, use) => {
  const outcome = async (web: unknown) => {
    try {
      return await use(web as Web)
    } catch (error) {
      return (error as Error).name
    }
  }
  expect(await outcome(bundled)).toEqual(await outcome(globalThis))
})
