import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startWorld, type World } from '../../../infra/local/world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ folder: await mkdtemp(join(tmpdir(), 'local-webhook-')) })
})
afterAll(() => world.close())

const call = async (address: string, params: object, bearer?: string) => {
  const response = await fetch(address, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
    },
    body: JSON.stringify(params),
  })
  const text = await response.text()
  // biome-ignore lint/suspicious/noExplicitAny: what comes over the wire is looked into member by member
  return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as any }
}

test('an account that somebody connects is in reach of the token they have, once the webhook has come', async () => {
  const { api, seam } = world.file
  const caller = await world.identityProvider.sign({ sub: 'newcomer' })
  const session = await call(`${api}/client-session`, {}, caller)
  const webview = await call(`${api}/connect-webview`, {}, caller)
  expect(webview.status).toBe(201)
  const devices = async () => (await call(`${seam}/devices/list`, {}, session.body.token)).body.devices
  expect(await devices()).toEqual([])
  const { connect_webview_id } = webview.body
  expect((await call(`${seam}/_fake/complete_connect_webview`, { connect_webview_id })).status).toBe(200)
  await world.seam?.webhooks.idle()
  expect(world.seam?.webhooks.attempts.map(({ status }) => status)).toEqual([204, 204, 204])
  expect(await devices()).toHaveLength(1)
})

test('the webhook is refused without a signature, and is no address of a caller', async () => {
  const { api } = world.file
  const refused = await call(`${api}/webhooks/seam`, { event_type: 'connected_account.deleted' })
  expect([refused.status, refused.body.code]).toEqual([400, 'invalid_request'])
  expect((await call(`${api}/webhooks/other`, {})).status).toBe(404)
})
