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

describe('nobody is signed in, in the words of an identity provider', () => {
  const named = (name: string, more: object = {}) => Object.assign(new Error('x'), { name, ...more })
  test.each([
    ['auth0-spa-js', named('Error', { error: 'login_required' })],
    ['auth0-spa-js, consent', named('OAuthError', { error: 'consent_required' })],
    ['auth0-spa-js, refresh', named('MissingRefreshTokenError', { error: 'missing_refresh_token' })],
    ['oidc-client-ts', named('ErrorResponse', { error: 'invalid_grant' })],
    ['a plain object', { error: 'interaction_required' }],
    ['MSAL', named('InteractionRequiredAuthError', { errorCode: 'no_tokens_found' })],
    ['Okta', named('AuthSdkError', { errorCode: 'login_required' })],
    ['Cognito', named('NotAuthorizedException')],
  ])('%s: reauthenticate, at once and once', async (_, thrown) => {
    const sessions = page.sessions()
    page.listen(sessions)
    await sessions.getClientSession()
    page.asked.length = 0
    page.getToken = () => Promise.reject(thrown)
    const before = Date.now()
    expect(await errorOf(sessions.getClientSession())).toMatchObject({
      action: 'reauthenticate',
      code: 'not_signed_in',
      cause: thrown,
    })
    // Asked once more, as at every switch of user.
    expect([Date.now() - before, page.asked]).toEqual([0, [false, false]])
    expect(page.told).toEqual(['seam_cst_ada-0', 'nothing', 'not_signed_in'])
    await pass(3_600_000)
    expect([page.asked, page.endpoint.requests.length]).toEqual([[false, false], 1])
  })

  test.each([
    ['a failure', new Error('offline')],
    ['a string', 'login_required_elsewhere'],
    ['nothing', undefined],
  ])('%s is still tried again', async (_, thrown) => {
    page.getToken = () => Promise.reject(thrown)
    expect(await errorOf(page.sessions().getClientSession())).toMatchObject({
      code: 'get_token_failed',
      action: 'retry',
    })
  })
})

test('an object in place of a bearer token: fix_request, once, and listeners hear of it', async () => {
  page.getToken = () => ({ accessToken: bearerOf('ada') }) as never
  const sessions = page.sessions()
  page.listen(sessions)
  await pass(3_600_000)
  expect(page.asked).toEqual([false])
  expect(page.told).toEqual(['get_token_failed'])
  expect(await errorOf(sessions.getClientSession())).toMatchObject({
    action: 'fix_request',
    message: /string/,
  })
  expect(await sessions.signOut()).toBe(false)
  expect(page.endpoint.requests).toEqual([])
})

