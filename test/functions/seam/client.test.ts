import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import { seamClient } from '../../../functions/seam/client.ts'
import { SeamFailure } from '../../../functions/seam/failure.ts'
import { times } from '../../../functions/times.ts'
import { type LocalSeam, startSeam } from '../../../infra/local/seam/workspace.ts'
import { patient } from '../patient.ts'

let local: LocalSeam
beforeAll(async () => {
  local = await startSeam()
})
afterAll(() => local.close())

const soon = () => deadlineIn(patient.vend, Date.now)
const client = (apiKey: (how: { fresh: boolean }) => Promise<string> = async () => local.apiKey) =>
  seamClient({ endpoint: local.url, apiKey, times: patient })
/** Gives up in no time. */
const hasty = () =>
  seamClient({ endpoint: local.url, apiKey: async () => local.apiKey, times: { ...times, seam: 50 } })
const request = (key: string) => ({
  user_identifier_key: key,
  connected_account_ids: local.users[0]?.connected_account_ids ?? [],
  expires_at: Date.now() + 3_600_000,
})
const failureOf = async (call: Promise<unknown>): Promise<SeamFailure> => {
  const error = await call.then(
    () => undefined,
    (reason) => reason,
  )
  if (!(error instanceof SeamFailure)) throw new Error('expected a SeamFailure')
  return error
}

test('makes, lists and deletes a client session', async () => {
  const seam = client()
  const made = await seam.getOrCreate(request('key-made'), soon())
  expect(made).toMatchObject({ user_identifier_key: 'key-made', workspace_id: local.workspaceId })
  expect(await seam.list({ user_identifier_key: 'key-made' }, soon())).toMatchObject([{ token: made.token }])
  await seam.delete({ client_session_id: made.client_session_id }, soon())
  const again = seam.delete({ client_session_id: made.client_session_id }, soon())
  expect((await failureOf(again)).httpStatus).toBe(404)
})

test('what has no filter has no tokens: neither the type nor the answer as it is read', async () => {
  const seam = client()
  const made = await seam.getOrCreate(request('key-tokenless'), soon())
  const all = await seam.listWithoutTokens(soon())
  const found = all.find(({ client_session_id }) => client_session_id === made.client_session_id)
  expect(found).toMatchObject({ user_identifier_key: 'key-tokenless', workspace_id: local.workspaceId })
  expect(JSON.stringify(all)).not.toContain('seam_cst')
  // @ts-expect-error law 13
  expect(all[0]?.token).toBeUndefined()
})

test('a token tells whose it is, and a dead one that it opens nothing, without asking for the API key', async () => {
  const made = await client().getOrCreate(request('key-whose'), soon())
  const seam = client(async () => {
    throw new Error('asked for the API key')
  })
  const whose = await seam.whose(made.token, soon())
  expect(whose).toMatchObject({
    client_session_id: made.client_session_id,
    user_identifier_key: 'key-whose',
  })
  expect(JSON.stringify(whose)).not.toContain(made.token)
  await client().delete(made, soon())
  expect(await seam.whose(made.token, soon())).toBeUndefined()
  local.faults.plan({ faults: [{ kind: 'status', status: 503, times: 1 }] })
  expect((await failureOf(seam.whose(made.token, soon()))).code).toBe('upstream_unavailable')
})

test('lists connected accounts with their providers, page by page', async () => {
  const accounts = await client().listConnectedAccounts(soon())
  const ofAda = local.users[0]?.connected_account_ids ?? []
  expect(accounts.map(({ connected_account_id }) => connected_account_id)).toEqual(
    expect.arrayContaining(ofAda),
  )
  expect(accounts.map(({ account_type }) => account_type)).toEqual(
    expect.arrayContaining(['august', 'ecobee']),
  )
  expect(await client().listConnectedAccountIds(soon())).toHaveLength(accounts.length)
})

