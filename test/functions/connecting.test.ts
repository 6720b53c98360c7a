import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { webviewOptionsFor } from '../../functions/connecting/webview-options.ts'
import { times } from '../../functions/times.ts'
import { minutes } from './minutes.ts'
import { ask, devicesOf, ownerOfSub, startVendingWorld, type VendingWorld } from './vending-world.ts'

let world: VendingWorld
beforeAll(async () => {
  world = await startVendingWorld()
})
afterEach(() => {
  world.seam.faults.clear()
  world.dynamoDb.faults.clear()
})
afterAll(() => world.close())

/** Somebody with a record and no accounts. */
async function newcomer() {
  const sub = `newcomer-${randomUUID()}`
  await world.record(sub, [])
  return sub
}
const make = async (sub: string, body?: unknown, machine = world.machine) =>
  ask(machine, {
    path: '/connect-webview',
    token: await world.token(sub),
    ...(body !== undefined && { body }),
  })
const statusOf = async (sub: string, id: string, machine = world.machine) =>
  ask(machine, { method: 'GET', path: `/connect-webview/${id}`, token: await world.token(sub) })
const clientSession = async (sub: string) =>
  (await ask(world.machine, { token: await world.token(sub) })).body
const asked = () => world.seam.counts['/connect_webviews/get']?.received ?? 0
const made = () => world.seam.counts['/connect_webviews/create']?.received ?? 0
const nextTurn = () => world.clock.advance(3000)

