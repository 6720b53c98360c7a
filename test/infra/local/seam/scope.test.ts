import { afterEach, beforeEach, expect, test } from 'vitest'
import { type LocalSeam, startSeam } from '../../../../infra/local/seam/workspace.ts'
import { caller, type Reply } from './calling.ts'

let seam: LocalSeam
let call: ReturnType<typeof caller>
let ada: string
let graces: { device_id: string; connected_account_id: string; display_name: string; name: string }

beforeEach(async () => {
  seam = await startSeam()
  call = caller(seam)
  ada = await tokenOf('ada')
  graces = (await call('/devices/list', {}, await tokenOf('grace'))).body.devices[0]
})
afterEach(() => seam.close())

const tokenOf = async (sub: string) => {
  const user = seam.users.find((one) => one.sub === sub)
  const { body } = await call('/client_sessions/create', {
    connected_account_ids: user?.connected_account_ids,
  })
  return body.client_session.token
}

const locked = async () =>
  (await call('/devices/get', { device_id: graces.device_id })).body.device.properties.locked

test("lists hold the caller's own and nobody else's, whatever they are asked for", async () => {
  const own = seam.users[0]?.connected_account_ids ?? []
  const { body: devices } = await call('/devices/list', {}, ada)
  expect(devices.devices.map(nameOf).toSorted()).toEqual(['Front Door', 'Garden Gate', 'Living Room'])
  const { body: locks } = await call('/locks/list', {}, ada)
  expect(locks.locks.map(nameOf).toSorted()).toEqual(['Front Door', 'Garden Gate'])
  expect(locks.devices.map(nameOf).toSorted()).toEqual(['Front Door', 'Garden Gate'])
  await call('/locks/unlock_door', { device_id: graces.device_id })
  await call('/locks/unlock_door', { device_id: locks.locks[0].device_id }, ada)
  const { body: events } = await call('/events/list', { since: '2020-01-01T00:00:00.000Z' }, ada)
  expect(events.events.map(accountOf)).toEqual([locks.locks[0].connected_account_id])
  expect(own).toContain(locks.locks[0].connected_account_id)
})

test('naming what belongs to somebody else finds nothing and does nothing', async () => {
  const { device_id, connected_account_id } = graces
  const created = await call('/access_codes/create', { device_id, name: 'guest', code: '1234' })
  const { access_code_id } = created.body.access_code
  const attempts: [string, object][] = [
    ['/devices/get', { device_id }],
    ['/devices/get', { name: 'Harbour Office' }],
    ['/devices/list', { device_ids: [device_id] }],
    ['/devices/list', { connected_account_id }],
    ['/devices/update', { device_id, name: 'mine' }],
    ['/locks/get', { device_id }],
    ['/locks/list', { connected_account_ids: [connected_account_id] }],
    ['/locks/lock_door', { device_id }],
    ['/locks/unlock_door', { device_id }],
    ['/access_codes/list', { device_id }],
    ['/access_codes/list', { access_code_ids: [access_code_id] }],
    ['/access_codes/get', { access_code_id }],
    ['/access_codes/delete', { access_code_id }],
    ['/access_codes/create', { device_id, name: 'x', code: '1111' }],
    ['/connected_accounts/get', { connected_account_id }],
    ['/connected_accounts/delete', { connected_account_id }],
  ]
  for (const [path, params] of attempts) {
    const { status } = await call(path, params, ada)
    expect([path, [401, 404].includes(status)]).toEqual([path, true])
  }
  expect(await locked()).toBe(true)
  const codes = (await call('/access_codes/list', { device_id })).body.access_codes
  expect(codes.map((code: { access_code_id: string }) => code.access_code_id)).toEqual([access_code_id])
  const query = await fetch(`${seam.url}/devices/get?device_id=${device_id}`, {
    headers: { authorization: `Bearer ${ada}` },
  })
  expect(query.status).toBe(404)
})

test('one locks and unlocks the door one has', async () => {
  const { body } = await call('/locks/list', {}, ada)
  const [{ device_id }] = body.locks
  for (const [path, state] of [
    ['/locks/unlock_door', false],
    ['/locks/lock_door', true],
  ] as const) {
    const { action_attempt } = (await call(path, { device_id }, ada)).body
    const { action_attempt_id } = action_attempt
    const attempt = await call('/action_attempts/get', { action_attempt_id }, ada)
    expect(attempt.body.action_attempt.status).toBe('success')
    const device: Reply = await call('/devices/get', { device_id }, ada)
    expect(device.body.device.properties.locked).toBe(state)
  }
})

test('one reads the connected account of a device one has', async () => {
  const [connected_account_id] = seam.users[0]?.connected_account_ids ?? []
  const { body } = await call('/connected_accounts/get', { connected_account_id }, ada)
  expect(body.connected_account).toMatchObject({ connected_account_id, display_name: 'ada@example.com' })
})

test("the fake's own doors are shut", async () => {
  for (const path of ['/_fake/database', '/internal/api_keys/create', '/workspaces/create'])
    for (const bearer of [ada, seam.apiKey]) {
      const { status, body } = await call(path, {}, bearer)
      expect([path, status, JSON.stringify(body).includes(seam.apiKey)]).toEqual([path, 404, false])
    }
})

test('a token that ended is refused on every path', async () => {
  const { client_session_id } = seam.sessions().find(({ token }) => token === ada) ?? {}
  await call('/client_sessions/delete', { client_session_id })
  for (const path of [
    '/devices/list',
    '/devices/get',
    '/locks/list',
    '/locks/lock_door',
    '/client_sessions/get',
  ])
    expect([path, (await call(path, { device_id: graces.device_id }, ada)).status]).toEqual([path, 401])
})

const nameOf = (device: { display_name: string }) => device.display_name
const accountOf = (item: { connected_account_id: string }) => item.connected_account_id
