import type { ServerResponse } from 'node:http'
import type { JWK } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FindKeys, freshFor, keyFinder, staleFor } from '../../../functions/caller/keys.ts'
import { type Issuer, readConfiguration } from '../../../functions/config.ts'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import { Problem } from '../../../functions/http/problem.ts'
import { type Table, vendingTable } from '../../../functions/table/table.ts'
import { times } from '../../../functions/times.ts'
import { createTable, localDynamoDbClient } from '../../../infra/local/dynamodb.ts'
import { type DynamoDb, startDynamoDb } from '../../dynamodb.ts'
import { signingKey } from '../signing.ts'
import { discoveryPath, sendJson, startTestIssuer, type TestIssuer } from '../test-issuer.ts'

const first = signingKey('ES256', { kid: 'first' })
const second = signingKey('ES256', { kid: 'second' })
const aSet = 2 // Requests that one look at the issuer takes: discovery, then keys.

let engine: DynamoDb
let table: Table
let provider: TestIssuer
let now: number
const clock = () => now

beforeAll(async () => {
  engine = await startDynamoDb()
  const client = localDynamoDbClient(engine.endpoint)
  await createTable(client, 'keys')
  table = vendingTable({ client, tableName: 'keys' })
})
afterAll(() => engine.close())

beforeEach(async () => {
  now = 1_800_000_000_000
  provider = await startTestIssuer([first.jwk])
})
afterEach(() => provider.close())

/** One of a provider's own: names are the table's keys, so each test has another. */
let count = 0
function issuerOf(more: Partial<Issuer> = {}): Issuer {
  count += 1
  const issuers = [
    { name: `issuer-${count}`, issuer: provider.address, audiences: ['us'], algorithms: ['ES256'], ...more },
  ]
  const input = { deployment: 'test', issuers, allowedOrigins: ['https://app.example'] }
  return readConfiguration(input, { loopback: true }).issuers[0] as Issuer
}

/** What one process would be: nothing in memory, everything in the table. */
const process = (more: Partial<Parameters<typeof keyFinder>[0]> = {}) =>
  keyFinder({ store: table, fetch, clock, times, loopback: true, ...more })

const find = async (findKeys: FindKeys, issuer: Issuer, kid?: string, alg = 'ES256') => {
  const header = kid === undefined ? { alg } : { alg, kid }
  const { keys } = await findKeys(issuer, header, deadlineIn(10_000, clock))
  return keys.length
}

async function outage(found: Promise<unknown>): Promise<{ reason: unknown; retryAfter: unknown }> {
  const problem = await found.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(problem).toBeInstanceOf(Problem)
  const { code, details } = problem as Problem
  expect(code).toBe('issuer_keys_unavailable')
  return { reason: details.reason, retryAfter: details.retryAfter }
}

const down = (_path: string, response: ServerResponse) => {
  response.writeHead(503).end()
  return true
}

describe('a key set', () => {
  it('is found by discovery and fetched once for any number of simultaneous callers', async () => {
    const [findKeys, issuer] = [process(), issuerOf()]
    const found = await Promise.all(Array.from({ length: 50 }, () => find(findKeys, issuer, 'first')))
    expect(new Set(found)).toEqual(new Set([1]))
    expect(provider.requests).toEqual([discoveryPath, '/jwks'])
  })

  it('is fetched from the configured address without discovery', async () => {
    const issuer = issuerOf({ jwksUri: `${provider.address}/jwks` })
    expect(await find(process(), issuer, 'first')).toBe(1)
    expect(provider.requests).toEqual(['/jwks'])
  })

  it('serves a token without `kid` with every key of its algorithm', async () => {
    provider.keys = [first.jwk, second.jwk, signingKey('RS256').jwk]
    expect(await find(process(), issuerOf(), undefined)).toBe(2)
  })

  it('is shared through the table: a cold start asks nobody', async () => {
    const issuer = issuerOf()
    await find(process(), issuer, 'first')
    expect(await find(process(), issuer, 'first')).toBe(1)
    expect(provider.requests.length).toBe(aSet)
  })

  it('is fetched anew when it is no longer fresh, so that a removed key stops working', async () => {
    const [findKeys, issuer] = [process(), issuerOf()]
    await find(findKeys, issuer, 'first')
    provider.keys = [second.jwk]
    now += freshFor - 1
    expect(await find(findKeys, issuer, 'first')).toBe(1)
    now += 1
    expect(await find(findKeys, issuer, 'first')).toBe(0)
    expect(await find(process(), issuer, 'first')).toBe(0)
  })

  it('may be empty: a provider that withdraws all its keys is taken at its word', async () => {
    const [findKeys, issuer] = [process(), issuerOf()]
    await find(findKeys, issuer, 'first')
    provider.keys = []
    now += freshFor
    expect(await find(findKeys, issuer, 'first')).toBe(0)
  })
})

