import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { answer, bearerOf, noAnswer, problem, silence } from './endpoint.ts'
import { errorOf, openPage, type Page, tokenOf } from './page.ts'
import { breath, pass, passing, until } from './time.ts'

let page: Page
beforeEach(async () => {
  page = await openPage()
})
afterEach(() => page.close())

const always = <T>(it: T) => Array.from({ length: 100 }, () => it)
/** Milliseconds between one request and the next. */
const waits = () =>
  page.endpoint.requests.slice(1).map(({ at }, i) => at - (page.endpoint.requests[i]?.at ?? 0))

describe('reauthenticate', () => {
  const invalid = problem(401, 'invalid_token', 'reauthenticate')

  test('asks for a fresh bearer token once, and goes on with it', async () => {
    page.endpoint.instead.push(invalid)
    page.getToken = ({ fresh }) => bearerOf('ada', { fresh })
    const sessions = page.sessions()
    expect(tokenOf(await sessions.getClientSession())).toBe('seam_cst_ada-0')
    expect(page.endpoint.requests.map(({ bearer }) => bearer)).toEqual([
      bearerOf('ada', { fresh: false }),
      bearerOf('ada', { fresh: true }),
    ])
  })

  test('asks for one for any number of callers', async () => {
    page.endpoint.instead.push(invalid)
    page.getToken = ({ fresh }) => bearerOf('ada', { fresh })
    const sessions = page.sessions()
    await Promise.all(Array.from({ length: 20 }, () => sessions.getClientSession()))
    expect(page.asked.filter((fresh) => fresh)).toHaveLength(1)
    expect(page.endpoint.requests).toHaveLength(2)
  })

  test('stops when the fresh one is refused too, and drops what is at hand', async () => {
    const sessions = page.sessions()
    page.listen(sessions)
    const { client_session_id: stale } = await sessions.getClientSession()
    page.endpoint.instead.push(invalid, invalid)
    page.getToken = ({ fresh }) => bearerOf('ada', { fresh })
    expect(await errorOf(sessions.getClientSession({ stale }))).toMatchObject({
      action: 'reauthenticate',
      code: 'invalid_token',
      requestId: 'r1',
    })
    expect(page.endpoint.requests).toHaveLength(3)
    expect(page.told).toEqual(['seam_cst_ada-0', 'invalid_token'])
    await pass(3_600_000)
    expect(page.endpoint.requests).toHaveLength(3)
  })

  test('sends a bearer token that was refused no second time, but another', async () => {
    page.endpoint.instead.push(invalid)
    const sessions = page.sessions()
    expect(await errorOf(sessions.getClientSession())).toMatchObject({ code: 'invalid_token' })
    expect(await errorOf(sessions.getClientSession())).toMatchObject({ code: 'invalid_token' })
    expect(page.endpoint.requests).toHaveLength(1)
    page.getToken = () => bearerOf('ada', { iat: 2 })
    expect(tokenOf(await sessions.getClientSession())).toBe('seam_cst_ada-0')
  })
})

describe('stop', () => {
  const disabled = problem(403, 'subject_disabled', 'stop')

  test('ends the session at hand, tells the subject, and asks no more', async () => {
    const sessions = page.sessions()
    page.listen(sessions)
    const { client_session_id: stale } = await sessions.getClientSession()
    page.endpoint.instead.push(disabled)
    const error = await errorOf(sessions.getClientSession({ stale }))
    expect(error).toMatchObject({ action: 'stop', code: 'subject_disabled', subject: 'main|ada' })
    expect(await errorOf(sessions.getClientSession())).toBe(error)
    expect(page.told).toEqual(['seam_cst_ada-0', 'subject_disabled'])
    page.online()
    await pass(24 * 3_600_000)
    expect(page.endpoint.requests).toHaveLength(2)
    expect(page.asked).not.toContain(true)
  })

  test('`reset` tries again', async () => {
    const sessions = page.sessions()
    page.endpoint.instead.push(disabled)
    await errorOf(sessions.getClientSession())
    sessions.reset()
    expect(tokenOf(await sessions.getClientSession())).toBe('seam_cst_ada-0')
  })
})

