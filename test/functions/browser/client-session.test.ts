import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { answer, bearerOf, noAnswer, problem } from './endpoint.ts'
import { errorOf, openPage, type Page, tokenOf } from './page.ts'
import { breath, pass, passing, until } from './time.ts'

let page: Page
beforeEach(async () => {
  page = await openPage()
})
afterEach(() => page.close())

describe('one session', () => {
  test('any number of simultaneous callers make one request', async () => {
    const sessions = page.sessions()
    const got = await Promise.all(Array.from({ length: 100 }, () => sessions.getClientSession()))
    expect(new Set(got.map(tokenOf))).toEqual(new Set(['seam_cst_ada-0']))
    expect(page.endpoint.requests).toHaveLength(1)
    expect(page.endpoint.requests[0]).toMatchObject({
      method: 'POST',
      bearer: bearerOf('ada'),
      body: undefined,
    })
  })

  test('later callers are served from memory', async () => {
    const sessions = page.sessions()
    const first = await sessions.getClientSession()
    expect(await sessions.getClientSession()).toBe(first)
    expect(page.endpoint.requests).toHaveLength(1)
  })

  test.each(['', '/', '/client-session', '/client-session/'])('an address may end with "%s"', async (end) => {
    const sessions = page.sessions({ url: `${page.endpoint.url}${end}` })
    await sessions.getClientSession()
    expect(page.endpoint.requests[0]?.path).toBe('/client-session')
  })

  test('listeners share it, and each is told once', async () => {
    const sessions = page.sessions()
    page.listen(sessions)
    page.listen(sessions)
    await until(() => page.told.length === 2)
    await Promise.all([sessions.getClientSession(), sessions.getClientSession()])
    expect(page.told).toEqual(['seam_cst_ada-0', 'seam_cst_ada-0'])
    expect(page.endpoint.requests).toHaveLength(1)
  })

  test('who no longer listens is told nothing', async () => {
    const sessions = page.sessions()
    page.listen(sessions)()
    await sessions.getClientSession()
    expect(page.told).toEqual([])
  })
})

describe('a switch of user', () => {
  test('the next call gets the new user’s session, and listeners lose the old one first', async () => {
    const sessions = page.sessions()
    page.listen(sessions)
    await until(() => page.told.length === 1)
    page.getToken = () => bearerOf('grace')
    expect(tokenOf(await sessions.getClientSession())).toBe('seam_cst_grace-0')
    expect(page.told).toEqual(['seam_cst_ada-0', 'nothing', 'seam_cst_grace-0'])
  })

  test('while a request is in flight, its answer reaches nobody', async () => {
    const sessions = page.sessions()
    page.listen(sessions)
    const release = page.endpoint.hold()
    const got = sessions.getClientSession()
    await until(() => page.endpoint.requests.length === 1)
    page.getToken = () => bearerOf('grace')
    const asked = sessions.getClientSession()
    release()
    expect((await Promise.all([got, asked])).map(tokenOf)).toEqual(['seam_cst_grace-0', 'seam_cst_grace-0'])
    expect(page.told).toEqual(['seam_cst_grace-0'])
  })

  test('while a request is in flight, unseen but for what `getToken` says after it', async () => {
    const sessions = page.sessions()
    const release = page.endpoint.hold()
    const got = sessions.getClientSession()
    await until(() => page.endpoint.requests.length === 1)
    page.getToken = () => bearerOf('grace')
    release()
    expect(tokenOf(await got)).toBe('seam_cst_grace-0')
  })

  test('an answer that nobody can be asked about is not handed out', async () => {
    const sessions = page.sessions()
    const release = page.endpoint.hold()
    const got = errorOf(sessions.getClientSession())
    await until(() => page.endpoint.requests.length === 1)
    page.getToken = () => Promise.reject(new Error('offline'))
    release()
    expect(await got).toMatchObject({ code: 'get_token_failed', action: 'retry' })
  })

  test('a question that is answered late, with whom has left, counts no more', async () => {
    const sessions = page.sessions()
    let late = (_: string) => {}
    page.getToken = () =>
      new Promise((resolve) => {
        late = resolve
      })
    const first = sessions.getClientSession()
    page.getToken = () => bearerOf('grace')
    expect(tokenOf(await sessions.getClientSession())).toBe('seam_cst_grace-0')
    late(bearerOf('ada'))
    expect(tokenOf(await first)).toBe('seam_cst_grace-0')
    expect(page.endpoint.requests.map(({ bearer }) => bearer)).toEqual([bearerOf('grace')])
  })

  test('a new bearer token of the same user is no switch', async () => {
    const sessions = page.sessions()
    await sessions.getClientSession()
    page.getToken = () => bearerOf('ada', { iat: 1 })
    await sessions.getClientSession()
    expect(page.endpoint.requests).toHaveLength(1)
  })

  test('the same `sub` of another issuer is, and so is what `subjectOf` tells apart', async () => {
    const sessions = page.sessions()
    await sessions.getClientSession()
    page.getToken = () => bearerOf('ada', { iss: 'https://other.example' })
    await sessions.getClientSession()
    expect(page.endpoint.requests).toHaveLength(2)

    const byOrganization = page.sessions({ subjectOf: ({ org }) => org })
    page.getToken = () => bearerOf('ada', { org: 'one' })
    await byOrganization.getClientSession()
    page.getToken = () => bearerOf('ada', { org: 'two' })
    await byOrganization.getClientSession()
    expect(page.endpoint.requests).toHaveLength(4)
  })

  test('with nobody signed in there is no session, and no request', async () => {
    const sessions = page.sessions()
    page.listen(sessions)
    await until(() => page.told.length === 1)
    page.getToken = () => undefined
    expect(await errorOf(sessions.getClientSession())).toMatchObject({
      action: 'reauthenticate',
      code: 'not_signed_in',
    })
    expect(page.told).toEqual(['seam_cst_ada-0', 'nothing', 'not_signed_in'])
    expect(page.endpoint.requests).toHaveLength(1)
  })

  test('`reset` forgets at once, and gets listeners the new user’s session', async () => {
    const sessions = page.sessions()
    page.listen(sessions)
    await until(() => page.told.length === 1)
    page.getToken = () => Promise.reject(new Error('offline'))
    sessions.reset()
    expect(page.told).toEqual(['seam_cst_ada-0', 'nothing'])
    expect(await errorOf(sessions.getClientSession())).toMatchObject({ code: 'get_token_failed' })
    page.getToken = () => bearerOf('grace')
    sessions.reset()
    await until(() => page.told.at(-1) === 'seam_cst_grace-0')
  })
})

