import { afterEach, beforeEach, expect, test } from 'vitest'
import { bearerOf, noAnswer, problem, silence } from './endpoint.ts'
import { errorOf, openPage, type Page, tokenOf } from './page.ts'
import { pass, passing, until } from './time.ts'

let page: Page
beforeEach(async () => {
  page = await openPage()
})
afterEach(() => page.close())

const methods = () => page.endpoint.requests.map(({ method, bearer }) => `${method} ${bearer}`)

test('signing out ends the session at the endpoint, and forgets it before that', async () => {
  const sessions = page.sessions()
  page.listen(sessions)
  await until(() => page.told.length === 1)
  const release = page.endpoint.hold()
  const out = sessions.signOut()
  expect(page.told).toEqual(['seam_cst_ada-0', 'signed_out'])
  expect(await errorOf(sessions.getClientSession())).toMatchObject({ code: 'signed_out' })
  release()
  expect(await out).toBe(true)
  expect(methods()).toEqual([`POST ${bearerOf('ada')}`, `DELETE ${bearerOf('ada')}`])
})

test('with the network down it forgets all the same, and says that nobody confirmed', async () => {
  const sessions = page.sessions()
  page.listen(sessions)
  await until(() => page.told.length === 1)
  page.endpoint.instead.push(noAnswer, noAnswer, noAnswer)
  expect(await passing(sessions.signOut())).toBe(false)
  expect(methods().slice(1)).toEqual(Array(3).fill(`DELETE ${bearerOf('ada')}`))
  expect(await errorOf(sessions.getClientSession())).toMatchObject({ code: 'signed_out' })
  page.online()
  await pass(7_200_000)
  expect(page.endpoint.requests).toHaveLength(4)
  expect(page.told.slice(0, 2)).toEqual(['seam_cst_ada-0', 'signed_out'])
  expect(page.told.slice(2)).not.toContain('seam_cst_ada-0')
})

test('with an endpoint that says nothing it takes no longer than ten seconds', async () => {
  const sessions = page.sessions()
  await sessions.getClientSession()
  page.endpoint.instead.push(silence)
  const before = Date.now()
  expect(await passing(sessions.signOut())).toBe(false)
  expect(Date.now() - before).toBeLessThanOrEqual(11_000)
  expect(await errorOf(sessions.getClientSession())).toMatchObject({ code: 'signed_out' })
})

test('it never rejects: not without a bearer token either', async () => {
  const sessions = page.sessions()
  await sessions.getClientSession()
  page.getToken = () => undefined
  expect(await sessions.signOut()).toBe(false)
  page.getToken = () => Promise.reject(new Error('offline'))
  expect(await sessions.signOut()).toBe(false)
  expect(page.endpoint.requests).toHaveLength(1)
})

test('a request under way is waited for, so that it cannot make a session anew, and its answer reaches nobody', async () => {
  const sessions = page.sessions()
  page.listen(sessions)
  const release = page.endpoint.hold()
  const got = errorOf(sessions.getClientSession())
  await until(() => page.endpoint.requests.length === 1)
  const out = sessions.signOut()
  await pass(1_000)
  expect(page.endpoint.requests).toHaveLength(1)
  release()
  expect(await out).toBe(true)
  expect(await got).toMatchObject({ code: 'signed_out' })
  expect(methods().at(-1)).toBe(`DELETE ${bearerOf('ada')}`)
  expect(page.told.filter((it) => it.startsWith('seam_cst'))).toEqual([])
})

test('the bearer token is asked for before the page can sign out at its identity provider', async () => {
  const sessions = page.sessions()
  await sessions.getClientSession()
  const out = sessions.signOut()
  page.getToken = () => undefined
  expect(await out).toBe(true)
})

test('a bearer token that has expired is renewed once', async () => {
  const sessions = page.sessions()
  await sessions.getClientSession()
  page.getToken = ({ fresh }) => bearerOf('ada', { fresh })
  page.endpoint.instead.push(problem(401, 'invalid_token', 'reauthenticate'))
  expect(await sessions.signOut()).toBe(true)
  expect(methods().at(-1)).toBe(`DELETE ${bearerOf('ada', { fresh: true })}`)
  page.getToken = () => bearerOf('ada', { fresh: true })
  expect(await errorOf(sessions.getClientSession())).toMatchObject({ code: 'signed_out' })
})

