import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { schemas } from '@seamapi/types/connect'
import { Webhook } from 'svix'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type LocalSeam, startSeam } from '../../../../infra/local/seam/workspace.ts'
import { caller } from './calling.ts'
import { type Received, startReceiver } from './receiving.ts'

let seam: LocalSeam
let receiver: Awaited<ReturnType<typeof startReceiver>>
let endpoint: ReturnType<LocalSeam['webhooks']['add']>
beforeEach(async () => {
  seam = await startSeam()
  receiver = await startReceiver()
  endpoint = seam.webhooks.add(`${receiver.url}/hooks`)
})
afterEach(async () => {
  await Promise.all([seam.close(), receiver.close()])
})

const verified = ({ headers, body }: Received, secret = endpoint.secret()): Record<string, string> => {
  new Webhook(secret).verify(body, headers as Record<string, string>)
  return JSON.parse(body)
}
const accountsTold = () => receiver.received.map(({ body }) => JSON.parse(body).connected_account_id)
const deleteSpares = () => {
  for (const id of seam.spareAccountIds) seam.deleteAccount(id)
}

test('what happens is delivered, signed', async () => {
  const [id = ''] = seam.spareAccountIds
  seam.deleteAccount(id)
  await seam.webhooks.idle()
  const [message] = receiver.received
  expect(message && verified(message)).toMatchObject({
    event_type: 'connected_account.deleted',
    connected_account_id: id,
    workspace_id: seam.workspaceId,
  })
  expect(receiver.received).toHaveLength(1)
  expect(seam.webhooks.waiting()).toEqual([])
})

test('is tried again until it is accepted, as the same message', async () => {
  receiver.status = 503
  seam.deleteAccount(seam.spareAccountIds[0] ?? '')
  await seam.webhooks.idle()
  await seam.webhooks.flush()
  expect(seam.webhooks.waiting()).toHaveLength(1)
  receiver.status = 200
  await seam.webhooks.flush()
  await seam.webhooks.flush()
  expect(new Set(receiver.received.map(({ headers }) => headers['svix-id'])).size).toBe(1)
  expect(seam.webhooks.attempts.map(({ attempt, status }) => [attempt, status])).toEqual([
    [1, 503],
    [2, 503],
    [3, 200],
  ])
})

test('an endpoint that is not there is an answer 0, and does no harm', async () => {
  await receiver.close()
  deleteSpares()
  await seam.webhooks.idle()
  expect(seam.webhooks.attempts.map(({ status }) => status)).toEqual([0, 0])
  expect(seam.webhooks.waiting()).toHaveLength(2)
})

test('is held back, turned round and sent twice on demand', async () => {
  Object.assign(seam.webhooks.mood, { hold: true, copies: 2, order: 'reversed' })
  deleteSpares()
  await seam.webhooks.idle()
  expect(receiver.received).toEqual([])
  await seam.webhooks.flush()
  const [first, second] = seam.spareAccountIds
  expect(accountsTold()).toEqual([second, second, first, first])
})

test('while a secret is rotated, both sign', async () => {
  const old = endpoint.secret()
  endpoint.secrets.unshift(`whsec_${randomBytes(24).toString('base64')}`)
  seam.deleteAccount(seam.spareAccountIds[0] ?? '')
  await seam.webhooks.idle()
  const [during] = receiver.received
  for (const secret of [old, endpoint.secret()]) expect(during && verified(during, secret)).toBeDefined()
  endpoint.secrets.splice(1)
  seam.deleteAccount(seam.spareAccountIds[1] ?? '')
  await seam.webhooks.idle()
  const [, after] = receiver.received
  expect(after && verified(after)).toBeDefined()
  expect(() => after && verified(after, old)).toThrow('No matching signature')
})

test('are made, listed and deleted over HTTP, as the published schema says, by the API key alone', async () => {
  const call = caller(seam)
  const url = `${receiver.url}/others`
  const made = await call('/webhooks/create', { url, event_types: ['connected_account.deleted'] })
  const { webhook } = made.body
  expect(schemas.webhook.strict().parse(webhook)).toEqual(webhook)
  expect((await call('/webhooks/list')).body.webhooks.map((one: { url: string }) => one.url)).toEqual([
    `${receiver.url}/hooks`,
    url,
  ])
  seam.deleteAccount(seam.spareAccountIds[0] ?? '')
  await seam.webhooks.idle()
  expect(receiver.received.map((one) => one.path).sort()).toEqual(['/hooks', '/others'])
  const told = receiver.received.find(({ path }) => path === '/others')
  expect(told && verified(told, webhook.secret)).toBeDefined()

  expect((await call('/webhooks/delete', { webhook_id: webhook.webhook_id })).status).toBe(200)
  seam.deleteAccount(seam.spareAccountIds[1] ?? '')
  await seam.webhooks.idle()
  expect(receiver.received).toHaveLength(3)
  expect((await call('/webhooks/delete', webhook)).body.error.type).toBe('webhook_not_found')
  for (const path of ['create', 'list', 'delete'])
    expect((await call(`/webhooks/${path}`, webhook, 'wrong')).status).toBe(401)
  expect((await call('/webhooks/create', { url: 'ftp://example' })).status).toBe(400)
})

test('an endpoint gets only events of the types that it was made for', async () => {
  const others = await startReceiver()
  await caller(seam)('/webhooks/create', { url: others.url, event_types: ['connect_webview.login_failed'] })
  seam.deleteAccount(seam.spareAccountIds[0] ?? '')
  await seam.webhooks.idle()
  expect([receiver.received.length, others.received.length]).toEqual([1, 0])
  await others.close()
})

test('an endpoint made over HTTP is still there after a restart, with its secret; one made in process is not', async () => {
  const stateFile = join(await mkdtemp(join(tmpdir(), 'local-seam-')), 'seam.json')
  const first = await startSeam({ stateFile })
  first.webhooks.add(`${receiver.url}/in-process`)
  const { webhook } = (await caller(first)('/webhooks/create', { url: receiver.url })).body
  const asKilled = `${stateFile}.killed`
  await writeFile(asKilled, await readFile(stateFile))
  await first.close()
  const again = await startSeam({ stateFile: asKilled })
  try {
    expect((await caller(again)('/webhooks/list')).body.webhooks).toEqual([webhook])
    again.deleteAccount(again.spareAccountIds[0] ?? '')
    await again.webhooks.idle()
    const [told] = receiver.received
    expect(told && verified(told, webhook.secret)).toMatchObject({ event_type: 'connected_account.deleted' })
    expect(receiver.received).toHaveLength(1)
  } finally {
    await again.close()
  }
})
