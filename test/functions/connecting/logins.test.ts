import { randomUUID } from 'node:crypto'
import { SeamHttp } from '@seamapi/http/connect'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Connected, takeLogin } from '../../../functions/connecting/logins.ts'
import type { User } from '../../../functions/record/user.ts'
import { withdraw } from '../../../functions/record/writes.ts'
import { seamClient } from '../../../functions/seam/client.ts'
import { times } from '../../../functions/times.ts'
import { plainReadings } from '../../../infra/local/seam/state.ts'
import { sharedSession } from '../keeper.ts'
import { ask, devicesOf, ownerOfSub, soon } from '../vending-world.ts'
import { startWebhookWorld, type WebhookWorld } from '../webhook-world.ts'

let world: WebhookWorld
beforeAll(async () => {
  world = await startWebhookWorld()
})
afterEach(() => {
  Object.assign(world.seam.readings, plainReadings)
})
afterAll(() => world.close())

async function newcomer() {
  const sub = `newcomer-${randomUUID()}`
  await world.record(sub, [])
  return sub
}
const sessionOf = async (sub: string) => (await ask(world.machine, { token: await world.token(sub) })).body
const accountsOf = async (sub: string) => (await world.user(sub))?.connected_account_ids
const lastReason = () => world.log.findLast(({ what }) => what === 'webhook')?.reason
const atSeam = async (path: string, params: object, bearer = world.seam.apiKey) => {
  const response = await fetch(world.seam.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body: JSON.stringify(params),
  })
  // biome-ignore lint/suspicious/noExplicitAny: what comes over the wire is looked into member by member
  return (await response.json()) as any
}
/** As a browser makes one, past us. */
const webviewBy = async (bearer: string, params: object = {}): Promise<string> =>
  (await atSeam('/connect_webviews/create', params, bearer)).connect_webview.connect_webview_id
async function complete(connect_webview_id: string) {
  const account = world.seam.completeWebview(connect_webview_id)
  await world.delivered()
  return account
}

describe('a webview that a page made with a client session token', () => {
  test.each(['joins_session', 'stays_out'] as const)(
    'by Seam’s own connect button: its account is the user’s, and the same token lists it (account %s)',
    async (completed_webview) => {
      world.seam.readings.completed_webview = completed_webview
      const sub = await newcomer()
      const { token, client_session_id } = await sessionOf(sub)
      // What @seamapi/react does on a click.
      const browser = SeamHttp.fromClientSessionToken(token, { endpoint: world.seam.url })
      const { connect_webview_id } = await browser.connectWebviews.create({
        custom_metadata: { client_session_id, user_identifier_key: 'of somebody' },
        custom_redirect_url: 'https://app.example/',
        wait_for_device_creation: true,
      })
      const account = await complete(connect_webview_id)
      expect(await accountsOf(sub)).toEqual([account])
      expect(await devicesOf(world.seam, token)).toHaveLength(1)
      expect((await sessionOf(sub)).token).toBe(token)
    },
  )

  test('with another user’s id in its metadata gives that user nothing', async () => {
    const [attacker, victim] = [await newcomer(), await newcomer()]
    const [mine, theirs] = [await sessionOf(attacker), await sessionOf(victim)]
    const key = sharedSession(await world.user(victim)).user_identifier_key ?? ''
    const account = await complete(
      await webviewBy(mine.token, {
        custom_metadata: {
          user_id: victim,
          owner: ownerOfSub(victim),
          subject: `main|${victim}`,
          user_identifier_key: key,
          client_session_id: theirs.client_session_id,
        },
      }),
    )
    expect(await accountsOf(victim)).toEqual([])
    expect(await devicesOf(world.seam, theirs.token)).toEqual([])
    expect(await accountsOf(attacker)).toEqual([account])
  })

  test('that has ended since gives nothing: a retired key proves nothing', async () => {
    const sub = await newcomer()
    const { token } = await sessionOf(sub)
    const webview = await webviewBy(token)
    await ask(world.machine, { method: 'DELETE', token: await world.token(sub) })
    await complete(webview)
    expect([await accountsOf(sub), lastReason()]).toEqual([[], 'not_ours'])
  })

  test('that shows itself again under its retired key gives nothing', async () => {
    const sub = await newcomer()
    await sessionOf(sub)
    const key = sharedSession(await world.user(sub)).user_identifier_key
    await ask(world.machine, { method: 'DELETE', token: await world.token(sub) })
    await sessionOf(sub)
    world.seam.readings.dead_sessions = 'are_revived'
    const revived = await atSeam('/client_sessions/get_or_create', { user_identifier_key: key })
    await complete(await webviewBy(revived.client_session.token))
    expect([await accountsOf(sub), lastReason()]).toEqual([[], 'not_ours'])
  })
})

