import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import type { Action, ClientSession } from '../../../functions/browser/wire.ts'
import type { ClientSessionAnswer, ProblemAnswer } from '../../../functions/http/contract.ts'
import { codes } from '../../../functions/http/problem.ts'
import { ask, startVendingWorld, type VendingWorld } from '../vending-world.ts'
import { answerFaults, openApi, type Seen } from './answers.ts'
import { faultsOf, resolved } from './json-schema.ts'

// biome-ignore lint/suspicious/noExplicitAny: a document is walked by names, and each test says what it expects there.
type Part = any

let world: VendingWorld
beforeAll(async () => {
  world = await startVendingWorld()
  await world.record('ada', [])
})
afterAll(() => world.close())

const operations: [string, Part][] = Object.entries<Part>(openApi.paths).flatMap(([path, item]) =>
  Object.entries<Part>(item).map(([method, operation]): [string, Part] => [`${method} ${path}`, operation]),
)
/** Every object in the document, with its address. */
const parts: [string, Part][] = []
const walk = (part: unknown, at: string): void => {
  if (typeof part !== 'object' || part === null) return
  parts.push([at, part])
  for (const [name, inner] of Object.entries(part)) walk(inner, `${at}/${name.replaceAll('/', '~1')}`)
}
walk(openApi, '#')

test('is handed out to whoever asks, and describes itself', async () => {
  const { status, body, headers } = await ask(world.machine, { method: 'GET', path: '/openapi.json' })
  expect([status, headers.get('content-type'), body]).toEqual([200, 'application/json', openApi])
})

test('the helper’s types are what is answered', () => {
  expectTypeOf<ClientSession>().toEqualTypeOf<Readonly<ClientSessionAnswer>>()
  expectTypeOf<Action>().toEqualTypeOf<ProblemAnswer['action']>()
})

describe('is in good order:', () => {
  test('3.1, with a title, a version and a licence', () => {
    expect(openApi.openapi).toMatch(/^3\.1\.\d$/)
    expect(openApi.info).toMatchObject({ title: expect.any(String), license: { identifier: 'MIT' } })
  })

  test('every operation has a name of its own, a summary, a known tag and its security', () => {
    const names = operations.map(([, { operationId }]) => operationId)
    expect(new Set(names).size).toBe(operations.length)
    const tags = openApi.tags.map(({ name }: Part) => name)
    for (const [where, operation] of operations) {
      expect(operation, where).toMatchObject({
        operationId: expect.stringMatching(/^[a-z]\w+$/i),
        security: expect.any(Array),
      })
      expect(operation.summary, where).toMatch(/^[A-ZÀ-ž].*[^.]$/)
      expect(tags, where).toContain(operation.tags[0])
      for (const scheme of operation.security.flatMap(Object.keys))
        expect(Object.keys(openApi.components.securitySchemes)).toContain(scheme)
    }
    expect(new Set(operations.map(([, { tags }]) => tags[0]))).toEqual(new Set(tags))
  })

  test('each parameter of a path is declared, required and shown', () => {
    for (const [path, item] of Object.entries<Part>(openApi.paths))
      for (const operation of Object.values<Part>(item)) {
        const declared = (operation.parameters ?? []).filter(({ in: place }: Part) => place === 'path')
        expect(declared.map(({ name }: Part) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? [])
        for (const { required, schema, example } of declared) {
          expect(required).toBe(true)
          expect(faultsOf(example, schema, openApi)).toEqual([])
        }
      }
  })

  test('every reference leads somewhere, and every component is used', () => {
    const used = new Set(parts.flatMap(([, { $ref }]) => (typeof $ref === 'string' ? [$ref] : [])))
    for (const reference of used) expect(resolved(reference, openApi)).toBeTypeOf('object')
    const { securitySchemes, ...components } = openApi.components
    const made = Object.entries<Part>(components).flatMap(([kind, members]) =>
      Object.keys(members).map((name) => `#/components/${kind}/${name}`),
    )
    expect([...used].sort()).toEqual(made.sort())
  })

  test('every response says what it means, and every member of what is sent has a sentence', () => {
    for (const [where, part] of parts)
      if (/\/responses\/[^/]+$/.test(where) && part.$ref === undefined)
        expect(part.description, where).toMatch(/^[A-ZÀ-ž].*\.$/)
    for (const [name, { properties, required = [], additionalProperties }] of Object.entries<Part>(
      openApi.components.schemas,
    )) {
      expect(additionalProperties, name).toBe(false)
      expect(Object.keys(properties)).toEqual(expect.arrayContaining(required))
      for (const member of Object.values<Part>(properties)) expect(member.description, name).toMatch(/\.$/)
    }
  })

  test('every body has examples, and all of them are what their schema says', () => {
    const bodies = parts.filter(
      ([where, { schema }]) => /\/content\/[^/]+$/.test(where) && schema?.$ref + schema?.allOf,
    )
    expect(bodies.length).toBeGreaterThan(10)
    for (const [where, { schema, example, examples }] of bodies) {
      if (schema.type === 'object') continue
      const shown = examples ? Object.values<Part>(examples).map(({ value }) => value) : [example]
      for (const one of shown) expect(faultsOf(one, schema, openApi), where).toEqual([])
    }
  })

  test('every problem has its example, in the response of its status', () => {
    const shown = Object.values<Part>(openApi.components.responses).flatMap(({ content }) =>
      Object.keys(content['application/problem+json'].examples),
    )
    expect(shown.sort()).toEqual(codes.filter((code) => code !== 'method_not_allowed').sort())
  })

  test('names nothing that a request must not name', () => {
    expect(JSON.stringify(openApi)).not.toMatch(/user_identifier_key|seam_apikey|connected_account_ids/)
  })
})

describe('an answer that is not in it is noticed:', () => {
  let good: Seen
  beforeAll(async () => {
    const { status, headers, text } = await ask(world.machine, { token: await world.token('ada') })
    good = { method: 'POST', path: '/client-session', status, headers, text }
    expect(answerFaults(good)).toEqual([])
  })
  const changed = (change: object) => JSON.stringify({ ...JSON.parse(good.text), ...change })
  const without = (name: string) => {
    const headers = new Headers(good.headers)
    headers.delete(name)
    return headers
  }

  test.each<[string, () => Partial<Seen>]>([
    ['another status', () => ({ status: 202 })],
    ['a member too many', () => ({ text: changed({ user_identifier_key: 'x' }) })],
    ['a member too few', () => ({ text: changed({ expires_in: undefined }) })],
    ['a member of another type', () => ({ text: changed({ expires_in: '3600' }) })],
    ['a fraction', () => ({ text: changed({ refresh_in: 0.5 }) })],
    ['a time that is none', () => ({ text: changed({ expires_at: 'soon' }) })],
    ['an endpoint that is none', () => ({ text: changed({ endpoint: 'seam' }) })],
    ['no request id', () => ({ headers: without('x-request-id') })],
    ['an answer that may be stored', () => ({ headers: without('cache-control') })],
    ['no content type', () => ({ headers: without('content-type') })],
    ['success at an address that is none', () => ({ path: '/elsewhere' })],
    ['success by a method that is none', () => ({ method: 'PUT' })],
    ['a body where none belongs', () => ({ method: 'DELETE', status: 204 })],
  ])('%s', (_, change) => {
    expect(answerFaults({ ...good, ...change() })).not.toEqual([])
  })

  test('a schema with a keyword that the checker does not know', () => {
    expect(() => faultsOf('x', { contentEncoding: 'base64' }, openApi)).toThrow('contentEncoding')
  })
})