test('fix_request is not repeated, and leaves what is at hand until it expires', async () => {
  const sessions = page.sessions()
  page.listen(sessions)
  await sessions.getClientSession()
  page.endpoint.instead.push(problem(404, 'not_found', 'fix_request'))
  await pass(3_400_000)
  expect(page.endpoint.requests).toHaveLength(2)
  expect(tokenOf(await sessions.getClientSession())).toBe('seam_cst_ada-0')
  await pass(300_000)
  expect(await errorOf(sessions.getClientSession())).toMatchObject({ action: 'fix_request' })
  expect(page.endpoint.requests).toHaveLength(2)
  expect(page.told).toEqual(['seam_cst_ada-0', 'nothing', 'not_found'])
})

describe('retry', () => {
  test.each([
    ['no answer that a page may see', noAnswer, 'network'],
    ['an outage', problem(503, 'upstream_unavailable', 'retry'), 'upstream_unavailable'],
    ['a gateway’s own words', (response) => response.writeHead(502).end('<html>Bad gateway'), 'http_502'],
    ['a gateway’s 403', (response) => answer(response, 403, { message: 'Forbidden' }), 'http_403'],
    [
      'a page in place of the answer',
      (response) => response.end('<html>Welcome to our Wi-Fi'),
      'unexpected_answer',
    ],
    ['half a session', (response) => answer(response, 200, { token: 'x' }), 'unexpected_answer'],
    ['an action of the future', problem(400, 'new', 'dance'), 'new'],
  ] as [string, Page['endpoint']['instead'][number], string][])(
    '%s is tried again, and not for ever',
    async (_, trouble, code) => {
      const sessions = page.sessions()
      page.endpoint.instead.push(trouble)
      expect(tokenOf(await passing(sessions.getClientSession()))).toBe('seam_cst_ada-0')
      sessions.reset()
      page.endpoint.instead.push(...always(trouble))
      expect(await errorOf(sessions.getClientSession())).toMatchObject({ action: 'retry', code })
      expect(page.endpoint.requests).toHaveLength(2 + 5)
    },
  )

  test('waits longer each time, never quite as long as another page', async () => {
    page.endpoint.instead.push(...always(noAnswer))
    await errorOf(page.sessions().getClientSession())
    const [first = 0, second = 0, third = 0, fourth = 0] = waits()
    const slack = 400
    expect(first).toBeGreaterThanOrEqual(500)
    expect(first).toBeLessThanOrEqual(1000 + slack)
    expect(second).toBeGreaterThanOrEqual(1000)
    expect(second).toBeLessThanOrEqual(2000 + slack)
    expect(third).toBeGreaterThanOrEqual(2000)
    expect(third).toBeLessThanOrEqual(4000 + slack)
    expect(fourth).toBeGreaterThanOrEqual(4000)
    expect(fourth).toBeLessThanOrEqual(8000 + slack)
  })

  test('of callers who fail together, each waits as long as one', async () => {
    page.endpoint.instead.push(noAnswer, noAnswer)
    const sessions = page.sessions()
    await passing(Promise.all(Array.from({ length: 50 }, () => sessions.getClientSession())))
    expect(page.endpoint.requests).toHaveLength(3)
    expect(Math.max(...waits())).toBeLessThan(2500)
  })

  test('and so when it is their `getToken` that fails', async () => {
    const sessions = page.sessions()
    page.getToken = () => Promise.reject(new Error('no connection'))
    const got = Promise.all(Array.from({ length: 50 }, () => sessions.getClientSession()))
    await pass(1_500)
    page.getToken = () => bearerOf('ada')
    await pass(2_500)
    expect(page.endpoint.requests).toHaveLength(1)
    await got
  })

  test('comes no sooner than the endpoint asks', async () => {
    page.endpoint.instead.push(problem(503, 'busy', 'retry', { 'retry-after': '20' }))
    await passing(page.sessions().getClientSession())
    expect(waits()[0]).toBeGreaterThanOrEqual(20_000)
    expect(waits()[0]).toBeLessThanOrEqual(25_000 + 400)
  })

  test('is left to the caller when the endpoint asks for more than a call can wait', async () => {
    page.endpoint.instead.push(problem(429, 'rate_limited', 'retry', { 'retry-after': '600' }))
    const sessions = page.sessions()
    const error = await errorOf(sessions.getClientSession())
    expect(error).toMatchObject({ code: 'rate_limited', retryAfter: 600 })
    await pass(500_000)
    page.online()
    expect(await errorOf(sessions.getClientSession())).toBe(error)
    expect(page.endpoint.requests).toHaveLength(1)
    await pass(300_000)
    expect(tokenOf(await sessions.getClientSession())).toBe('seam_cst_ada-0')
  })

  test('comes no sooner than the endpoint asks, though the network is back', async () => {
    page.endpoint.instead.push(problem(429, 'rate_limited', 'retry', { 'retry-after': '600' }))
    page.listen(page.sessions())
    await until(() => page.told.length === 1)
    page.online()
    await pass(500_000)
    expect(page.endpoint.requests).toHaveLength(1)
    await pass(300_000)
    expect(page.told).toEqual(['rate_limited', 'seam_cst_ada-0'])
  })

  test('an endpoint that says nothing is given up on', async () => {
    page.endpoint.instead.push(silence)
    expect(tokenOf(await passing(page.sessions().getClientSession()))).toBe('seam_cst_ada-0')
    expect(waits()[0]).toBeGreaterThanOrEqual(15_000)
  })

  test('serves what is at hand meanwhile, and tells listeners when that has expired', async () => {
    const sessions = page.sessions()
    page.listen(sessions)
    await until(() => page.told.length === 1)
    page.endpoint.instead.push(...always(noAnswer))
    await pass(3_590_000)
    expect(page.endpoint.requests.length).toBeGreaterThan(3)
    expect(tokenOf(await sessions.getClientSession())).toBe('seam_cst_ada-0')
    await pass(60_000)
    expect(page.told).toEqual(['seam_cst_ada-0', 'nothing', 'network'])
  })

  test('in the background ends after a while, and begins again when the network is back', async () => {
    const sessions = page.sessions()
    page.endpoint.instead.push(...always(noAnswer))
    page.listen(sessions)
    await pass(3_600_000)
    const { length } = page.endpoint.requests
    expect(length).toBeGreaterThanOrEqual(10)
    expect(length).toBeLessThanOrEqual(16)
    await pass(24 * 3_600_000)
    expect(page.endpoint.requests).toHaveLength(length)
    page.endpoint.instead.length = 0
    page.online()
    await until(() => page.told.at(-1) === 'seam_cst_ada-0')
  })
})

