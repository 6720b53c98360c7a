import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { grant } from '../../../functions/record/writes.ts'
import type { LocalEvent } from '../../../infra/local/seam/webhooks.ts'
import { type Keeper, keeperOf, sharedSession } from '../keeper.ts'
import { ask, devicesOf, ownerOfSub, soon } from '../vending-world.ts'
import { eventsOf, startWebhookWorld, type WebhookWorld } from '../webhook-world.ts'

let world: WebhookWorld
let operator: Keeper
beforeAll(async () => {
  world = await startWebhookWorld()
  operator = keeperOf(world.machine.deps)
})
afterEach(async () => {
  world.seam.faults.clear()
  world.dynamoDb.faults.clear()
  Object.assign(world.seam.webhooks.mood, { hold: false, copies: 1, order: 'kept' })
  await world.seam.webhooks.flush()
})
afterAll(() => world.close())

async function newcomer() {
  const sub = `newcomer-${randomUUID()}`
  await world.record(sub, [])
  return sub
}
const tokenOf = async (sub: string): Promise<string> =>
  (await ask(world.machine, { token: await world.token(sub) })).body.token
const webviewOf = async (sub: string): Promise<string> =>
  (await ask(world.machine, { path: '/connect-webview', token: await world.token(sub) })).body
    .connect_webview_id
const accountsOf = async (sub: string) => (await world.user(sub))?.connected_account_ids
const lastAttempts = (count: number) =>
  world.seam.webhooks.attempts.slice(-count).map(({ event_type, status }) => `${event_type} ${status}`)
const reasons = () => world.log.filter(({ what }) => what === 'webhook').map(({ reason }) => reason)
/** What Seam tells of while this happens; nothing of it is delivered. */
async function eventsWhile(happens: () => unknown): Promise<LocalEvent[]> {
  const before = (await eventsOf(world)).length
  world.seam.webhooks.mood.hold = true
  await happens()
  const events = (await eventsOf(world)).slice(before)
  return events
}
/** A login of somebody, told of by nobody yet. */
async function login(sub: string) {
  const id = await webviewOf(sub)
  let account = ''
  const [created, connected, succeeded] = await eventsWhile(() => {
    account = world.seam.completeWebview(id)
  })
  if (!created || !connected || !succeeded) throw new Error('Seam tells of a login three times')
  return { account, created, connected, succeeded }
}