describe('step_up', () => {
  const stepUp = (requirement: object) => (response: Parameters<typeof answer>[0]) =>
    answer(response, 401, { code: 'insufficient_user_authentication', action: 'step_up', ...requirement })
  const wanted = stepUp({ acr_values: ['mfa', 'phr'], max_age: 300 })
  const requirement = { acrValues: ['mfa', 'phr'], maxAge: 300 }

  test('asks the page once for any number of callers, and goes on with a fresh bearer token', async () => {
    page.endpoint.instead.push(wanted)
    page.getToken = ({ fresh }) => bearerOf('ada', { fresh })
    const asked: unknown[] = []
    const sessions = page.sessions({ onStepUp: (requirement) => void asked.push(requirement) })
    page.listen(sessions)
    const got = await Promise.all(Array.from({ length: 20 }, () => sessions.getClientSession()))
    expect(new Set(got.map(tokenOf))).toEqual(new Set(['seam_cst_ada-0']))
    expect(asked).toEqual([requirement])
    expect(page.asked.filter((fresh) => fresh)).toHaveLength(1)
    expect(page.endpoint.requests).toHaveLength(2)
    expect(page.told).toEqual(['seam_cst_ada-0'])
  })

  test('never asks twice for what is still not enough, but after `reset` or a session', async () => {
    page.endpoint.instead.push(...always(wanted))
    let iat = 0
    page.getToken = () => bearerOf('ada', { iat: ++iat })
    let asked = 0
    const sessions = page.sessions({ onStepUp: () => asked++ })
    page.listen(sessions)
    const error = await errorOf(sessions.getClientSession())
    expect(error).toMatchObject({
      action: 'step_up',
      code: 'insufficient_user_authentication',
      ...requirement,
    })
    for (let i = 0; i < 5; i++) await errorOf(sessions.getClientSession())
    await pass(24 * 3_600_000)
    page.online()
    await pass(10_000)
    expect(asked).toBe(1)
    expect(page.told).toEqual(['insufficient_user_authentication'])
    sessions.reset()
    await errorOf(sessions.getClientSession())
    expect(asked).toBe(2)
    page.endpoint.instead.length = 0
    const { client_session_id: stale } = await sessions.getClientSession()
    page.endpoint.instead.push(wanted)
    expect(tokenOf(await sessions.getClientSession({ stale }))).toBe('seam_cst_ada-1')
    expect(asked).toBe(3)
  })

  test.each([
    ['without `onStepUp`', undefined],
    ['when the user closes the window', () => Promise.reject(new Error('closed'))],
  ])('is an error %s, with what is wanted', async (_, onStepUp) => {
    page.endpoint.instead.push(wanted)
    const error = await errorOf(page.sessions({ ...(onStepUp && { onStepUp }) }).getClientSession())
    expect(error).toMatchObject({ action: 'step_up', ...requirement })
    expect([page.asked, page.endpoint.requests.length]).toEqual([[false], 1])
  })

  test('a timer opens no window: the session at hand serves until its end, and then the page is told', async () => {
    let asked = 0
    const sessions = page.sessions({ onStepUp: () => asked++ })
    page.listen(sessions)
    await sessions.getClientSession()
    page.endpoint.instead.push(...always(wanted))
    await pass(3_500_000)
    expect(page.endpoint.requests).toHaveLength(2)
    expect(tokenOf(await sessions.getClientSession())).toBe('seam_cst_ada-0')
    await pass(200_000)
    expect([asked, page.told]).toEqual([0, ['seam_cst_ada-0', 'nothing', 'insufficient_user_authentication']])
  })
})

test('an action of the future is `stop`', async () => {
  page.endpoint.instead.push(problem(400, 'new', 'dance'))
  expect(await errorOf(page.sessions().getClientSession())).toMatchObject({ action: 'stop', code: 'new' })
  expect(page.endpoint.requests).toHaveLength(1)
})

test.each([5, 45])(
  'a bearer token issued too soon after a sign-out is replaced after %s s',
  async (seconds) => {
    page.getToken = ({ fresh }) => bearerOf('ada', { fresh })
    const from = Date.now() + seconds * 1000
    const judge: Page['endpoint']['instead'][number] = (response, received) => {
      const left = String(Math.max(1, Math.ceil((from - received.at) / 1000)))
      if (received.bearer === bearerOf('ada', { fresh: true })) return response.destroy()
      return problem(401, 'invalid_token', 'retry', { 'retry-after': left })(response, received)
    }
    page.endpoint.instead.push(judge)
    if (seconds > 30) page.endpoint.instead.push(judge)
    const sessions = page.sessions()
    page.listen(sessions)
    await pass(4_000)
    expect(page.asked).not.toContain(true)
    await pass(120_000)
    expect(waits()[0]).toBeGreaterThanOrEqual(seconds * 1000)
    expect(page.endpoint.requests.at(-1)?.bearer).toBe(bearerOf('ada', { fresh: true }))
    expect(page.told.at(-1)).toBe('seam_cst_ada-0')
  },
)

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
    // A try that began before the end and failed after it says so first.
    const [first, ...later] = page.told
    expect([first, [...new Set(later)].sort(), later.at(-1)]).toEqual([
      'seam_cst_ada-0',
      ['network', 'nothing'],
      'network',
    ])
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