test('makes a Connect Webview, and sees how it goes and who else made one', async () => {
  const seam = client()
  const made = await seam.createWebview({ custom_redirect_url: 'https://app.example/' }, soon())
  expect(made).toMatchObject({ status: 'pending', workspace_id: local.workspaceId })
  const connected_account_id = local.completeWebview(made.connect_webview_id)
  expect(await seam.getWebview(made, soon())).toMatchObject({ status: 'authorized', connected_account_id })
  expect(await seam.listWebviewMakers(made, soon())).toEqual([])
  const { token } = await seam.getOrCreate(request('key-of-a-maker'), soon())
  const byBrowser = await seamClient({
    endpoint: local.url,
    apiKey: async () => token,
    times: patient,
  }).createWebview({}, soon())
  const [maker, ...others] = await seam.listWebviewMakers(byBrowser, soon())
  expect(maker).toEqual({
    user_identifier_key: 'key-of-a-maker',
    connect_webview_ids: [byBrowser.connect_webview_id],
    workspace_id: local.workspaceId,
  })
  expect(others).toEqual([])
  const { connect_webview_id } = made
  expect(
    (await failureOf(client(async () => token).getWebview({ connect_webview_id }, soon()))).httpStatus,
  ).toBe(404)
})

test('an address that no page should open is not believed', async () => {
  const webview = { connect_webview_id: 'x', workspace_id: 'w', status: 'pending' }
  const seam = seamClient({
    endpoint: 'https://seam.example',
    apiKey: async () => 'k',
    times,
    fetch: async () => Response.json({ connect_webview: { ...webview, url: 'javascript:alert(1)' } }),
  })
  const failure = await failureOf(seam.createWebview({}, soon()))
  expect(failure.details.reason).toBe('its answer lacks connect_webview.url')
})

test('the accounts of a workspace are read page by page', async () => {
  const asked: unknown[] = []
  const account = (id: string) => ({ connected_account_id: id })
  const pages = [
    { connected_accounts: [account('a')], pagination: { has_next_page: true, next_page_cursor: 'second' } },
    { connected_accounts: [account('b')], pagination: { has_next_page: false, next_page_cursor: null } },
  ]
  const seam = seamClient({
    endpoint: 'https://seam.example',
    apiKey: async () => 'k',
    times,
    fetch: async (_, init) => {
      asked.push(JSON.parse(String(init?.body)))
      return Response.json(pages[asked.length - 1])
    },
  })
  expect(await seam.listConnectedAccountIds(soon())).toEqual(['a', 'b'])
  expect(asked).toEqual([{}, { page_cursor: 'second' }])
})

test('an error shows no secret, however it is printed', async () => {
  local.faults.plan({ faults: [{ kind: 'status', status: 500, body: 'html', times: 1 }] })
  const failures = [
    await failureOf(client().getOrCreate(request('key-of-nobody-else'), soon())),
    await failureOf(
      client(async () => 'seam_wrong_api_key').getOrCreate(request('key-of-nobody-else'), soon()),
    ),
    await failureOf(client().delete({ client_session_id: 'd8b7b1c4-0000-4000-8000-000000000000' }, soon())),
  ]
  expect(failures.map(({ code }) => code)).toEqual([
    'upstream_unavailable',
    'upstream_rejected',
    'upstream_rejected',
  ])
  for (const failure of failures) {
    const shown = [
      String(failure),
      failure.stack,
      JSON.stringify(failure),
      JSON.stringify(failure, Object.getOwnPropertyNames(failure)),
      inspect(failure, { depth: 10, showHidden: true }),
    ].join('\n')
    expect(shown).toContain('SeamFailure')
    for (const secret of [local.apiKey, 'seam_wrong_api_key', 'key-of-nobody-else'])
      expect(shown).not.toContain(secret)
  }
})

test('reads the API key again at once when Seam refuses it', async () => {
  const given: boolean[] = []
  const seam = client(async ({ fresh }) => {
    given.push(fresh)
    return fresh ? local.apiKey : 'seam_rotated_away'
  })
  expect(await seam.getWorkspace(soon())).toMatchObject({ workspace_id: local.workspaceId })
  expect(given).toEqual([false, true])
})