test('what was withdrawn since does not come back with a question days later, when the login’s mark is gone', async () => {
  const sub = await newcomer()
  const token = () => world.token(sub)
  const { body } = await ask(world.machine, { path: '/connect-webview', token: await token() })
  const { connect_webview_id } = body
  const account = await complete(connect_webview_id)
  expect(await accountsOf(sub)).toEqual([account])
  const user = (await world.user(sub)) as User
  // As if the record had forgotten both the login and the withdrawal.
  const withdrawn = { ...withdraw(user, [account], 0), logins: {}, withdrawn: {}, revision: 'x' }
  await world.table.compareAndSet(user.owner, user.revision, withdrawn)

  world.clock.advance(times.eventKept + 1000)
  const answer = await ask(world.machine, {
    method: 'GET',
    path: `/connect-webview/${connect_webview_id}`,
    token: await token(),
  })
  expect([answer.body.status, world.log.at(-1)?.reason]).toEqual(['failed', 'login_too_old'])
  expect(await accountsOf(sub)).toEqual([])
})

describe('strangers in the same workspace', () => {
  const strangers: [string, (key: string) => string | undefined][] = [
    ['without a key', () => undefined],
    ['with a key of their own', () => 'user-7'],
    ['with a key that looks like ours', (key) => key.replace(/.{36}$/, randomUUID())],
    ['with a key that ends like ours', (key) => `x${key}`],
    ['with a key that goes on where ours ends', (key) => `${key}x`],
    ['with our prefix alone', (key) => key.split('_')[0]],
  ]
  test.each(strangers)('%s get nothing, and give nothing to anybody', async (_, keyFrom) => {
    const sub = await newcomer()
    await sessionOf(sub)
    const user_identifier_key = keyFrom(sharedSession(await world.user(sub)).user_identifier_key ?? '')
    const { client_session } = await atSeam('/client_sessions/create', {
      ...(user_identifier_key !== undefined && { user_identifier_key }),
    })
    await complete(await webviewBy(client_session.token))
    expect([await accountsOf(sub), lastReason()]).toEqual([[], 'not_ours'])
  })

  test('a webview made with an API key, past us, gives nothing', async () => {
    await complete(await webviewBy(world.seam.apiKey, { custom_metadata: { user_id: 'ada' } }))
    expect(lastReason()).toBe('not_ours')
  })
})

/** Behind a Seam that answers a list by what the test makes up. */
async function connectedBehind(makers: object[], login: { connect_webview_id: string }): Promise<Connected> {
  const { deps } = world.machine
  const seam = seamClient({
    endpoint: 'https://seam.example',
    apiKey: async () => 'k',
    times,
    fetch: async () => Response.json({ client_sessions: makers }),
  })
  const authorized_at = new Date(world.clock.now()).toISOString()
  const webview = { ...login, authorized_at, created_at: authorized_at }
  const connected_account_id = world.seam.addAccount()
  return takeLogin(
    { ...deps, seam: { ...deps.seam, listWebviewMakers: seam.listWebviewMakers } },
    { webview, connected_account_id },
    soon(),
  )
}
const makerOf = async (sub: string, connect_webview_ids: string[]) => ({
  user_identifier_key: sharedSession(await world.user(sub)).user_identifier_key ?? '',
  connect_webview_ids,
  workspace_id: world.seam.workspaceId,
})

describe('a list of makers that is not what was asked for', () => {
  test('one that ignores its filter gives nothing to whoever stands in it', async () => {
    const [one, two] = [await newcomer(), await newcomer()]
    for (const sub of [one, two]) await sessionOf(sub)
    const makers = [await makerOf(one, ['another']), await makerOf(two, [])]
    expect(await connectedBehind(makers, { connect_webview_id: randomUUID() })).toEqual({
      reason: 'not_ours',
    })
    expect([await accountsOf(one), await accountsOf(two)]).toEqual([[], []])
  })

  test('one that names several users gives nothing to any of them', async () => {
    const [one, two] = [await newcomer(), await newcomer()]
    for (const sub of [one, two]) await sessionOf(sub)
    const connect_webview_id = randomUUID()
    const makers = [await makerOf(one, [connect_webview_id]), await makerOf(two, [connect_webview_id])]
    expect(await connectedBehind(makers, { connect_webview_id })).toEqual({ reason: 'several_owners' })
    expect([await accountsOf(one), await accountsOf(two)]).toEqual([[], []])
  })

  test('one from another workspace proves nothing', async () => {
    const sub = await newcomer()
    await sessionOf(sub)
    const connect_webview_id = randomUUID()
    const maker = { ...(await makerOf(sub, [connect_webview_id])), workspace_id: randomUUID() }
    expect(await connectedBehind([maker], { connect_webview_id })).toEqual({ reason: 'not_ours' })
  })

  test('one user in it twice is one user', async () => {
    const sub = await newcomer()
    await sessionOf(sub)
    const connect_webview_id = randomUUID()
    const maker = await makerOf(sub, [connect_webview_id])
    expect(await connectedBehind([maker, maker], { connect_webview_id })).toEqual({ owner: ownerOfSub(sub) })
  })
})
