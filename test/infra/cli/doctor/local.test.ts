import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startWorld, type World } from '../../../../infra/local/world.ts'
import { consult } from './consulting.ts'

let folder: string
let world: World
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doctor-'))
  world = await startWorld({ folder })
})
afterEach(() => {
  world.seam?.faults.clear()
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true })
})

const look = (words: string[] = [], input?: string) => consult(words, { LOCAL_DIR: folder }, input)
const callSeam = async (path: string, params: object) =>
  fetch(`${world.file.seam}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.seam?.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(params),
  })
const devicesWith = async (token: string) =>
  fetch(`${world.file.seam}/devices/list`, { method: 'POST', headers: { authorization: `Bearer ${token}` } })

test('a local world that is well has nothing red, and every check has its line', async () => {
  const { code, findings } = await look()
  expect(findings.filter(({ state }) => state === 'bad')).toEqual([])
  expect(code).toBe(0)
  expect(findings.filter(({ state }) => state === 'good').map(({ what }) => what)).toEqual(
    expect.arrayContaining([
      'endpoint',
      'without a token',
      'with a wrong token',
      'unsigned webhook',
      'unsigned identity event',
      `origin ${world.file.page}`,
      'other origins',
      'issuer local',
      'table',
      'Seam API key',
      'publishable-key access',
      'webhook',
      'webhook secret',
    ]),
  )
})

test('publishable-key access that is on is red, and ends with 1', async () => {
  await callSeam('/workspaces/update', { is_publishable_key_auth_enabled: true })
  const { code, about } = await look()
  await callSeam('/workspaces/update', { is_publishable_key_auth_enabled: false })
  expect([code, about('publishable-key access')]).toEqual([
    1,
    expect.objectContaining({ state: 'bad', todo: expect.stringContaining('switch it off') }),
  ])
})

test('an identity provider without keys is red, by name', async () => {
  const { keys } = world.identityProvider
  const published = keys.splice(0)
  const { code, about } = await look()
  keys.push(...published)
  expect([code, about('issuer local')]).toEqual([
    1,
    expect.objectContaining({ state: 'bad', said: expect.stringContaining(world.identityProvider.issuer) }),
  ])
})

test('a Seam that does not accept the key, or does not answer, is red', async () => {
  world.seam?.faults.add({ path: '/workspaces/get', kind: 'status', status: 401 })
  expect((await look()).about('Seam API key')).toMatchObject({
    state: 'bad',
    todo: 'Seam does not accept that API key.',
  })
  world.seam?.faults.clear()
  world.seam?.faults.add({ path: '/workspaces/get', kind: 'status', status: 503 })
  const { code, about } = await look()
  expect([code, about('Seam')?.state]).toEqual([1, 'bad'])
})

test('what cleaning up said counts once it has run', async () => {
  await world.cleanUp({ deadline: { left: () => 10_000 } })
  expect((await look()).about('cleaning up')?.state).toBe('good')
})

test('a token on standard input: one vend, one sign-out, and it is printed nowhere', async () => {
  const token = await world.identityProvider.sign({ sub: 'ada' })
  const vended = await fetch(`${world.file.api}/client-session`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  })
  const before = ((await vended.json()) as { token: string }).token
  expect((await devicesWith(before)).status).toBe(200)
  const { code, about, out, err } = await look(['--token', '-'], `${token}\n`)
  expect([code, about('a vend')?.state, about('a sign-out')?.state]).toEqual([0, 'good', 'good'])
  for (const what of ['with a forged token', 'with an expired token', 'with a foreign audience'])
    expect(about(what)).toMatchObject({ state: 'good', said: '401 invalid_token' })
  expect((await devicesWith(before)).status).toBe(401)
  for (const secret of [token, before, world.seam?.apiKey ?? '']) expect(out + err).not.toContain(secret)
})

test('a token that is not accepted is red, and leads to its explanation', async () => {
  const { code, about } = await look(['--token', '-'], 'no.real.token')
  expect([code, about('a vend')]).toEqual([
    1,
    expect.objectContaining({
      state: 'bad',
      said: '401 invalid_token',
      todo: expect.stringContaining('explain'),
    }),
  ])
})

test('a sign-out that Seam does not confirm is red', async () => {
  world.seam?.faults.add({ path: '/client_sessions/delete', kind: 'status', status: 503 })
  const { about } = await look(['--token', '-'], await world.identityProvider.sign({ sub: 'grace' }))
  expect(about('a sign-out')).toMatchObject({ state: 'bad', said: '503; the token still works' })
})

test('without a world there is one line that says how to start it', async () => {
  const { code, about } = await consult([], { LOCAL_DIR: join(folder, 'nowhere') })
  expect([code, about('local world')]).toEqual([
    1,
    expect.objectContaining({ state: 'bad', todo: expect.stringContaining('npm start') }),
  ])
})