describe('a set from the table', () => {
  const stored = async (more: object, issuer = issuerOf()) => {
    const set = { issuer: issuer.issuer, keys: [second.jwk], fetched_at: now, ...more }
    await table.writeKeySet(issuer.name, set)
    return find(process(), issuer, 'second')
  }

  it('is used when it is the configuration’s own', async () => {
    expect(await stored({})).toBe(1)
    expect(provider.requests).toEqual([])
  })

  it.each([
    ['of another issuer', () => ({ issuer: 'https://elsewhere.example' })],
    ['from another address', () => ({ jwks_uri: 'https://elsewhere.example/jwks' })],
    ['that is too old', () => ({ fetched_at: now - freshFor })],
    ['from a future beyond any clock', () => ({ fetched_at: now + times.clockSkew + 1 })],
    ['whose age is no number', () => ({ fetched_at: 'now' })],
    ['that is no key set', () => ({ keys: 'none' })],
  ])('%s is fetched anew', async (_name, more) => {
    expect(await stored(more())).toBe(0)
    expect(provider.requests.length).toBe(aSet)
  })

  it('from the discovered address is not used once an address is configured', async () => {
    expect(await stored({}, issuerOf({ jwksUri: `${provider.address}/jwks` }))).toBe(0)
  })

  it('is not missed when the table is down', async () => {
    const client = localDynamoDbClient('http://127.0.0.1:9', { maxAttempts: 1 })
    const findKeys = process({ store: vendingTable({ client, tableName: 'keys' }) })
    expect(await find(findKeys, issuerOf(), 'first')).toBe(1)
  })
})

describe('an unknown key', () => {
  it('is looked for at once, so that a rotation refuses nobody', async () => {
    const [findKeys, issuer] = [process(), issuerOf()]
    await find(findKeys, issuer, 'first')
    now += 6_000
    provider.keys = [first.jwk, second.jwk]
    const found = await Promise.all(Array.from({ length: 50 }, () => find(findKeys, issuer, 'second')))
    expect(new Set(found)).toEqual(new Set([1]))
    expect(provider.requests.length).toBe(aSet + 1)
  })

  it('is found in the table when another process has looked', async () => {
    const [one, other, issuer] = [process(), process(), issuerOf()]
    await find(one, issuer, 'first')
    await find(other, issuer, 'first')
    now += 6_000
    provider.keys = [first.jwk, second.jwk]
    await find(one, issuer, 'second')
    expect(await find(other, issuer, 'second')).toBe(1)
    expect(provider.requests.length).toBe(aSet + 1)
  })

  it('is not looked for in a set that has just been fetched', async () => {
    const [findKeys, issuer] = [process(), issuerOf()]
    expect(await find(findKeys, issuer, 'unknown')).toBe(0)
    now += 4_999
    expect(await find(findKeys, issuer, 'unknown')).toBe(0)
    expect(provider.requests.length).toBe(aSet)
  })

  it('in a flood costs the issuer a few requests, then one look with each cooldown', async () => {
    const [findKeys, issuer] = [process(), issuerOf()]
    await find(findKeys, issuer, 'first')
    for (let second = 0; second < 300; second += 1) {
      now += 1000
      await find(findKeys, issuer, `unknown ${second}`)
    }
    expect(provider.requests.length).toBe(aSet * (1 + 3 + 10))
  })

  it('is an outage while it cannot be looked for: never the caller’s fault', async () => {
    const [findKeys, issuer] = [process(), issuerOf()]
    await find(findKeys, issuer, 'first')
    now += 10_000
    provider.instead = down
    expect(await outage(find(findKeys, issuer, 'second'))).toEqual({ reason: 'status', retryAfter: 30 })
    expect(await find(findKeys, issuer, 'first')).toBe(1)
    provider.instead = undefined
    provider.keys = [second.jwk]
    now += 30_000
    expect(await find(findKeys, issuer, 'second')).toBe(1)
  })
})

