import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { takeLogin } from '../../../functions/connecting/logins.ts'
import { keeperOf, sharedSession } from '../keeper.ts'
import { minutes } from '../minutes.ts'
import { ask, devicesOf, ownerOfSub, soon } from '../vending-world.ts'
import { eventsOf, startWebhookWorld, type WebhookWorld } from '../webhook-world.ts'

/** What the first edition got wrong, each on real parts over HTTP. */

let world: WebhookWorld
beforeAll(async () => {
  world = await startWebhookWorld()
})
afterEach(() => {
  world.seam.faults.clear()
  world.dynamoDb.faults.clear()
})
afterAll(() => world.close())

const keeper = () => keeperOf({ ...world.machine.deps, table: world.table })
let people = 0
async function person(accountIds: string[] = []) {
  const sub = `person-${people++}`
  await world.record(sub, accountIds)
  const post = async (request: Parameters<typeof ask>[1] = {}) =>
    ask(world.machine, { token: await world.token(sub), ...request })
  return {
    sub,
    owner: ownerOfSub(sub),
    post,
    accounts: async () => (await world.user(sub))?.connected_account_ids,
  }
}
const opens = (token: string) =>
  devicesOf(world.seam, token).then(
    () => true,
    () => false,
  )
/** A login that nobody has told of. */
async function untoldLogin(post: Awaited<ReturnType<typeof person>>['post']) {
  const { body } = await post({ path: '/connect-webview' })
  const { connect_webview_id } = body as { connect_webview_id: string }
  const before = (await eventsOf(world)).length
  world.seam.webhooks.mood.hold = true
  const account = world.seam.completeWebview(connect_webview_id)
  const events = (await eventsOf(world)).slice(before)
  return { connect_webview_id, account, events }
}
const statusOf = (post: Awaited<ReturnType<typeof person>>['post'], id: string) =>
  post({ method: 'GET', path: `/connect-webview/${id}` })

describe('a withdrawn account stays withdrawn', () => {
  test('when the webhook process died between the grant and the mark: there is no such moment', async () => {
    const { owner, post, accounts } = await person()
    const { account, events } = await untoldLogin(post)
    // The write of the record was made; what came after it never happened.
    world.dynamoDb.faults.add({ kind: 'late', ms: 0, operations: ['PutItem'], times: 1 })
    world.dynamoDb.faults.add({ kind: 'failed', operations: ['PutItem'] })
    await world.send(events[0])
    world.dynamoDb.faults.clear()
    expect(await accounts()).toEqual([account])
    await keeper().withdraw(owner, [account], soon())
    for (const event of [...events, ...events]) expect((await world.send(event)).status).toBe(204)
    expect(await accounts()).toEqual([])
  })

  test('when it was withdrawn before its login was told', async () => {
    const { owner, post, accounts } = await person()
    const { account, connect_webview_id, events } = await untoldLogin(post)
    await keeper().withdraw(owner, [account], soon())
    expect(await statusOf(post, connect_webview_id)).toMatchObject({
      status: 200,
      body: { status: 'failed', reason: 'withdrawn_since' },
    })
    for (const event of events) expect((await world.send(event)).status).toBe(204)
    expect(await accounts()).toEqual([])
  })

  test('and a page is told why its login gave nothing', async () => {
    const { owner, post } = await person()
    const { account, connect_webview_id, events } = await untoldLogin(post)
    await world.send(events[0])
    await keeper().withdraw(owner, [account], soon())
    const { body } = await statusOf(post, connect_webview_id)
    expect(body).toEqual({ status: 'failed', reason: 'already_counted' })
    world.clock.advance(4000)
    expect((await statusOf(post, connect_webview_id)).body).toEqual(body)
  })

  test('and a deleted one is told too', async () => {
    const { post } = await person()
    const { account, connect_webview_id } = await untoldLogin(post)
    await world.table.putTombstone(account, world.clock.now(), randomUUID())
    const { body } = await statusOf(post, connect_webview_id)
    expect(body).toEqual({ status: 'failed', reason: 'account_deleted' })
  })

  test('a page that was slow between its look and its grant is refused', async () => {
    const { owner, post, accounts } = await person()
    const { account, connect_webview_id } = await untoldLogin(post)
    const authorized_at = new Date(world.clock.now()).toISOString()
    const { deps } = world.machine
    let meanwhile: (() => Promise<unknown>) | undefined = () => keeper().withdraw(owner, [account], soon())
    const addHolder: typeof world.table.addHolder = async (...given) => {
      await meanwhile?.()
      meanwhile = undefined
      return deps.table.addHolder(...given)
    }
    const slow = { ...deps, table: { ...deps.table, addHolder } }
    const login = { webview: { connect_webview_id, authorized_at }, connected_account_id: account }
    expect(await takeLogin(slow, login, soon())).toEqual({ owner, reason: 'withdrawn_since' })
    expect(await accounts()).toEqual([])
  })
})

