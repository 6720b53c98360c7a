import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Audit } from '../../../functions/http/audit.ts'
import { minutes } from '../minutes.ts'
import { ownerOfSub } from '../vending-world.ts'
import { startWebhookWorld, type WebhookWorld } from '../webhook-world.ts'

let world: WebhookWorld
beforeAll(async () => {
  world = await startWebhookWorld()
})
beforeEach(() => {
  world.secrets.kept = JSON.stringify([world.endpoint.secret()])
  Object.assign(world.secrets, { fresh: world.secrets.kept, freshReads: 0 })
})
afterAll(() => world.close())

const newSecret = () => `whsec_${randomBytes(24).toString('base64')}`

/** An event that takes an account from somebody, and whether it has. */
async function deletion() {
  const sub = `holder-${randomUUID()}`
  const account = randomUUID()
  await world.table.addHolder(account, ownerOfSub(sub))
  await world.record(sub, [account])
  const event = {
    event_id: randomUUID(),
    event_type: 'connected_account.deleted',
    workspace_id: world.seam.workspaceId,
    created_at: new Date(world.clock.now()).toISOString(),
    occurred_at: new Date(world.clock.now()).toISOString(),
    connected_account_id: account,
  }
  return { event, done: async () => (await world.user(sub))?.connected_account_ids.length === 0 }
}
const lastLog = () => world.log.at(-1) as Audit

test('a signed webhook is believed, once', async () => {
  await world.machine.deps.workspace.settings({ left: () => 10_000 })
  const { event, done } = await deletion()
  const { status, text, headers } = await world.send(event)
  expect([status, text, await done()]).toEqual([204, '', true])
  expect(headers.get('access-control-allow-origin')).toBeNull()
  expect(lastLog()).toMatchObject({ what: 'webhook', event_type: event.event_type, path: '/webhooks/seam' })
  expect((await world.send(event)).status).toBe(204)
  expect(lastLog().reason).toBe('done_before')
})

describe('is refused with one answer, and has no effect:', () => {
  const refusals: [string, string, (event: object) => Parameters<WebhookWorld['send']>[1]][] = [
    ['a forged one', 'signature', () => ({ secret: newSecret() })],
    ['one without a signature', 'unsigned', () => ({ headers: { 'svix-signature': '' } })],
    ['one without an id', 'unsigned', () => ({ headers: { 'svix-id': '' } })],
    ['a late one', 'too_old', () => ({ at: world.clock.now() - 6 * minutes })],
    ['an early one', 'too_new', () => ({ at: world.clock.now() + 6 * minutes })],
    ['one under another id', 'signature', () => ({ headers: { 'svix-id': 'msg_another' } })],
    [
      'one that was overheard and dated anew',
      'signature',
      () => ({
        at: world.clock.now() - 60 * minutes,
        headers: { 'svix-timestamp': String(Math.floor(world.clock.now() / 1000)) },
      }),
    ],
    [
      'one whose account was changed',
      'signature',
      (event) => ({ body: JSON.stringify({ ...event, connected_account_id: randomUUID() }) }),
    ],
    ['one written anew', 'signature', (event) => ({ body: JSON.stringify(event, null, 1) })],
    ['one signed in base64 for the URL', 'signature', () => ({ headers: { 'svix-signature': 'v1,-_-_' } })],
  ]
  test.each(refusals)('%s (%s)', async (_, reason, changes) => {
    const { event, done } = await deletion()
    const { status, body, headers } = await world.send(event, changes(event))
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect({ status, ...body }).toMatchObject({ status: 400, code: 'invalid_request', action: 'fix_request' })
    expect(body.detail).toBe('The webhook is not signed with a known secret, or not lately.')
    expect([await done(), lastLog().what, lastLog().reason]).toEqual([false, 'webhook', reason])
  })

  test('one that comes with a bearer token instead', async () => {
    const { event, done } = await deletion()
    const token = await world.token('ada')
    const headers = { 'svix-signature': '', authorization: `Bearer ${token}` }
    expect((await world.send(event, { headers })).status).toBe(400)
    expect(await done()).toBe(false)
  })
})

describe('secrets', () => {
  test('that were rotated a moment ago are read again, and the webhook is believed', async () => {
    const { event, done } = await deletion()
    const next = newSecret()
    world.secrets.fresh = JSON.stringify([next, world.endpoint.secret()])
    expect((await world.send(event, { secret: next })).status).toBe(204)
    expect([await done(), world.secrets.freshReads]).toEqual([true, 1])
    expect((await world.send((await deletion()).event)).status).toBe(204)
    expect(world.secrets.freshReads).toBe(1)
  })

  test('are not read again for what is not signed at all, or late', async () => {
    const { event } = await deletion()
    await world.send(event, { headers: { 'svix-signature': '' } })
    await world.send(event, { at: world.clock.now() - 6 * minutes })
    expect(world.secrets.freshReads).toBe(0)
  })

  test.each(['', '[]', 'whsec_abc', '["whsec_"]'])(
    'that cannot be used (%j) are our trouble',
    async (kept) => {
      const { event, done } = await deletion()
      Object.assign(world.secrets, { kept, fresh: kept })
      const { status, body } = await world.send(event)
      expect([status, body.action, await done()]).toEqual([503, 'retry', false])
      expect(lastLog()).toMatchObject({ dependency: 'secrets', code: 'upstream_unavailable' })
    },
  )

  test('rotated at Seam are believed by either, as long as Svix signs with both', async () => {
    const old = world.endpoint.secret()
    world.endpoint.secrets.unshift(newSecret())
    const [account = ''] = world.seam.spareAccountIds
    world.seam.deleteAccount(account)
    await world.delivered()
    expect(world.seam.webhooks.attempts.at(-1)).toMatchObject({ status: 204 })
    expect(world.secrets.kept).toBe(JSON.stringify([old]))
  })
})

test('a huge one is refused before it is looked into', async () => {
  const { event, done } = await deletion()
  const huge = { ...event, more: 'x'.repeat(70_000) }
  const { status, body } = await world.send(huge)
  expect([status, body.code, await done()]).toEqual([413, 'too_large', false])
  // Without saying how long it is.
  const response = await fetch(`${world.address}/webhooks/seam`, {
    method: 'POST',
    body: new Blob([JSON.stringify(huge)]).stream(),
    duplex: 'half',
  } as RequestInit)
  expect(response.status).toBe(413)
})

test('depth and odd characters are no trouble', async () => {
  const { event } = await deletion()
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
  expect((await world.send(deep)).status).toBe(204)
  expect((await world.send({ ...event, emoji: '🔑\u2028\u0000' })).status).toBe(204)
})

test.each([
  ['/webhooks/seam', 'GET', 405],
  ['/webhooks/seam', 'PUT', 405],
  ['/webhooks/seam/', 'POST', 404],
  ['/webhooks', 'POST', 404],
  ['/client-session', 'POST', 404],
])('%s by %s is a clear %i', async (path, method, status) => {
  const response = await fetch(world.address + path, { method })
  expect([response.status, response.headers.get('allow')]).toEqual([status, status === 405 ? 'POST' : null])
  expect(response.headers.get('content-type')).toBe('application/problem+json')
})