describe('what Seam refused', () => {
  test('is replaced once, by a request that names it, for all who report it', async () => {
    const sessions = page.sessions()
    page.listen(sessions)
    const { client_session_id: stale } = await sessions.getClientSession()
    const got = await Promise.all(Array.from({ length: 10 }, () => sessions.getClientSession({ stale })))
    expect(new Set(got.map(tokenOf))).toEqual(new Set(['seam_cst_ada-1']))
    expect(page.endpoint.requests.map(({ body }) => body)).toEqual([
      undefined,
      { stale_client_session_id: stale },
    ])
    expect(page.told).toEqual(['seam_cst_ada-0', 'seam_cst_ada-1'])
  })

  test('is not replaced again by a late report', async () => {
    const sessions = page.sessions()
    const { client_session_id: stale } = await sessions.getClientSession()
    await sessions.getClientSession({ stale })
    expect(tokenOf(await sessions.getClientSession({ stale }))).toBe('seam_cst_ada-1')
    expect(page.endpoint.requests).toHaveLength(2)
  })

  test('is reported once more when a request without the report was on its way', async () => {
    const sessions = page.sessions()
    const release = page.endpoint.hold()
    const first = sessions.getClientSession()
    await until(() => page.endpoint.requests.length === 1)
    const reported = sessions.getClientSession({ stale: 'ada-0' })
    release()
    expect((await Promise.all([first, reported])).map(tokenOf)).toEqual(['seam_cst_ada-1', 'seam_cst_ada-1'])
    expect(page.endpoint.requests).toHaveLength(2)
  })

  test('is never handed out again, whatever the endpoint says', async () => {
    const sessions = page.sessions()
    const { client_session_id: stale } = await sessions.getClientSession()
    page.endpoint.instead.push(problem(429, 'rate_limited', 'retry', { 'retry-after': '60' }))
    expect(await errorOf(sessions.getClientSession({ stale }))).toMatchObject({ code: 'rate_limited' })
    expect(await errorOf(sessions.getClientSession())).toMatchObject({ code: 'rate_limited' })
    expect(page.endpoint.requests).toHaveLength(2)
    await pass(80_000)
    expect(tokenOf(await sessions.getClientSession())).toBe('seam_cst_ada-1')
    expect(page.endpoint.requests[2]?.body).toEqual({ stale_client_session_id: stale })
  })

  test('and is answered again is an answer like none', async () => {
    const sessions = page.sessions()
    const { client_session_id, ...rest } = await sessions.getClientSession()
    page.endpoint.instead.push((response) => answer(response, 200, { ...rest, client_session_id }))
    expect(tokenOf(await passing(sessions.getClientSession({ stale: client_session_id })))).toBe(
      'seam_cst_ada-1',
    )
    const [, second, third] = page.endpoint.requests.map(({ at }) => at)
    expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(500)
  })
})

describe('an abort', () => {
  test('lets the caller go, and nobody else', async () => {
    const sessions = page.sessions()
    const release = page.endpoint.hold()
    const controller = new AbortController()
    const mine = sessions.getClientSession({ signal: controller.signal })
    const other = sessions.getClientSession()
    await until(() => page.endpoint.requests.length === 1)
    controller.abort(new Error('enough'))
    await expect(mine).rejects.toThrow('enough')
    release()
    expect(tokenOf(await other)).toBe('seam_cst_ada-0')
  })

  test('before the call asks nobody anything', async () => {
    const got = page.sessions().getClientSession({ signal: AbortSignal.abort(new Error('enough')) })
    await expect(got).rejects.toThrow('enough')
    expect(page.asked).toEqual([])
  })

  test('ends the tries', async () => {
    page.endpoint.instead.push(noAnswer, noAnswer)
    const controller = new AbortController()
    const got = page.sessions().getClientSession({ signal: controller.signal })
    const failed = expect(got).rejects.toThrow()
    await until(() => page.endpoint.requests.length === 1)
    await breath()
    controller.abort()
    await failed
    await pass(60_000)
    expect(page.endpoint.requests).toHaveLength(1)
  })
})
