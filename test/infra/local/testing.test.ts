import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { clientSession } from '../../../functions/browser/client-session.ts'
import { startWorld, type TestWorld } from '../../../infra/local/testing.ts'

/** The world for other people's tests, used as they would; and what a page sees of what happens elsewhere. */

let world: TestWorld
const folders = () => readdirSync(tmpdir())
beforeAll(async () => {
  // Other tests make folders, too.
  vi.stubEnv('TMPDIR', mkdtempSync(join(tmpdir(), 'testing-')))
  world = await startWorld({ configuration: { limits: { sessionsPerUser: 2 } } })
})
afterAll(async () => {
  await world.stop()
  expect(folders()).toEqual([])
  rmSync(tmpdir(), { recursive: true })
  vi.unstubAllEnvs()
})
beforeEach(() => world.seam.heal())

/** A page where this login of the user is signed in. */
function page(sub: string, sid: string) {
  let isThere = true
  let token = world.signIn(sub, { sid })
  const sessions = clientSession({
    url: world.url,
    getToken({ fresh }) {
      if (fresh && isThere) token = world.signIn(sub, { sid })
      return isThere ? token : undefined
    },
  })
  const leave = () => {
    isThere = false
  }
  return { sessions, leave }
}

async function devices(token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(`${world.seam.url}/devices/list`, { method: 'POST', headers })
  return response.ok ? (await response.json()).devices.length : -response.status
}

test('grants, withdraws, shows the user’s client sessions, and expires a token', async () => {
  const { sessions } = page('zoe', 'a')
  expect(await devices((await sessions.getClientSession()).token)).toBe(0)
  const account = await world.grant('zoe')
  const { token, client_session_id } = await sessions.getClientSession()
  expect(await devices(token)).toBe(1)
  expect(world.sessions('zoe')).toMatchObject([
    { client_session_id, live: true, connected_account_ids: [account] },
  ])
  expect(world.sessions('nobody')).toEqual([])

  world.expire(token)
  expect(await devices(token)).toBe(-401)
  const next = await sessions.getClientSession({ stale: client_session_id })
  expect(await devices(next.token)).toBe(1)

  await world.withdraw('zoe', account)
  expect(await devices(next.token)).toBe(-401)
  expect(world.sessions('zoe').map(({ live }) => live)).toEqual([false, false])
  expect(() => world.expire('nonsense')).toThrow('No client session')
})

test('breaks Seam and heals it', async () => {
  world.seam.break({ kind: 'status', status: 503, path: '/client_sessions/get_or_create' })
  const ask = async () => {
    const headers = { authorization: `Bearer ${await world.signIn('yan')}` }
    return (await fetch(`${world.url}/client-session`, { method: 'POST', headers })).status
  }
  expect(await ask()).toBe(503)
  world.seam.heal()
  await expect.poll(ask).toBe(201)
})

test('an evicted login gets 401 from Seam, reports it, and has a session again; another one is evicted', async () => {
  const [first, second, third] = [page('ada', '1'), page('ada', '2'), page('ada', '3')]
  const evicted = await first.sessions.getClientSession()
  await second.sessions.getClientSession()
  await third.sessions.getClientSession()
  await expect.poll(() => devices(evicted.token)).toBe(-401)
  const again = await first.sessions.getClientSession({ stale: evicted.client_session_id })
  expect(await devices(again.token)).toBeGreaterThan(0)
  await expect.poll(() => world.sessions('ada').filter(({ live }) => live).length).toBe(2)
})

test('signed out everywhere elsewhere: Seam answers 401, and nobody is signed in unless the provider says otherwise', async () => {
  const [here, there] = [page('grace', 'here'), page('grace', 'there')]
  const { token, client_session_id: stale } = await here.sessions.getClientSession()
  await there.sessions.getClientSession()
  expect(await there.sessions.signOut({ everywhere: true })).toBe(true)
  await expect.poll(() => devices(token)).toBe(-401)
  expect(world.sessions('grace').filter(({ live }) => live)).toEqual([])
  here.leave()
  await expect(here.sessions.getClientSession({ stale })).rejects.toMatchObject({ action: 'reauthenticate' })
})

test('two worlds know nothing of each other, and leave nothing behind', async () => {
  const before = folders()
  const other = await startWorld()
  expect(other.url).not.toBe(world.url)
  const headers = { authorization: `Bearer ${await world.signIn('ada')}` }
  expect((await fetch(`${other.url}/client-session`, { method: 'POST', headers })).status).toBe(401)
  expect((await fetch(other.page)).status).toBe(200)
  await other[Symbol.asyncDispose]()
  expect(folders()).toEqual(before)
  await expect(fetch(other.url)).rejects.toThrow()
  await expect(startWorld({ configuration: { limits: { sessionsPerUser: 0 } } })).rejects.toThrow(
    'sessionsPerUser',
  )
  expect(folders()).toEqual(before)
})