const wrongForms: [string, (key: string) => string][] = [
  ['an inner line break', (key) => `${key.slice(0, 5)}\n${key.slice(5)}`],
  ['a second line', (key) => `${key}\nseam_another`],
  ['quotes around it', (key) => `"${key}"`],
  ['single quotes around it', (key) => `'${key}'`],
  ['JSON around it', (key) => JSON.stringify({ key })],
  ['a list around it', (key) => JSON.stringify([key])],
  ['a name before it', (key) => `SEAM_API_KEY: ${key}`],
  ['the scheme before it', (key) => `Bearer ${key}`],
  ['a blank in it', (key) => `${key.slice(0, 5)} ${key.slice(5)}`],
  ['a blank before it', (key) => ` ${key}`],
  ['a line break before it', (key) => `\n${key}`],
  ['a byte order mark', (key) => `\ufeff${key}`],
  ['a null byte', (key) => `${key}\u0000`],
  ['a letter that no header carries', (key) => `${key}é`],
  ['a comma', (key) => `${key},${key}`],
  ['nothing but a line break', () => '\n'],
]
test.each(wrongForms)(
  'an API key secret with %s never reaches Seam, and is not its outage',
  async (_, form) => {
    const given: boolean[] = []
    let calls = 0
    const seam = seamClient({
      endpoint: local.url,
      apiKey: async ({ fresh }) => {
        given.push(fresh)
        return form(local.apiKey)
      },
      times: patient,
      fetch: async () => {
        calls++
        return Response.json({})
      },
    })
    const failure: unknown = await seam.getWorkspace(soon()).catch((error: unknown) => error)
    expect(failure).toMatchObject({
      code: 'upstream_unavailable',
      status: 503,
      details: { dependency: 'secrets', reason: 'api_key_of_wrong_form', retryAfter: 5 },
    })
    expect(inspect(failure, { depth: 10, showHidden: true })).not.toContain(local.apiKey.slice(5))
    expect(calls).toBe(0)
    expect(given).toEqual([false, true])
  },
)

test.each(['\n', '\r\n', '\n\n', ' \n', '\t'])('an API key before %j is that API key', async (after) => {
  const seam = client(async () => `${local.apiKey}${after}`)
  expect(await seam.getWorkspace(soon())).toMatchObject({ workspace_id: local.workspaceId })
})

test('an API key that has been put right works at once', async () => {
  const seam = client(async ({ fresh }) => (fresh ? local.apiKey : `"${local.apiKey}"`))
  expect(await seam.getWorkspace(soon())).toMatchObject({ workspace_id: local.workspaceId })
})

test.each([
  ['a 503 of a gateway', { kind: 'status', status: 503, body: 'empty' }, 'upstream_unavailable', 503],
  ['a 429', { kind: 'status', status: 429, retry_after: 3600 }, 'upstream_unavailable', 429],
  ['a broken connection', { kind: 'reset' }, 'upstream_unavailable', 0],
  ['silence', { kind: 'silence' }, 'upstream_timeout', 0],
  ['a 200 with HTML', { kind: 'status', status: 200, body: 'html' }, 'upstream_rejected', 200],
] as const)('%s is told apart', async (_, fault, code, httpStatus) => {
  local.faults.plan({ faults: [{ ...fault, times: 1 }] })
  const asked = fault.kind === 'silence' ? hasty() : client()
  const failure = await failureOf(asked.getWorkspace(soon()))
  expect({ code: failure.code, httpStatus: failure.httpStatus }).toEqual({ code, httpStatus })
  expect(failure.details.retryAfter).toBeLessThanOrEqual(60)
  expect(failure.details.dependency).toBe('seam')
})

test('does not outlast the deadline it was given', async () => {
  local.faults.plan({ faults: [{ kind: 'silence', times: 1 }] })
  const failure = await failureOf(client().getWorkspace(deadlineIn(20, Date.now)))
  expect(failure.code).toBe('upstream_timeout')
})

test('an answer that lacks what we rely on is not believed', async () => {
  const seam = seamClient({
    endpoint: 'https://seam.example',
    apiKey: async () => 'k',
    times,
    fetch: async () => Response.json({ ok: true, client_session: { client_session_id: 'x' } }),
  })
  const failure = await failureOf(seam.getOrCreate(request('x'), soon()))
  expect(failure.code).toBe('upstream_rejected')
  expect(failure.details.reason).toBe('its answer lacks client_session.token')
})