describe('a login', () => {
  test('gives the account to whoever opened the webview, and the same token lists its devices', async () => {
    const sub = await newcomer()
    const token = await tokenOf(sub)
    expect(await devicesOf(world.seam, token)).toEqual([])
    const account = world.seam.completeWebview(await webviewOf(sub))
    await world.delivered()
    expect(lastAttempts(3).sort()).toEqual([
      'connect_webview.login_succeeded 204',
      'connected_account.connected 204',
      'connected_account.created 204',
    ])
    expect(await accountsOf(sub)).toEqual([account])
    expect(await devicesOf(world.seam, token)).toHaveLength(1)
    expect(await tokenOf(sub)).toBe(token)
    expect(world.log.findLast(({ what }) => what === 'webhook')).toMatchObject({
      owner: ownerOfSub(sub),
      event_type: expect.stringMatching(/^connect/),
      status: 204,
    })
  })

  test('and the deletion of its account are changes of a mapping, each audited once', async () => {
    const sub = await newcomer()
    const account = world.seam.completeWebview(await webviewOf(sub))
    await world.delivered()
    world.seam.deleteAccount(account)
    await world.delivered()
    const [holding, none] = [[account], []].map((ids) => ({ status: 'active', connected_account_ids: ids }))
    const of = {
      what: 'account',
      by: 'seam',
      owner: ownerOfSub(sub),
      subject: `main|${sub}`,
      at: expect.any(Number),
    }
    expect(world.auditLog.filter(({ owner }) => owner === ownerOfSub(sub))).toEqual([
      { ...of, act: 'connect', before: none, after: holding },
      { ...of, act: 'account_deleted', before: holding, after: none },
    ])
    expect(world.lines.join()).not.toContain(sub)
  })

  test('is of no use to anybody else', async () => {
    const [one, other] = [await newcomer(), await newcomer()]
    const othersToken = await tokenOf(other)
    world.seam.completeWebview(await webviewOf(one))
    await world.delivered()
    expect(await accountsOf(other)).toEqual([])
    expect(await devicesOf(world.seam, othersToken)).toEqual([])
  })

  test('into one account by two people is shared by them, and by nobody else', async () => {
    const [ada, grace] = [await newcomer(), await newcomer()]
    const who = { provider: 'august', email: `${randomUUID()}@example.com` }
    const shared = world.seam.completeWebview(await webviewOf(ada), who)
    world.seam.completeWebview(await webviewOf(grace), who)
    await world.delivered()
    expect([await accountsOf(ada), await accountsOf(grace)]).toEqual([[shared], [shared]])
    const [adas, graces] = [await tokenOf(ada), await tokenOf(grace)]
    await operator.withdraw(ownerOfSub(ada), [shared], soon())
    await expect(devicesOf(world.seam, adas)).rejects.toThrow('401')
    expect(await devicesOf(world.seam, graces)).toHaveLength(1)
    expect(await devicesOf(world.seam, await tokenOf(ada))).toEqual([])
  })

  test('that an operator has undone stays undone, however late the rest of its events come', async () => {
    const sub = await newcomer()
    const { account, created, connected, succeeded } = await login(sub)
    expect((await world.send(succeeded)).status).toBe(204)
    expect(await accountsOf(sub)).toEqual([account])
    await operator.withdraw(ownerOfSub(sub), [account], soon())
    for (const late of [created, connected, succeeded]) expect((await world.send(late)).status).toBe(204)
    expect(await accountsOf(sub)).toEqual([])
  })

  test('of a removed user gives nothing, and does not bring the record back', async () => {
    const [gone, going] = [await newcomer(), await newcomer()]
    await tokenOf(going)
    for (const sub of [gone, going]) {
      const { succeeded } = await login(sub)
      await operator.remove(ownerOfSub(sub), soon())
      expect((await world.send(succeeded)).status).toBe(204)
      expect(reasons().at(-1)).toBe('no_record')
    }
    for (const sub of [gone, going])
      expect(await world.user(sub)).toMatchObject({
        status: 'removed',
        connected_account_ids: [],
        logins: {},
      })
  })

  test('of a disabled user is kept for later, and opens nothing now', async () => {
    const sub = await newcomer()
    const { account, succeeded } = await login(sub)
    await operator.disable(ownerOfSub(sub), soon())
    expect((await world.send(succeeded)).status).toBe(204)
    expect(await accountsOf(sub)).toEqual([account])
    expect((await ask(world.machine, { token: await world.token(sub) })).status).toBe(403)
  })

  test('that would be one account too many gives nothing, and nobody tries again', async () => {
    const sub = await newcomer()
    const { succeeded } = await login(sub)
    const user = await world.user(sub)
    if (user === undefined) throw new Error('the newcomer has no record')
    const full = grant(
      user,
      Array.from({ length: 500 }, () => randomUUID()),
      world.clock.now(),
    )
    await world.table.compareAndSet(user.owner, user.revision, { ...full, revision: randomUUID() })
    expect((await world.send(succeeded)).status).toBe(204)
    expect(reasons().at(-1)).toBe('too_many_accounts')
    expect(await accountsOf(sub)).toHaveLength(500)
  })
})