describe('keys that do not fit a signature', () => {
  const again = async (findKeys: FindKeys, issuer: Issuer, kid?: string) => {
    const header = { alg: 'ES256', ...(kid !== undefined && { kid }) }
    return (await findKeys(issuer, header, deadlineIn(10_000, clock), { again: true })).keys
  }
  const replacement = signingKey('ES256', { kid: 'first' })
  const { kid: _nameless, ...nameless } = replacement.jwk

  it.each([
    ['under the same name', 'first', replacement.jwk],
    ['in a set without names', undefined, nameless],
  ])('are looked for once more: replaced %s, all are served at once', async (_, kid, jwk) => {
    const [findKeys, issuer] = [process(), issuerOf()]
    const [old] = (await findKeys(issuer, { alg: 'ES256', ...(kid && { kid }) }, deadlineIn(10_000, clock)))
      .keys
    now += 6_000
    provider.keys = [jwk]
    const found = await Promise.all(Array.from({ length: 50 }, () => again(findKeys, issuer, kid)))
    for (const keys of found) {
      expect(keys).toHaveLength(1)
      expect(await crypto.subtle.exportKey('jwk', keys[0] as CryptoKey)).toMatchObject({ x: jwk.x })
      expect(keys[0]).not.toBe(old)
    }
    expect(provider.requests.length).toBe(aSet + 1)
  })

  it('in a flood cost what unknown keys cost', async () => {
    const [findKeys, issuer] = [process(), issuerOf()]
    await find(findKeys, issuer, 'first')
    for (let second = 0; second < 300; second += 1) {
      now += 1000
      await again(findKeys, issuer, 'first')
    }
    expect(provider.requests.length).toBe(aSet + 3 + 10)
  })

  it('are the caller’s fault when the issuer cannot be asked', async () => {
    const [findKeys, issuer] = [process(), issuerOf()]
    await find(findKeys, issuer, 'first')
    now += 10_000
    provider.instead = down
    expect(await again(findKeys, issuer, 'first')).toHaveLength(1)
    expect(await again(findKeys, issuer, 'first')).toHaveLength(0)
  })

  it('are up to sixteen for one token', async () => {
    const many = Array.from({ length: 20 }, () => signingKey('ES256', { kid: 'many' }).jwk)
    provider.keys = [signingKey('RS256', { kid: 'many' }).jwk, ...many]
    expect(await find(process(), issuerOf(), 'many')).toBe(16)
    expect(await find(process(), issuerOf())).toBe(16)
  })
})

describe('a slow issuer', () => {
  /** Answers that come after this much virtual time; a request that is given up ends there. */
  const slow = (took: (path: string) => number): typeof fetch =>
    (async (address: string, init: RequestInit) => {
      const path = new URL(address).pathname
      const wait = took(path)
      now += Math.min(wait, times.keySet)
      if (wait > times.keySet) throw Object.assign(new Error(), { name: 'TimeoutError' })
      return fetch(address, init)
    }) as typeof fetch

  it('has three seconds for each document', async () => {
    expect(times.keySet).toBe(3_000)
    expect(await find(process({ fetch: slow(() => 2_900) }), issuerOf(), 'first')).toBe(1)
  })

  it('whose keys did not come in time is asked for them alone the next time', async () => {
    let keysTake = 4_000
    const findKeys = process({ fetch: slow((path) => (path === '/jwks' ? keysTake : 2_900)) })
    const issuer = issuerOf()
    await outage(find(findKeys, issuer, 'first'))
    expect(provider.requests).toEqual([discoveryPath])
    keysTake = 2_900
    now += times.keySetCooldown
    expect(await find(findKeys, issuer, 'first')).toBe(1)
    expect(provider.requests).toEqual([discoveryPath, '/jwks'])
  })

  it('is asked for one document by any process for an hour, unless the keys are no longer there', async () => {
    const issuer = issuerOf()
    await find(process(), issuer, 'first')
    for (let look = 1; look < 6; look++) {
      now += freshFor
      await find(process(), issuer, 'first')
    }
    expect(provider.requests).toEqual([discoveryPath, ...Array(6).fill('/jwks')])
    now += freshFor
    await find(process(), issuer, 'first')
    expect(provider.requests.slice(7)).toEqual([discoveryPath, '/jwks'])

    const findKeys = process()
    now += freshFor
    provider.instead = (path, response) => path === '/jwks' && down(path, response)
    await find(findKeys, issuer, 'first')
    provider.instead = undefined
    now += times.keySetCooldown
    await find(findKeys, issuer, 'first')
    expect(provider.requests.slice(9)).toEqual(['/jwks', discoveryPath, '/jwks'])
  })
})

