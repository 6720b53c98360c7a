import { schemas } from '@seamapi/types/connect'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type LocalSeam, startSeam } from '../../../../infra/local/seam/workspace.ts'
import { caller } from './calling.ts'

let seam: LocalSeam
let call: ReturnType<typeof caller>
let now = Date.UTC(2031, 0, 1)
const soon = () => new Date(now + 3_600_000).toISOString()

beforeEach(async () => {
  seam = await startSeam({ clock: () => now })
  call = caller(seam)
})
afterEach(() => seam.close())

const accountsOf = (sub: string) => seam.users.find((user) => user.sub === sub)?.connected_account_ids ?? []

const vend = async (user_identifier_key: string, sub: string, expires_at = soon()) => {
  const connected_account_ids = accountsOf(sub)
  const { body } = await call('/client_sessions/get_or_create', {
    user_identifier_key,
    connected_account_ids,
    expires_at,
  })
  return body.client_session
}

describe('the six calls', () => {
  test('answer what the published schema says, in an envelope, with a request id and the date of the clock', async () => {
    const made = await call('/client_sessions/create', {
      user_identifier_key: 'key-1',
      connected_account_ids: accountsOf('ada'),
      expires_at: soon(),
    })
    const { client_session_id } = made.body.client_session
    const answers = [
      made,
      await call('/client_sessions/create', {}),
      await call('/client_sessions/get_or_create', { user_identifier_key: 'key-2', expires_at: soon() }),
      await call('/client_sessions/get', { client_session_id }),
    ]
    for (const { status, body, headers } of answers) {
      expect(status).toBe(200)
      expect(body.ok).toBe(true)
      expect(schemas.client_session.strict().parse(body.client_session)).toEqual(body.client_session)
      expect(body.client_session.token).toMatch(/^seam_cst1\w{30,}$/)
      expect(headers.get('seam-request-id')).toMatch(/^[0-9a-f-]{36}$/)
      expect(Date.parse(headers.get('date') ?? '')).toBe(now)
    }
    const listed = await call('/client_sessions/list')
    expect(schemas.client_session.strict().array().parse(listed.body.client_sessions)).toHaveLength(3)
    for (const path of ['/client_sessions/revoke', '/client_sessions/delete'])
      expect((await call(path, { client_session_id })).body).toEqual({ ok: true })
  })

  test('refuse with a status, a type and the request id', async () => {
    const unknown = { client_session_id: '5e0ab4d2-7b0a-4a5c-a0ad-3a3f1b6a9c11' }
    for (const path of ['get', 'revoke', 'delete']) {
      const { status, body, headers } = await call(`/client_sessions/${path}`, unknown)
      expect([status, body.ok, body.error.type]).toEqual([404, false, 'client_session_not_found'])
      expect(body.error.request_id).toBe(headers.get('seam-request-id'))
      expect(body.error.message).toEqual(expect.any(String))
    }
    const { status, body } = await call('/client_sessions/get_or_create', { user_identifier_key: 7 })
    expect(status).toBe(400)
    expect(body.error.validation_errors.user_identifier_key._errors).toHaveLength(1)
  })

  test('take the API key only, and not a client session token in its place', async () => {
    const { token } = await vend('key', 'ada')
    for (const path of ['create', 'get_or_create', 'list', 'revoke', 'delete'])
      for (const bearer of ['wrong', token]) {
        const { status, body } = await call(
          `/client_sessions/${path}`,
          { user_identifier_key: 'key' },
          bearer,
        )
        expect([path, status, body.error.type]).toEqual([path, 401, 'unauthorized'])
      }
    expect(seam.sessions()).toHaveLength(1)
  })

  test('a token reads its own client session, and no other one', async () => {
    const mine = await vend('key-ada', 'ada')
    const other = await vend('key-grace', 'grace')
    const { body } = await call(
      '/client_sessions/get',
      { client_session_id: other.client_session_id },
      mine.token,
    )
    expect(body.client_session.user_identifier_key).toBe('key-ada')
  })

  test('a second create under one key is refused, and answered with the first when sent as PUT', async () => {
    const { body } = await call('/client_sessions/create', { user_identifier_key: 'key' })
    const again = await call('/client_sessions/create', { user_identifier_key: 'key' })
    expect([again.status, again.body.error.type]).toEqual([400, 'client_session_token_already_exists'])
    const put = await fetch(`${seam.url}/client_sessions/create`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${seam.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ user_identifier_key: 'key' }),
    })
    expect((await put.json()).client_session.token).toBe(body.client_session.token)
  })

  test('counts the devices of the accounts', async () => {
    expect((await vend('key', 'ada')).device_count).toBe(3)
  })
})