describe('a delete is not believed', () => {
  test('a 404 while the session lives: it is found by its key and deleted before success is told', async () => {
    const { owner, post } = await person(world.seam.users[0]?.connected_account_ids)
    const { body } = await post()
    world.seam.faults.plan({
      faults: [{ kind: 'status', status: 404, path: '/client_sessions/delete', times: 1 }],
    })
    expect((await keeper().disable(owner, soon())).failure).toBeUndefined()
    expect(await opens(body.token)).toBe(false)
  })

  test('410 counts like 404', async () => {
    const { owner, post } = await person(world.seam.users[0]?.connected_account_ids)
    const { body } = await post()
    world.seam.faults.plan({
      faults: [{ kind: 'status', status: 410, path: '/client_sessions/delete', times: 1 }],
    })
    expect((await keeper().disable(owner, soon())).failure).toBeUndefined()
    expect(await opens(body.token)).toBe(false)
  })

  test('another id was answered when it was made', async () => {
    const { owner, post } = await person(world.seam.users[0]?.connected_account_ids)
    world.seam.faults.plan({
      faults: [{ kind: 'wrong', wrong: 'other_id', path: '/client_sessions/get_or_create', times: 1 }],
    })
    const { body } = await post()
    expect(await opens(body.token)).toBe(true)
    expect((await keeper().disable(owner, soon())).failure).toBeUndefined()
    expect(await opens(body.token)).toBe(false)
  })
})

describe('one session that Seam does not delete locks nobody out', () => {
  test.each([400, 403, 409, 500, 503])('%i, always', async (status) => {
    const { owner, post } = await person(world.seam.users[0]?.connected_account_ids)
    const first = await post()
    world.seam.faults.plan({ faults: [{ kind: 'status', status, path: '/client_sessions/delete' }] })
    const ended = await keeper().endSession(owner, soon())
    expect(ended.failure?.code).toBe('upstream_unavailable')
    const second = await post()
    expect(second.status).toBe(201)
    expect(second.body.token).not.toBe(first.body.token)
    // When nothing can be alive under its key any more, it stands in the way of nobody's success either.
    world.clock.advance(62 * minutes)
    await post()
    const later = await keeper().endSession(owner, soon())
    expect(later.user.retired.some((entry) => entry.client_session_id === first.body.client_session_id)).toBe(
      true,
    )
    expect((await post()).status).toBe(201)
  })
})

test('a call that Seam answers with 503 once keeps nobody waiting', async () => {
  const { sub, post } = await person(world.seam.users[0]?.connected_account_ids)
  world.seam.faults.plan({
    faults: [{ kind: 'status', status: 503, path: '/client_sessions/get_or_create', times: 1 }],
  })
  expect((await post()).status).toBe(503)
  expect(sharedSession(await world.user(sub))).not.toHaveProperty('lease_until')
  expect((await post()).status).toBe(201)
  expect(world.log.at(-1)?.waits).toBe(0)
})

describe('an account that Seam does not know', () => {
  const unknown = () => randomUUID()

  test('is found by asking about the user’s own, however long the workspace’s list takes', async () => {
    const accounts = [...(world.seam.users[0]?.connected_account_ids ?? []), unknown()].sort()
    const { post } = await person(accounts)
    world.seam.faults.plan({
      faults: [{ kind: 'delay', delay_ms: 60_000, path: '/connected_accounts/list' }],
    })
    expect((await post()).status).toBe(201)
  })

  test('among more than twenty: cleanup finishes what the list was too slow for', async () => {
    const { sub, post } = await person(Array.from({ length: 21 }, unknown).sort())
    world.seam.faults.plan({
      faults: [{ kind: 'status', status: 503, path: '/connected_accounts/list' }],
    })
    expect((await post()).status).toBeGreaterThanOrEqual(500)
    const user = await world.user(sub)
    expect(user?.unchecked_since).toBeDefined()
    expect(user?.due_at).toBeLessThanOrEqual(world.clock.now())
  })
})