describe('POST /connect-webview', () => {
  test('hands out the address of a new Connect Webview, which is remembered as the caller’s', async () => {
    const sub = await newcomer()
    const { status, body, headers } = await make(sub)
    expect(status).toBe(201)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body).toEqual({
      connect_webview_id: expect.any(String),
      url: expect.stringContaining(`${world.seam.url}/connect_webviews/view?`),
      expires_at: expect.stringMatching(/Z$/),
    })
    expect(Date.parse(body.expires_at) - world.clock.now()).toBeGreaterThan(23 * 60 * minutes)
    expect(await world.table.readWebview(body.connect_webview_id)).toEqual({
      owner: ownerOfSub(sub),
      made_at: expect.any(Number),
      expires_at: Date.parse(body.expires_at),
    })
    expect(world.log.at(-1)).toMatchObject({
      what: 'connect_webview',
      owner: ownerOfSub(sub),
      connect_webview_id: body.connect_webview_id,
    })
  })

  test('passes on what an app needs, and names nobody', async () => {
    const options = {
      accepted_providers: ['yale', 'salto_ks'],
      accepted_capabilities: ['lock'],
      custom_redirect_url: 'https://app.example/devices?added=1#top',
      custom_redirect_failure_url: 'https://app.example/failed',
      wait_for_device_creation: false,
    }
    const { body } = await make(await newcomer(), options)
    const row = world.seam.connectWebviews().find((one) => one.connect_webview_id === body.connect_webview_id)
    expect(row).toMatchObject({ ...options, custom_metadata: {} })
  })

  test.each([
    { provider_category: 'stable', excluded_providers: ['yale', 'august'], device_selection_mode: 'single' },
    { provider_category: 'access_control_systems', automatically_manage_new_devices: false },
    { device_selection_mode: 'multiple', automatically_manage_new_devices: true },
  ])('passes on %j', async (options) => {
    const { status, body } = await make(await newcomer(), options)
    expect(status).toBe(201)
    const row = world.seam.connectWebviews().find((one) => one.connect_webview_id === body.connect_webview_id)
    expect(row).toMatchObject(options)
    expect(row?.accepted_providers).not.toContain(options.excluded_providers?.[0])
  })

  test('leads back to an app whose scheme is configured, and to no other', async () => {
    const machine = world.another({ configuration: { allowedRedirects: ['acme-app:', 'com.acme.doors:'] } })
    const sub = await newcomer()
    const status = async (custom_redirect_url: string, by = machine) =>
      (await make(sub, { custom_redirect_url }, by)).status
    expect(await status('acme-app://devices?added=1')).toBe(201)
    expect(await status('ACME-app:/devices')).toBe(201)
    expect(await status('com.acme.doors:back')).toBe(201)
    expect(await status('https://app.example/devices')).toBe(201)
    for (const other of [
      'acme-apps://x',
      'acme://x',
      'com.acme:x',
      'javascript:acme-app:',
      'https:acme-app:',
    ])
      expect(await status(other), other).toBe(400)
    expect(await status('acme-app://devices', world.machine)).toBe(400)
  })

  test('takes a way back as it is read here, whatever others would read', () => {
    const options = webviewOptionsFor(['https://app.example'])
    const custom_redirect_url = 'https://app.example\\@evil.exa\nmple/'
    expect(options.parse({ custom_redirect_url })).toMatchObject({
      custom_redirect_url: 'https://app.example/@evil.example/',
    })
  })

  test.each([
    ['another user in the metadata', { custom_metadata: { user_id: 'grace' } }],
    ['a customer', { customer_key: 'grace' }],
    ['a customer by id', { customer_id: 'grace' }],
    ['a category of Seam’s own', { provider_category: 'internal_beta' }],
    ['a category that is a list', { provider_category: ['stable'] }],
    ['an excluded provider that is no key', { excluded_providers: ['August Home!'] }],
    ['a mode that is none', { device_selection_mode: 'all' }],
    ['management as text', { automatically_manage_new_devices: 'true' }],
    ['an account', { connected_account_id: 'x' }],
    ['a way back to another origin', { custom_redirect_url: 'https://evil.example/' }],
    ['a way back to a look-alike', { custom_redirect_url: 'https://app.example.evil.example/' }],
    ['a way back through user info', { custom_redirect_url: 'https://app.example@evil.example/' }],
    ['a way back with a password', { custom_redirect_url: 'https://a:b@app.example/' }],
    ['a way back over plain http', { custom_redirect_url: 'http://app.example/' }],
    ['a way back to a script', { custom_redirect_failure_url: 'javascript:alert(1)//https://app.example' }],
    ['a way back to what a page made', { custom_redirect_url: 'blob:https://app.example/9115d58c' }],
    ['a way back that is no address', { custom_redirect_url: '/devices' }],
    ['a very long way back', { custom_redirect_url: `https://app.example/${'x'.repeat(1000)}` }],
    ['no providers', { accepted_providers: [] }],
    ['a provider that is no key', { accepted_providers: ['August Home!'] }],
    ['a capability that is none', { accepted_capabilities: ['teleport'] }],
    ['no object', []],
    ['no JSON', '{'],
  ])('refuses %s, and asks Seam for nothing', async (_, body) => {
    const before = made()
    const answer = await make(await newcomer(), body)
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request'])
    expect(made()).toBe(before)
  })

  test('refuses a large body', async () => {
    const answer = await make(await newcomer(), { accepted_providers: ['x'.repeat(9000)] })
    expect([answer.status, answer.body.code]).toEqual([413, 'too_large'])
  })

  test('refuses whoever may not have a client session either', async () => {
    const disabled = await newcomer()
    const user = await world.user(disabled)
    if (user?.revision === undefined) throw new Error('there is no record')
    await world.table.compareAndSet(user.owner, user.revision, { ...user, status: 'disabled' })
    expect((await make(disabled)).body.code).toBe('subject_disabled')
    expect((await make('nobody-knows')).body.code).toBe('not_provisioned')
    expect((await ask(world.machine, { path: '/connect-webview' })).body.code).toBe('missing_token')
  })

  test('makes a record for a new subject where the configuration says so', async () => {
    const open = world.another({ configuration: { unknownSubjects: 'provision' } })
    const sub = `signed-up-${randomUUID()}`
    expect((await make(sub, undefined, open)).status).toBe(201)
    expect(await world.user(sub)).toMatchObject({ status: 'active', connected_account_ids: [] })
  })

  test('has a budget for each user, which nobody else can use up', async () => {
    const frugal = world.another({ configuration: { limits: { connectWebviewsPerHour: 2 } } })
    const [one, other] = [await newcomer(), await newcomer()]
    world.clock.advance(60 * minutes - (world.clock.now() % (60 * minutes)))
    const statuses: number[] = []
    for (let n = 0; n < 3; n++) statuses.push((await make(one, undefined, frugal)).status)
    expect(statuses).toEqual([201, 201, 429])
    const refused = await make(one, undefined, frugal)
    expect(refused.body).toMatchObject({ code: 'rate_limited', action: 'retry' })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await make(other, undefined, frugal)).status).toBe(201)
    world.clock.advance(60 * minutes)
    expect((await make(one, undefined, frugal)).status).toBe(201)
  })

  test('an address never leaves before its webview is remembered', async () => {
    const sub = await newcomer()
    world.dynamoDb.faults.add({ kind: 'failed', operations: ['PutItem'] })
    const { status, text } = await make(sub)
    expect(status).toBe(503)
    expect(text).not.toContain('connect_webviews')
  })

  test('Seam in trouble is an outage, not the caller’s fault', async () => {
    world.seam.faults.plan({ faults: [{ kind: 'status', status: 503, path: '/connect_webviews/create' }] })
    const { status, body } = await make(await newcomer())
    expect([status, body.code, body.action]).toEqual([503, 'upstream_unavailable', 'retry'])
  })
})