describe('an account that Seam has deleted', () => {
  test('is out of every old token’s reach before the answer is out', async () => {
    const [ada, grace] = [await newcomer(), await newcomer()]
    const who = { provider: 'yale', email: `${randomUUID()}@example.com` }
    const shared = world.seam.completeWebview(await webviewOf(ada), who)
    world.seam.completeWebview(await webviewOf(grace), who)
    await world.delivered()
    const tokens = [await tokenOf(ada), await tokenOf(grace)]
    const [deleted] = await eventsWhile(() => world.seam.deleteAccount(shared))
    expect((await world.send(deleted)).status).toBe(204)
    for (const token of tokens) await expect(devicesOf(world.seam, token)).rejects.toThrow('401')
    expect([await accountsOf(ada), await accountsOf(grace)]).toEqual([[], []])
    expect(world.log.at(-1)).toMatchObject({ event_type: 'connected_account.deleted', owners: 2 })
  })

  test('is withdrawn again and again until Seam has confirmed', async () => {
    const sub = await newcomer()
    const account = world.seam.completeWebview(await webviewOf(sub))
    await world.delivered()
    const token = await tokenOf(sub)
    world.seam.faults.plan({ faults: [{ kind: 'status', status: 503, path: '/client_sessions/delete' }] })
    world.seam.deleteAccount(account)
    await world.delivered()
    expect(lastAttempts(1)).toEqual(['connected_account.deleted 503'])
    expect(await accountsOf(sub)).toEqual([])
    world.seam.faults.clear()
    await world.seam.webhooks.flush()
    await expect(devicesOf(world.seam, token)).rejects.toThrow('401')
    expect(world.seam.webhooks.waiting()).toEqual([])
  })
})

describe('in any order', () => {
  const orders = <T>(items: T[]): T[][] =>
    items.length < 2
      ? [items]
      : items.flatMap((first, n) => orders(items.toSpliced(n, 1)).map((rest) => [first, ...rest]))

  test('a login and the deletion of its account end without the account', async () => {
    for (const order of orders([0, 1, 2])) {
      const sub = await newcomer()
      const { account, created, succeeded } = await login(sub)
      const [deleted] = await eventsWhile(() => world.seam.deleteAccount(account))
      for (const n of order) await world.send([created, succeeded, deleted][n])
      expect([order, await accountsOf(sub)]).toEqual([order, []])
    }
  })

  test('a login ends with the account, once', async () => {
    for (const order of orders([0, 1, 2])) {
      const sub = await newcomer()
      const { account, created, connected, succeeded } = await login(sub)
      for (const n of order) await world.send([created, connected, succeeded][n])
      expect([order, await accountsOf(sub)]).toEqual([order, [account]])
    }
  })

  test('all at once, each twice, turned round', async () => {
    const sub = await newcomer()
    const token = await tokenOf(sub)
    Object.assign(world.seam.webhooks.mood, { hold: true, copies: 2, order: 'reversed' })
    const id = await webviewOf(sub)
    const account = world.seam.completeWebview(id)
    await world.seam.webhooks.flush()
    expect(lastAttempts(6).every((line) => line.endsWith('204'))).toBe(true)
    expect(await accountsOf(sub)).toEqual([account])
    expect(await devicesOf(world.seam, token)).toHaveLength(1)
    const { created, connected, succeeded, account: second } = await login(sub)
    await Promise.all([created, connected, succeeded, created, succeeded].map((event) => world.send(event)))
    expect(await accountsOf(sub)).toEqual([account, second].sort())
    expect(await devicesOf(world.seam, token)).toHaveLength(2)
  })
})

describe('our trouble is a 5xx, so that the webhook comes again', () => {
  test.each(['GetItem', 'PutItem', 'UpdateItem'])('DynamoDB fails at %s', async (operation) => {
    const sub = await newcomer()
    const { account, succeeded } = await login(sub)
    world.dynamoDb.faults.add({ kind: 'throttled', operations: [operation] })
    const { status, body } = await world.send(succeeded)
    expect([status, body.action]).toEqual([503, 'retry'])
    world.dynamoDb.faults.clear()
    expect((await world.send(succeeded)).status).toBe(204)
    expect(await accountsOf(sub)).toEqual([account])
  })

  test('an answer of the table that is lost at any write leaves something that the next one finishes', async () => {
    for (let lost = 1; lost <= 6; lost++) {
      const sub = await newcomer()
      const { account, succeeded } = await login(sub)
      let writes = 0
      for (; writes < lost - 1; writes++)
        world.dynamoDb.faults.add({ kind: 'late', ms: 0, operations: ['PutItem', 'UpdateItem'], times: 1 })
      world.dynamoDb.faults.add({ kind: 'answer_lost', operations: ['PutItem', 'UpdateItem'], times: 2 })
      await world.send(succeeded)
      world.dynamoDb.faults.clear()
      expect((await world.send(succeeded)).status).toBe(204)
      expect([lost, await accountsOf(sub)]).toEqual([lost, [account]])
    }
  })

  test('a live client session that cannot be widened now is widened when it comes again', async () => {
    const sub = await newcomer()
    const token = await tokenOf(sub)
    const { succeeded } = await login(sub)
    world.seam.faults.plan({
      faults: [{ kind: 'status', status: 503, path: '/client_sessions/get_or_create' }],
    })
    expect((await world.send(succeeded)).status).toBe(503)
    world.seam.faults.clear()
    expect((await world.send(succeeded)).status).toBe(204)
    expect(await devicesOf(world.seam, token)).toHaveLength(1)
  })
})

