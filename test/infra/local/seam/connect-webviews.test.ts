import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { schemas } from '@seamapi/types/connect'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type LocalSeam, startSeam } from '../../../../infra/local/seam/workspace.ts'
import { caller } from './calling.ts'

let seam: LocalSeam
let call: ReturnType<typeof caller>
beforeEach(async () => {
  seam = await startSeam()
  call = caller(seam)
})
afterEach(() => seam.close())

const sessionOf = async (sub: string) => {
  const connected_account_ids = seam.users.find((user) => user.sub === sub)?.connected_account_ids
  const { body } = await call('/client_sessions/create', { connected_account_ids, user_identifier_key: sub })
  return body.client_session
}
const webviewBy = async (bearer?: string, params: object = {}) =>
  (await call('/connect_webviews/create', params, bearer)).body.connect_webview
const completed = (connect_webview_id: string) =>
  call('/_fake/complete_connect_webview', { connect_webview_id }, 'nobody')
const eventsOf = async (bearer?: string) =>
  (await call('/events/list', { since: '2020-01-01T00:00:00.000Z' }, bearer)).body.events

test('a webview is made, completed by a script, and has connected an account with a device', async () => {
  const made = await webviewBy()
  expect(schemas.connect_webview.parse(made)).toMatchObject({ status: 'pending', login_successful: false })
  expect((await completed(made.connect_webview_id)).status).toBe(200)
  const { connect_webview } = (await call('/connect_webviews/get', made)).body
  expect(schemas.connect_webview.parse(connect_webview)).toMatchObject({
    status: 'authorized',
    login_successful: true,
  })
  const { connected_account_id } = connect_webview
  const { body } = await call('/devices/list', { connected_account_id })
  expect(body.devices).toMatchObject([{ connected_account_id, display_name: 'New Door' }])
  expect((await completed(made.connect_webview_id)).status).toBe(400)
  expect((await completed('of-nobody')).status).toBe(404)
})

test('what happened is told as events of the published form, in every list that may see them', async () => {
  const { token } = await sessionOf('ada')
  const made = await webviewBy(undefined, { custom_metadata: { flat: '7' } })
  await completed(made.connect_webview_id)
  const [connected_account_id = ''] = seam.users[0]?.connected_account_ids ?? []
  await call('/connected_accounts/delete', { connected_account_id })
  await call('/client_sessions/delete', await sessionOf('grace'))
  seam.failWebview((await webviewBy()).connect_webview_id)
  const events = await eventsOf()
  expect(events.map(typeOf)).toEqual([
    'connected_account.created',
    'connected_account.connected',
    'connect_webview.login_succeeded',
    'connected_account.deleted',
    'client_session.deleted',
    'connect_webview.login_failed',
  ])
  for (const event of events) expect(schemas.seam_event.safeParse(event).error).toBeUndefined()
  expect(events[2]).toMatchObject({
    connect_webview_id: made.connect_webview_id,
    connected_account_custom_metadata: { flat: '7' },
  })
  // A browser is told nothing of others.
  expect(await eventsOf(token)).toEqual([])
})

describe('a webview that a browser makes', () => {
  test('belongs to its client session, whose reach grows with it', async () => {
    const session = await sessionOf('ada')
    const { connect_webview_id } = await webviewBy(session.token)
    const { client_sessions } = (await call('/client_sessions/list', { connect_webview_id })).body
    expect(client_sessions.map(keyOf)).toEqual(['ada'])
    const before = (await call('/devices/list', {}, session.token)).body.devices.length
    await completed(connect_webview_id)
    expect((await call('/devices/list', {}, session.token)).body.devices).toHaveLength(before + 1)
  })

  test('leaves the reach of its client session as it is, where the workspace is read so', async () => {
    seam.readings.completed_webview = 'stays_out'
    const session = await sessionOf('ada')
    const { connect_webview_id } = await webviewBy(session.token)
    const before = (await call('/devices/list', {}, session.token)).body.devices.length
    await completed(connect_webview_id)
    expect((await call('/devices/list', {}, session.token)).body.devices).toHaveLength(before)
  })

  test('can be seen by it and by no other', async () => {
    const [ada, grace] = [await sessionOf('ada'), await sessionOf('grace')]
    const made = await webviewBy(ada.token)
    const ours = await webviewBy()
    expect((await call('/connect_webviews/get', made, ada.token)).status).toBe(200)
    expect((await call('/connect_webviews/get', made, grace.token)).status).toBe(404)
    expect((await call('/connect_webviews/get', ours, ada.token)).status).toBe(404)
    expect((await call('/connect_webviews/get', ours)).status).toBe(200)
  })
})