describe('GET /connect-webview/{connect_webview_id}', () => {
  test('tells how it goes, and gives the account without any webhook: the same token lists the new devices', async () => {
    const sub = await newcomer()
    const before = await clientSession(sub)
    expect(await devicesOf(world.seam, before.token)).toEqual([])
    const { connect_webview_id: id } = (await make(sub)).body
    expect((await statusOf(sub, id)).body).toEqual({ status: 'pending' })
    expect(world.log.at(-1)?.path).toBe('/connect-webview/{connect_webview_id}')
    const account = world.seam.completeWebview(id)
    nextTurn()
    const { status, body } = await statusOf(sub, id)
    expect([status, body]).toEqual([200, { status: 'connected' }])
    expect((await world.user(sub))?.connected_account_ids).toEqual([account])
    expect(await devicesOf(world.seam, before.token)).toHaveLength(1)
    expect((await clientSession(sub)).token).toBe(before.token)
  })

  test('asks Seam once in a while about one webview, however many poll', async () => {
    const patient = world.another({ times: { ...times, askWebview: 60 * minutes } })
    const sub = await newcomer()
    const { connect_webview_id: id } = (await make(sub)).body
    const before = asked()
    const answers = await Promise.all([1, 2, 3, 4].map(() => statusOf(sub, id, patient)))
    expect(answers.map(({ body }) => body.status)).toEqual(Array(4).fill('pending'))
    expect(asked() - before).toBe(1)
    world.seam.completeWebview(id)
    expect((await statusOf(sub, id, patient)).body.status).toBe('pending')
    world.clock.advance(60 * minutes)
    expect((await statusOf(sub, id, patient)).body.status).toBe('connected')
    expect(asked() - before).toBe(2)
  })

  test('when it is done, nobody is asked any more', async () => {
    const sub = await newcomer()
    const { connect_webview_id: id } = (await make(sub)).body
    world.seam.completeWebview(id)
    await statusOf(sub, id)
    const before = asked()
    nextTurn()
    expect((await statusOf(sub, id)).body.status).toBe('connected')
    expect(asked()).toBe(before)
  })

  test('a login that has failed may still succeed', async () => {
    const sub = await newcomer()
    const { connect_webview_id: id } = (await make(sub)).body
    world.seam.failWebview(id)
    expect((await statusOf(sub, id)).body.status).toBe('failed')
    expect((await statusOf(sub, id)).body.status).toBe('failed')
    world.seam.completeWebview(id)
    nextTurn()
    expect((await statusOf(sub, id)).body.status).toBe('connected')
  })

  test('somebody else’s webview is as unknown as none, and gives nothing', async () => {
    const [owner, stranger] = [await newcomer(), await newcomer()]
    const { connect_webview_id: id } = (await make(owner)).body
    world.seam.completeWebview(id)
    const before = asked()
    const others = await statusOf(stranger, id)
    const none = await statusOf(stranger, randomUUID())
    expect([others.status, others.body.code]).toEqual([404, 'not_found'])
    expect({ ...others.body, request_id: '' }).toEqual({ ...none.body, request_id: '' })
    expect(asked()).toBe(before)
    expect((await world.user(stranger))?.connected_account_ids).toEqual([])
  })

  test('a webview that was made past us is unknown here', async () => {
    const sub = await newcomer()
    const { token } = await clientSession(sub)
    const response = await fetch(`${world.seam.url}/connect_webviews/create`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{}',
    })
    const { connect_webview } = (await response.json()) as { connect_webview: { connect_webview_id: string } }
    expect((await statusOf(sub, connect_webview.connect_webview_id)).status).toBe(404)
  })

  test('a login after a day gives nothing', async () => {
    const sub = await newcomer()
    const { connect_webview_id: id } = (await make(sub)).body
    world.clock.advance(24 * 60 * minutes)
    expect((await statusOf(sub, id)).body.status).toBe('failed')
    world.seam.completeWebview(id)
    nextTurn()
    expect((await statusOf(sub, id)).body.status).toBe('failed')
    expect((await world.user(sub))?.connected_account_ids).toEqual([])
    expect(world.log.at(-1)?.reason).toBe('webview_expired')
  })

  test('Seam’s trouble is an outage; the next turn finishes', async () => {
    const sub = await newcomer()
    const before = await clientSession(sub)
    const { connect_webview_id: id } = (await make(sub)).body
    world.seam.completeWebview(id)
    world.seam.faults.plan({ faults: [{ kind: 'status', status: 500, times: 1 }] })
    expect((await statusOf(sub, id)).status).toBe(503)
    nextTurn()
    // Asked, and then not widened.
    world.seam.faults.plan({
      faults: [{ kind: 'status', status: 503, path: '/client_sessions/get_or_create' }],
    })
    expect((await statusOf(sub, id)).status).toBe(503)
    world.seam.faults.clear()
    world.clock.advance(13_000)
    expect((await statusOf(sub, id)).body.status).toBe('connected')
    expect(await devicesOf(world.seam, before.token)).toHaveLength(1)
  })

  test.each([
    ['/connect-webview', 'GET', 405, 'POST'],
    [`/connect-webview/${randomUUID()}`, 'POST', 405, 'GET'],
    [`/connect-webview/${randomUUID()}`, 'DELETE', 405, 'GET'],
    [`/connect-webview/${randomUUID()}?token=x`, 'GET', 400, null],
    [`/connect-webview/${'x'.repeat(65)}`, 'GET', 404, null],
    [`/connect-webview/${randomUUID()}/`, 'GET', 404, null],
    ['/connect-webview/a/b', 'GET', 404, null],
  ])('%s by %s is a clear %i', async (path, method, status, allow) => {
    const answer = await ask(world.machine, { path, method, token: await world.token(await newcomer()) })
    expect([answer.status, answer.headers.get('allow')]).toEqual([status, allow])
  })
})

test('an issuer’s keys that are not in the table yet are fetched, and left to the vend function to write', async () => {
  const empty = await startVendingWorld()
  await empty.record('first', [])
  const token = await empty.token('first')
  expect((await ask(empty.machine, { path: '/connect-webview', token })).status).toBe(201)
  expect(await empty.table.readKeySet('main')).toBeUndefined()
  await ask(empty.machine, { token })
  expect(await empty.table.readKeySet('main')).toMatchObject({ issuer: empty.addresses.issuer })
  await empty.close()
})

test('no log line shows an address or a token', async () => {
  const sub = await newcomer()
  const token = await world.token(sub)
  const { body } = await ask(world.machine, { path: '/connect-webview', token })
  const secret = new URL(body.url).searchParams.get('auth_token') ?? ''
  expect(secret.length).toBeGreaterThan(10)
  for (const hidden of [secret, token]) expect(world.lines.join('\n')).not.toContain(hidden)
})