describe('nothing comes of', () => {
  /** Sends it in several ways, none of which may change the record. */
  const refused = async (send: (event: LocalEvent) => Promise<{ status: number }>) => {
    const sub = await newcomer()
    const { succeeded } = await login(sub)
    const answer = await send(succeeded)
    expect(await accountsOf(sub)).toEqual([])
    return answer.status
  }

  test('an event of another workspace', async () => {
    expect(await refused((event) => world.send({ ...event, workspace_id: randomUUID() }))).toBe(204)
    expect(reasons().at(-1)).toBe('other_workspace')
  })

  test('an event that has had its effect, also when it is replayed', async () => {
    const sub = await newcomer()
    const { account, succeeded } = await login(sub)
    await world.send(succeeded)
    await operator.withdraw(ownerOfSub(sub), [account], soon())
    expect((await world.send(succeeded, { id: 'msg_another' })).status).toBe(204)
    expect([await accountsOf(sub), reasons().at(-1)]).toEqual([[], 'done_before'])
  })

  test('an account that came without a webview', async () => {
    expect(await refused(({ connect_webview_id, ...event }) => world.send(event))).toBe(204)
    expect(reasons().at(-1)).toBe('no_webview')
  })

  test('a webview that nobody made', async () => {
    expect(await refused((event) => world.send({ ...event, connect_webview_id: randomUUID() }))).toBe(204)
    expect(reasons().at(-1)).toBe('not_ours')
  })

  test('our own deletes, which Seam echoes', async () => {
    const sub = await newcomer()
    await tokenOf(sub)
    const events = await eventsWhile(async () =>
      ask(world.machine, { method: 'DELETE', token: await world.token(sub) }),
    )
    expect(events.map(({ event_type }) => event_type)).toEqual(['client_session.deleted'])
    expect((await world.send(events[0])).status).toBe(204)
    expect(reasons().at(-1)).toBe('only_counted')
  })

  test.each([
    ['no JSON', '{"event_type":'],
    ['a text', '"connected_account.deleted"'],
    ['null', 'null'],
    ['a list', '[]'],
    ['an empty body', ''],
    ['an event of another kind', JSON.stringify({ event_type: 'lock.unlocked', event_id: 'x' })],
    [
      'an event without its account',
      JSON.stringify({ event_type: 'connected_account.deleted', event_id: 'x' }),
    ],
    ['a prototype', '{"__proto__":{"event_type":"connected_account.deleted"}}'],
  ])('%s that is signed: it would come again in vain', async (_, body) => {
    expect((await world.send(body)).status).toBe(204)
    expect(reasons().at(-1)).toBe('unknown_event')
  })
})

test('no log line shows a secret', async () => {
  const sub = await newcomer()
  const token = await tokenOf(sub)
  const { succeeded } = await login(sub)
  await world.send(succeeded)
  const key = sharedSession(await world.user(sub)).user_identifier_key ?? ''
  const webhookSecret = world.endpoint.secret()
  const logged = world.lines.join('\n')
  for (const secret of [token, key, world.seam.apiKey, webhookSecret, webhookSecret.slice('whsec_'.length)])
    for (const form of [secret, Buffer.from(secret).toString('base64'), encodeURIComponent(secret)])
      expect(logged).not.toContain(form)
})