describe('the page behind its address', () => {
  const act = (url: string, fields: Record<string, string>) => {
    const { origin, pathname, searchParams } = new URL(url)
    const body = new URLSearchParams({ ...Object.fromEntries(searchParams), ...fields })
    return fetch(origin + pathname, { method: 'POST', body, redirect: 'manual' })
  }

  test('completes it and goes on to where the app wants', async () => {
    const custom_redirect_url = 'https://app.example/done?tab=doors'
    const { url, connect_webview_id } = await webviewBy(undefined, {
      custom_redirect_url,
      accepted_providers: ['yale', 'ecobee'],
    })
    const page = await fetch(url)
    expect(page.headers.get('content-security-policy')).toContain("form-action 'self' https://app.example")
    expect(await page.text()).toContain('<option>yale</option><option>ecobee</option>')
    const answer = await act(url, { deed: 'log_in', provider: 'ecobee', email: 'me@example.com' })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, custom_redirect_url])
    const [row] = seam.connectWebviews()
    expect(row).toMatchObject({ connect_webview_id, status: 'authorized', selected_provider: 'ecobee' })
    expect(await (await fetch(url)).text()).toContain('Connected')
  })

  test('lets the login fail, and lets the person try again', async () => {
    const { url } = await webviewBy()
    expect(await (await act(url, { deed: 'fail' })).text()).toContain('The login has failed')
    expect(seam.connectWebviews()[0]?.status).toBe('failed')
    expect(await (await act(url, { deed: 'log_in' })).text()).toContain('Connected')
  })

  test('the same login again is the same account', async () => {
    const login = { provider: 'august', email: 'shared@example.com' }
    const [one, two] = [await webviewBy(), await webviewBy()]
    const first = seam.completeWebview(one.connect_webview_id, login)
    expect(seam.completeWebview(two.connect_webview_id, login)).toBe(first)
    expect((await eventsOf()).map(typeOf).filter((type: string) => /created/.test(type))).toHaveLength(1)
  })

  test('shows itself to whoever has its address, and to nobody who guesses', async () => {
    const { url } = await webviewBy()
    const guessed = new URL(url)
    guessed.searchParams.set('auth_token', 'x'.repeat(16))
    expect((await fetch(guessed)).status).toBe(404)
    expect((await act(guessed.href, { deed: 'log_in' })).status).toBe(404)
  })

  test('shows what it was given as text', async () => {
    const { url } = await webviewBy(undefined, { accepted_providers: ['<script>alert(1)</script>'] })
    expect(await (await fetch(url)).text()).not.toContain('<script>')
  })
})

test('webviews are still there after a restart', async () => {
  const stateFile = join(await mkdtemp(join(tmpdir(), 'local-seam-')), 'seam.json')
  const first = await startSeam({ stateFile })
  const made = (await caller(first)('/connect_webviews/create')).body.connect_webview
  await first.close()
  const again = await startSeam({ stateFile })
  try {
    expect(again.connectWebviews()).toEqual([made])
  } finally {
    await again.close()
  }
})

test('faults strike calls of the API, not what people do by hand', async () => {
  const { connect_webview_id } = await webviewBy()
  seam.faults.plan({ faults: [{ kind: 'status', status: 503 }] })
  expect((await completed(connect_webview_id)).status).toBe(200)
  expect((await call('/connect_webviews/get', { connect_webview_id })).status).toBe(503)
})

const typeOf = (event: { event_type: string }) => event.event_type
const keyOf = (session: { user_identifier_key: string }) => session.user_identifier_key
