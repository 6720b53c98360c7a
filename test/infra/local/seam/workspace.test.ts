import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { schemas } from '@seamapi/types/connect'
import { afterEach, expect, test } from 'vitest'
import { type LocalSeam, startSeam } from '../../../../infra/local/seam/workspace.ts'
import { caller } from './calling.ts'

const started: LocalSeam[] = []
const start = async (options?: Parameters<typeof startSeam>[0]) => {
  const seam = await startSeam(options)
  started.push(seam)
  return seam
}
afterEach(async () => {
  for (const seam of started.splice(0)) await seam.close()
})

const folder = () => mkdtemp(join(tmpdir(), 'local-seam-'))

const tokenFor = async (seam: LocalSeam, connected_account_ids: string[]): Promise<string> => {
  const { body } = await caller(seam)('/client_sessions/create', { connected_account_ids })
  return body.client_session.token
}

test('a fresh workspace has three users with devices of their own, and spare accounts', async () => {
  const seam = await start()
  const call = caller(seam)
  expect(seam.users.map(({ sub }) => sub)).toEqual(['ada', 'grace', 'alan'])
  const holders = [...seam.users.map((user) => user.connected_account_ids), seam.spareAccountIds]
  expect(new Set(holders.flat()).size).toBe(holders.flat().length)
  for (const accounts of holders) {
    const { body } = await call('/devices/list', {}, await tokenFor(seam, accounts))
    expect(body.devices.length).toBeGreaterThan(0)
    expect(accounts).toEqual(expect.arrayContaining(idsOf(body.devices)))
    expect(schemas.device.array().safeParse(body.devices).error).toBeUndefined()
  }
})

test('the workspace and its connected accounts answer what the published schemas say', async () => {
  const seam = await start()
  const call = caller(seam)
  const { workspace } = (await call('/workspaces/get')).body
  expect(schemas.workspace.parse(workspace)).toMatchObject({
    workspace_id: seam.workspaceId,
    is_sandbox: true,
    is_publishable_key_auth_enabled: false,
  })
  const { connected_accounts, pagination } = (await call('/connected_accounts/list')).body
  expect(schemas.connected_account.array().parse(connected_accounts)).toHaveLength(7)
  expect(pagination.has_next_page).toBe(false)
})

test('a deleted connected account is out of reach of the tokens that had it', async () => {
  const seam = await start()
  const call = caller(seam)
  const connected_account_id = seam.addAccount()
  const token = await tokenFor(seam, [connected_account_id])
  const deviceIds = async () => (await call('/devices/list', {}, token)).body.devices.length
  expect(await deviceIds()).toBe(1)
  expect((await call('/connected_accounts/delete', { connected_account_id })).status).toBe(200)
  expect(await deviceIds()).toBe(0)
  expect(seam.sessions()[0]?.connected_account_ids).toEqual([])
  const { status, body } = await call('/connected_accounts/delete', { connected_account_id })
  expect([status, body.error.type]).toEqual([404, 'connected_account_not_found'])
})

test('what was answered is still there after a kill, tokens and lock states included', async () => {
  const stateFile = join(await folder(), 'seam.json')
  const seam = await start({ stateFile })
  const ada = seam.users[0]?.connected_account_ids ?? []
  const token = await tokenFor(seam, ada)
  const listed = async (at: LocalSeam) => (await caller(at)('/devices/list', {}, token)).body.devices
  const [{ device_id }] = await listed(seam)
  await caller(seam)('/locks/unlock_door', { device_id }, token)
  const asKilled = join(await folder(), 'seam.json')
  await writeFile(asKilled, await readFile(stateFile))

  const again = await start({ stateFile: asKilled })
  expect(await listed(again)).toEqual(await listed(seam))
  expect((await listed(again))[0].properties.locked).toBe(false)
  expect(again.users).toEqual(seam.users)
  expect([again.apiKey, again.workspaceId]).toEqual([seam.apiKey, seam.workspaceId])
  expect(again.sessions()).toEqual(seam.sessions())
  expect((await stat(stateFile)).mode & 0o777).toBe(0o600)
})

test('many changes at once are all kept', async () => {
  const stateFile = join(await folder(), 'seam.json')
  const seam = await start({ stateFile })
  const call = caller(seam)
  await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      call('/client_sessions/get_or_create', { user_identifier_key: `key-${n}` }),
    ),
  )
  const { client_sessions } = JSON.parse(await readFile(stateFile, 'utf8'))
  expect(client_sessions).toHaveLength(200)
})