describe('list', () => {
  test('shows every client session without a filter, and with one only what matches all of it', async () => {
    const ada = await vend('key-ada', 'ada')
    const grace = await vend('key-grace', 'grace')
    const stranger = (await call('/client_sessions/create')).body.client_session
    const { connect_webview } = (await call('/connect_webviews/create', {}, stranger.token)).body
    const { connect_webview_id } = connect_webview
    const ids = async (filter: unknown) =>
      (await call('/client_sessions/list', filter)).body.client_sessions.map(
        (one: { client_session_id: string }) => one.client_session_id,
      )
    expect(await ids({})).toEqual([ada, grace, stranger].map((one) => one.client_session_id))
    expect(await ids({ user_identifier_key: 'key-ada' })).toEqual([ada.client_session_id])
    expect(await ids({ connect_webview_id })).toEqual([stranger.client_session_id])
    expect(await ids({ user_identifier_key: 'key-ada', connect_webview_id })).toEqual([])
    expect(await ids({ user_identifier_key: 'unheard of' })).toEqual([])
  })

  test('shows the dead as its reading says, and the deleted never', async () => {
    const expired = await vend('key-1', 'ada', new Date(now + 1000).toISOString())
    const revoked = await vend('key-2', 'ada')
    const deleted = await vend('key-3', 'ada')
    await call('/client_sessions/revoke', { client_session_id: revoked.client_session_id })
    await call('/client_sessions/delete', { client_session_id: deleted.client_session_id })
    now += 2000
    expect((await call('/client_sessions/list')).body.client_sessions).toEqual([])
    seam.readings.list = 'with_dead'
    const { body } = await call('/client_sessions/list')
    expect(body.client_sessions.map((one: { token: string }) => one.token)).toEqual([
      expired.token,
      revoked.token,
    ])
  })
})

describe('get_or_create', () => {
  test('answers an existing key with the same client session and the new expiry', async () => {
    const first = await vend('key', 'ada')
    const later = new Date(now + 7_200_000).toISOString()
    const second = await vend('key', 'ada', later)
    expect(second).toEqual({ ...first, expires_at: later })
  })

  test('leaves what it is not told', async () => {
    const first = await vend('key', 'ada')
    const { body } = await call('/client_sessions/get_or_create', { user_identifier_key: 'key' })
    expect(body.client_session).toEqual(first)
  })

  test.each([
    ['replaces', ['grace']],
    ['merges', ['ada', 'grace']],
  ] as const)('%s the accounts', async (reading, left) => {
    seam.readings.get_or_create = reading
    await vend('key', 'ada')
    const { connected_account_ids } = await vend('key', 'grace')
    expect(connected_account_ids.toSorted()).toEqual(left.flatMap(accountsOf).toSorted())
  })

  test.each(['deleted', 'revoked', 'expired'])(
    'a %s client session stays dead or comes back',
    async (how) => {
      const first = await vend('key', 'ada')
      const { client_session_id, token } = first
      if (how === 'deleted') await call('/client_sessions/delete', { client_session_id })
      if (how === 'revoked') await call('/client_sessions/revoke', { client_session_id })
      if (how === 'expired') now += 3_600_000
      for (const path of ['/devices/list', '/client_sessions/get']) {
        const { status, body } = await call(path, {}, token)
        const type = how === 'deleted' ? 'client_session_not_found' : `client_session_${how}`
        expect([status, body.error.type]).toEqual([401, type])
      }

      seam.readings.dead_sessions = 'are_revived'
      expect(await vend('key', 'ada')).toMatchObject({ client_session_id, token })
      expect((await call('/devices/list', {}, token)).status).toBe(200)

      if (how === 'deleted') await call('/client_sessions/delete', { client_session_id })
      if (how === 'revoked') await call('/client_sessions/revoke', { client_session_id })
      if (how === 'expired') now += 3_600_000
      seam.readings.dead_sessions = 'stay_dead'
      expect((await vend('key', 'ada')).client_session_id).not.toBe(client_session_id)
      expect((await call('/devices/list', {}, token)).status).toBe(401)
      expect(seam.sessions().map(({ live }) => live)).toEqual([false, true])
    },
  )

  test.each([
    [400, 'invalid_input'],
    [404, 'connected_account_not_found'],
  ] as const)('refuses an unknown connected account with %i and makes nothing', async (status, type) => {
    seam.readings.unknown_account = status
    const reply = await call('/client_sessions/get_or_create', {
      user_identifier_key: 'key',
      connected_account_ids: [...accountsOf('ada'), '0d0a0b9e-5b43-4d3c-8b88-5a8f4e0f0b42'],
    })
    expect([reply.status, reply.body.error.type]).toEqual([status, type])
    expect(seam.sessions()).toEqual([])
  })

  test('hands out by the public publishable key whatever is under a key that somebody knows, once allowed', async () => {
    const { token } = await vend('key', 'ada')
    const attack = () =>
      fetch(`${seam.url}/client_sessions/get_or_create`, {
        method: 'POST',
        headers: { 'seam-publishable-key': seam.publishableKey, 'content-type': 'application/json' },
        body: JSON.stringify({ user_identifier_key: 'key' }),
      })
    expect((await attack()).status).toBe(401)
    await call('/workspaces/update', { is_publishable_key_auth_enabled: true })
    expect((await (await attack()).json()).client_session.token).toBe(token)
  })
})