test('whoever has signed in meanwhile keeps their session', async () => {
  const sessions = page.sessions()
  await sessions.getClientSession()
  page.getToken = ({ fresh }) => bearerOf(fresh ? 'grace' : 'ada')
  page.endpoint.instead.push(problem(401, 'invalid_token', 'reauthenticate'))
  expect(await sessions.signOut()).toBe(false)
  expect(methods()).not.toContain(`DELETE ${bearerOf('grace')}`)
})

test('a new sign-in works, of somebody else and of the same user', async () => {
  const sessions = page.sessions()
  await sessions.getClientSession()
  await sessions.signOut()
  page.getToken = () => bearerOf('grace')
  expect(tokenOf(await sessions.getClientSession())).toBe('seam_cst_grace-0')
  page.getToken = () => bearerOf('ada', { iat: 2 })
  expect(tokenOf(await sessions.getClientSession())).toBe('seam_cst_ada-1')
})

test('everywhere: all sessions of the user', async () => {
  const sessions = page.sessions()
  await sessions.getClientSession()
  expect(await sessions.signOut({ everywhere: true })).toBe(true)
  expect(page.endpoint.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /client-session',
    'DELETE /client-sessions',
  ])
})

test('a bearer token issued too soon after a sign-out elsewhere signs out with a later one', async () => {
  const sessions = page.sessions()
  await sessions.getClientSession()
  page.getToken = ({ fresh }) => bearerOf('ada', { fresh })
  page.endpoint.instead.push(problem(401, 'invalid_token', 'retry', { 'retry-after': '5' }))
  expect(await passing(sessions.signOut())).toBe(true)
  expect(methods().slice(1)).toEqual([
    `DELETE ${bearerOf('ada', { fresh: false })}`,
    `DELETE ${bearerOf('ada', { fresh: true })}`,
  ])
})

test('a bearer token that is refused for ever is not sent for ever', async () => {
  const sessions = page.sessions()
  await sessions.getClientSession()
  page.endpoint.instead.push(...Array(20).fill(problem(401, 'invalid_token', 'reauthenticate')))
  expect(await sessions.signOut()).toBe(false)
  expect(page.endpoint.requests).toHaveLength(4)
})

test('the user’s other tabs know at once, ask with the same bearer token no more, and end nothing twice', async () => {
  const overheard: unknown[] = []
  const eavesdropper = new BroadcastChannel(`client-session ${page.endpoint.url}`)
  eavesdropper.onmessage = ({ data }) => overheard.push(data)
  const [here, there, other] = [
    page.sessions(),
    page.sessions(),
    page.sessions({ getToken: () => bearerOf('grace') }),
  ]
  page.listen(there)
  await Promise.all([here.getClientSession(), other.getClientSession()])
  await until(() => page.told.length === 1)
  await here.signOut()
  await until(() => page.told.length === 2)
  expect(page.told).toEqual(['seam_cst_ada-0', 'signed_out'])
  expect(await errorOf(there.getClientSession())).toMatchObject({ code: 'signed_out' })
  expect(methods().filter((it) => it.startsWith('DELETE'))).toHaveLength(1)
  expect(tokenOf(await other.getClientSession())).toBe('seam_cst_grace-0')
  await until(() => overheard.length > 0)
  expect(overheard).toEqual(['["https://issuer.example","ada"]'])
  eavesdropper.close()
  page.getToken = () => bearerOf('ada', { iat: 2 })
  expect(tokenOf(await there.getClientSession())).toBe('seam_cst_ada-1')
})

test('what another tab is asking for while this one signs out is ended, too', async () => {
  const [here, there] = [page.sessions(), page.sessions()]
  await here.getClientSession()
  const release = page.endpoint.hold()
  const got = errorOf(there.getClientSession())
  await until(() => page.endpoint.requests.length === 2)
  const out = here.signOut()
  await until(() => page.endpoint.requests.length === 3)
  release()
  expect(await got).toMatchObject({ code: 'signed_out' })
  expect(await out).toBe(true)
  await until(() => methods().filter((it) => it.startsWith('DELETE')).length === 2)
})