test.each([['{"version":1,"users":['], ['{"version":2}'], ['[]'], ['{"version":1,"users":[]}']])(
  'a damaged state file (%s) is named, with the way out',
  async (text) => {
    const stateFile = join(await folder(), 'seam.json')
    await writeFile(stateFile, text)
    await expect(startSeam({ stateFile })).rejects.toThrow(`${stateFile} is damaged`)
    await expect(startSeam({ stateFile })).rejects.toThrow('Delete it')
    expect(await readFile(stateFile, 'utf8')).toBe(text)
  },
)

test('a taken port is named', async () => {
  const seam = await start()
  const port = Number(new URL(seam.url).port)
  await expect(startSeam({ port })).rejects.toThrow(`Port ${port}, which the local Seam needs, is taken`)
})

test('nothing listens beyond loopback, and every other server still can', async () => {
  const seams = await Promise.all([start(), start(), start()])
  const outer = Object.values(networkInterfaces())
    .flat()
    .find((one) => one && !one.internal && one.family === 'IPv4')?.address
  for (const { url } of outer === undefined ? [] : seams)
    await expect(fetch(url.replace('127.0.0.1', outer ?? ''))).rejects.toThrow()
  expect(Object.hasOwn(Server.prototype, 'listen')).toBe(false)
  const server = createServer((_request, response) => response.end('heard'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const reply = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  expect(await reply.text()).toBe('heard')
  server.close()
})

test('workspaces side by side share nothing', async () => {
  const [one, two] = await Promise.all([start(), start()])
  const token = await tokenFor(one, one.users[0]?.connected_account_ids ?? [])
  expect((await caller(two)('/devices/list', {}, token)).status).toBe(401)
  expect((await caller(two)('/client_sessions/list', {}, one.apiKey)).status).toBe(401)
  expect(two.sessions()).toEqual([])
})

test('counts per path what it received and what it changed', async () => {
  const seam = await start()
  const call = caller(seam)
  await call('/client_sessions/get_or_create', { user_identifier_key: 'key' })
  await call('/client_sessions/get_or_create', {})
  await call('/client_sessions/list', { user_identifier_key: 'key' })
  const token = await tokenFor(seam, seam.users[1]?.connected_account_ids ?? [])
  const { body } = await call('/locks/list', {}, token)
  await call('/locks/lock_door', { device_id: body.locks[0].device_id }, token)
  await fetch(`${seam.url}/devices/list`, { method: 'OPTIONS' })
  expect(seam.counts).toEqual({
    '/client_sessions/get_or_create': { received: 2, changes: 1 },
    '/client_sessions/list': { received: 1, changes: 0 },
    '/client_sessions/create': { received: 1, changes: 1 },
    '/locks/list': { received: 1, changes: 0 },
    '/locks/lock_door': { received: 1, changes: 1 },
  })
})

test('a browser may call it with what the elements send', async () => {
  const origin = 'http://127.0.0.1:3000'
  const seam = await start({ origins: new Set([origin]) })
  const preflight = await fetch(`${seam.url}/devices/list`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers':
        'authorization,client-session-token,content-type,seam-lts-version,seam-sdk-name,seam-sdk-version',
    },
  })
  expect(preflight.status).toBe(204)
  const allowed = preflight.headers.get('access-control-allow-headers')?.split(',')
  expect(allowed).toEqual(
    expect.arrayContaining(['client-session-token', 'seam-sdk-name', 'seam-lts-version']),
  )
  const refused = await fetch(`${seam.url}/devices/list`, { method: 'POST', headers: { origin } })
  expect(refused.status).toBe(401)
  for (const { headers } of [preflight, refused]) {
    expect(headers.get('access-control-allow-origin')).toBe(origin)
    expect(headers.get('access-control-allow-credentials')).toBe('true')
  }
  const unasked = await fetch(`${seam.url}/devices/list`, { method: 'POST' })
  expect(unasked.headers.get('access-control-allow-origin')).toBeNull()
})

const idsOf = (devices: { connected_account_id: string }[]) => [
  ...new Set(devices.map(({ connected_account_id }) => connected_account_id)),
]
