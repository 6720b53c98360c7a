import { afterEach, beforeEach, expect, test } from 'vitest'
import { type LocalSeam, startSeam } from '../../../../infra/local/seam/workspace.ts'
import { caller } from './calling.ts'

let seam: LocalSeam
beforeEach(async () => {
  seam = await startSeam()
})
afterEach(() => seam.close())

const control = async (
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
) => {
  const response = await fetch(seam.control + path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text && JSON.parse(text) }
}

test('plans, adds, reads and clears faults', async () => {
  const call = caller(seam)
  await control('PUT', '/faults', { seed: 3, faults: [{ kind: 'status', status: 503, times: 1 }] })
  const added = await control('POST', '/faults', { kind: 'applied_late', path: '/client_sessions/create' })
  expect(added.body.faults).toEqual([
    { kind: 'status', status: 503, times: 1 },
    { kind: 'applied_late', path: '/client_sessions/create' },
  ])
  expect((await call('/client_sessions/create')).status).toBe(503)
  await expect(call('/client_sessions/create')).rejects.toThrow()
  expect((await control('GET', '/')).body).toMatchObject({
    delivered: { status: 1, applied_late: 1 },
    late: 1,
    counts: { '/client_sessions/create': { received: 2, changes: 0 } },
  })
  const settled = await control('POST', '/faults/settle')
  expect(settled.body).toMatchObject({ late: 0, counts: { '/client_sessions/create': { changes: 1 } } })
  expect((await control('DELETE', '/faults')).body.faults).toEqual([])
  expect((await call('/client_sessions/create')).status).toBe(200)
})

test('changes readings', async () => {
  const { body } = await control('PATCH', '/readings', { get_or_create: 'merges', unknown_account: 404 })
  expect(body.readings).toEqual({
    get_or_create: 'merges',
    dead_sessions: 'stay_dead',
    unknown_account: 404,
    list: 'live',
    completed_webview: 'joins_session',
  })
  expect(seam.readings).toEqual(body.readings)
})

test('holds webhooks back, and lets them go', async () => {
  seam.webhooks.add('http://127.0.0.1:1/nobody-is-there')
  await control('PATCH', '/webhooks', { hold: true })
  seam.deleteAccount(seam.spareAccountIds[0] ?? '')
  expect((await control('GET', '/')).body.webhooks).toMatchObject({ hold: true, waiting: 1, attempts: [] })
  const { body } = await control('POST', '/webhooks/flush')
  expect(body.webhooks.attempts).toMatchObject([{ event_type: 'connected_account.deleted', status: 0 }])
  expect((await control('PATCH', '/webhooks', { copies: 0 })).status).toBe(400)
})

test('refuses what it does not know', async () => {
  expect((await control('POST', '/faults', { kind: 'earthquake' })).status).toBe(400)
  expect((await control('PATCH', '/readings', { list: 'everything' })).status).toBe(400)
  expect((await control('GET', '/elsewhere')).status).toBe(404)
  expect(seam.faults.planned()).toEqual([])
})