describe('a key that does not fit', () => {
  const { kid: _kid, ...bare } = first.jwk
  const rsa = signingKey('RS256', { kid: 'x' }).jwk
  const fit = { ...first.jwk, kid: 'x' }
  const faultOf = async (jwk: JWK, alg = 'ES256') => {
    provider.keys = [jwk]
    const issuer = issuerOf({ algorithms: [alg as 'ES256'] })
    const { keys, fault } = await process()(issuer, { alg, kid: 'x' }, deadlineIn(10_000, clock))
    return keys.length === 0 ? fault : 'used'
  }

  it.each([
    ['is for encryption', 'key_may_not_verify', { ...fit, use: 'enc' }],
    ['is for another algorithm', 'key_of_another_algorithm', { ...fit, alg: 'ES384' }],
    ['may only sign', 'key_may_not_verify', { ...fit, key_ops: ['sign'] }],
    ['may do nothing', 'key_may_not_verify', { ...fit, key_ops: [] }],
    [
      'is of another curve',
      'key_of_another_algorithm',
      { ...signingKey('ES384').jwk, kid: 'x', alg: 'ES256' },
    ],
    ['is of another kind', 'key_of_another_algorithm', { ...rsa, alg: 'ES256' }],
    ['is a shared secret', 'key_of_another_algorithm', { kty: 'oct', k: 'c2VjcmV0', kid: 'x', alg: 'ES256' }],
    ['has been published with its private half', 'key_private', { ...fit, d: 'AQ' }],
    ['is not on its curve', 'key_malformed', { ...fit, y: fit.x }],
    ['lacks a coordinate', 'key_malformed', { ...fit, y: undefined }],
    ['has no name', undefined, bare],
  ] as [string, string | undefined, JWK][])('is not used: it %s', async (_name, fault, jwk) => {
    expect(await faultOf(jwk)).toBe(fault)
  })

  it.each([
    ['has an exponent of 3', 'key_exponent', { ...signingKey('RS256', { exponent: 3 }).jwk, kid: 'x' }],
    ['has an exponent of 1', 'key_exponent', { ...rsa, e: 'AQ' }],
    ['has an even exponent', 'key_exponent', { ...rsa, e: 'AQAC' }],
    ['has an exponent that OpenSSL does not take', 'key_exponent', { ...rsa, e: 'AQAAAAAAAAAB' }],
    ['has an empty exponent', 'key_exponent', { ...rsa, e: '' }],
    ['has no exponent', 'key_malformed', { ...rsa, e: undefined }],
    ['has 1024 bits', 'key_too_short', { ...signingKey('RS256', { bits: 1024 }).jwk, kid: 'x' }],
    ['has 2040 bits behind zeros', 'key_too_short', { ...rsa, n: `AAAA${rsa.n?.slice(4)}` }],
    ['is published with a prime factor', 'key_private', { ...rsa, p: 'AQ' }],
  ] as [string, string, JWK][])('is not used: it %s', async (_name, fault, jwk) => {
    expect(await faultOf(jwk, 'RS256')).toBe(fault)
  })

  it('does not keep its neighbours from being used', async () => {
    provider.keys = [{ kty: 'unknown' }, { ...fit, use: 'enc' }, { ...fit, y: 'AA' }, rsa, first.jwk]
    expect(await find(process(), issuerOf(), 'first')).toBe(1)
  })

  it.each([
    ['members that are null', { ...fit, d: null, use: null, key_ops: null, alg: null, ext: null }],
    ['more uses than one', { ...fit, key_ops: ['sign', 'verify'] }],
    ['members of no meaning here', { ...fit, ext: false, x5c: ['AA'], n: 'AA', nbf: 1 }],
  ])('is used all the same with %s', async (_name, jwk) => {
    expect(await faultOf(jwk as JWK)).toBe('used')
  })

  it.each([[[null]], [['x', 1]], [[[], { kty: null }]]])('%j beside it is skipped', async (others) => {
    provider.keys = [...(others as JWK[]), first.jwk]
    expect(await find(process(), issuerOf(), 'first')).toBe(1)
  })
})