describe('getToken in trouble', () => {
  const failing = () => Promise.reject(new Error('no connection'))

  test('leaves what is at hand until it expires', async () => {
    const sessions = page.sessions()
    await sessions.getClientSession()
    page.getToken = failing
    await pass(3_599_000)
    expect(tokenOf(await sessions.getClientSession())).toBe('seam_cst_ada-0')
    await pass(1_000)
    expect(await errorOf(sessions.getClientSession())).toMatchObject({
      action: 'retry',
      code: 'get_token_failed',
      cause: new Error('no connection'),
    })
    expect(page.endpoint.requests).toHaveLength(1)
  })

  test('is tried again, and the endpoint is asked as soon as it is over', async () => {
    page.getToken = failing
    const got = page.sessions().getClientSession()
    await pass(2_000)
    page.getToken = () => bearerOf('ada')
    expect(tokenOf(await passing(got))).toBe('seam_cst_ada-0')
    const failed = page.sessions()
    page.getToken = failing
    for (let i = 0; i < 4; i++) await errorOf(failed.getClientSession())
    page.getToken = () => bearerOf('ada')
    expect(tokenOf(await failed.getClientSession())).toBe('seam_cst_ada-0')
  })

  test('and one that never answers is one that fails', async () => {
    const sessions = page.sessions()
    await sessions.getClientSession()
    page.getToken = () => new Promise(() => {})
    expect(tokenOf(await passing(sessions.getClientSession()))).toBe('seam_cst_ada-0')
  })

  test('one that throws, too', async () => {
    page.getToken = () => {
      throw new Error('not ready')
    }
    const got = page.sessions().getClientSession()
    await breath()
    page.getToken = () => bearerOf('ada')
    expect(tokenOf(await passing(got))).toBe('seam_cst_ada-0')
  })
})