describe('an issuer in trouble', () => {
  const answer = (body: string | object) => (_path: string, response: ServerResponse) => {
    if (typeof body === 'string') response.end(body)
    else sendJson(response, body)
    return true
  }
  const at =
    (path: string, then: TestIssuer['instead']): TestIssuer['instead'] =>
    (asked, response) =>
      asked === path ? (then?.(asked, response) ?? false) : false
  const redirect = (_path: string, response: ServerResponse) => {
    response.writeHead(302, { location: `${provider.address}/jwks` }).end()
    return true
  }

  it.each([
    ['answers with an error', 'status', () => down],
    ['sends us elsewhere', 'redirect', () => at('/jwks', redirect)],
    [
      'breaks the connection',
      'unreachable',
      () => (_: string, response: ServerResponse) => !!response.destroy(),
    ],
    ['sends no JSON', 'not_json', () => answer('<html>')],
    ['sends no end of it', 'too_large', () => answer(' '.repeat(200_000))],
    ['calls itself something else', 'other_issuer', () => answer({ issuer: 'https://elsewhere.example' })],
    ['names no address', 'plain_address', () => answer({ issuer: provider.address })],
    [
      'names a plain address',
      'plain_address',
      () => answer({ issuer: provider.address, jwks_uri: 'http://keys.example/' }),
    ],
    [
      'names a file',
      'plain_address',
      () => answer({ issuer: provider.address, jwks_uri: 'file:///etc/passwd' }),
    ],
    ['sends no keys', 'not_a_key_set', () => at('/jwks', answer({ keys: 'none' }))],
  ] as [string, string, () => TestIssuer['instead']][])(
    'that %s cannot be had',
    async (_name, reason, instead) => {
      provider.instead = instead()
      expect(await outage(find(process(), issuerOf(), 'first'))).toEqual({ reason, retryAfter: 30 })
    },
  )

  it('is read past a byte order mark, in discovery and in the key set', async () => {
    provider.instead = (path, response) => {
      const { address, keys } = provider
      const document = path === '/jwks' ? { keys } : { issuer: address, jwks_uri: `${address}/jwks` }
      response.end(`\ufeff${JSON.stringify(document)}`)
      return true
    }
    expect(await find(process(), issuerOf(), 'first')).toBe(1)
  })

  it('that does not answer is given up', async () => {
    provider.instead = () => true
    const findKeys = process({ times: { ...times, keySet: 50 } })
    expect(await outage(find(findKeys, issuerOf(), 'first'))).toMatchObject({ reason: 'timeout' })
  })

  it('over plain http counts only in the local world', async () => {
    expect(await outage(find(process({ loopback: false }), issuerOf(), 'first'))).toMatchObject({
      reason: 'plain_address',
    })
    expect(provider.requests).toEqual([])
  })

  it('is left in peace for a cooldown after each failure', async () => {
    const [findKeys, issuer] = [process(), issuerOf()]
    provider.instead = down
    for (let second = 0; second < 60; second += 1) {
      await outage(find(findKeys, issuer, 'first'))
      now += 1000
    }
    expect(provider.requests.length).toBe(2)
    expect(await outage(find(findKeys, issuer, 'first'))).toEqual({ reason: 'status', retryAfter: 30 })
    now += 10_000
    expect(await outage(find(findKeys, issuer, 'first'))).toEqual({ reason: 'status', retryAfter: 20 })
  })

  it('logs nobody out while its last keys are young enough, and then everybody', async () => {
    const [findKeys, issuer] = [process(), issuerOf()]
    const ask = () => findKeys(issuer, { alg: 'ES256', kid: 'first' }, deadlineIn(10_000, clock))
    expect((await ask()).stale).toBe(false)
    provider.instead = down
    now += freshFor
    expect(await ask()).toMatchObject({ keys: { length: 1 }, stale: true })
    now += staleFor - freshFor - 1
    expect((await ask()).stale).toBe(true)
    expect(await find(process(), issuer, 'first')).toBe(1)
    now += 1
    await outage(ask())
    await outage(find(process(), issuer, 'first'))
    provider.instead = undefined
    now += 30_000
    expect((await ask()).stale).toBe(false)
  })
})
