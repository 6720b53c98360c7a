import { afterEach, describe, expect, test } from 'vitest'
import { type Answered, probe, readingsOf } from '../../../../infra/cli/probe/questions.ts'
import { cleanUp, openSandbox } from '../../../../infra/cli/probe/sandbox.ts'
import { plainReadings, type Readings } from '../../../../infra/local/seam/state.ts'
import { type LocalSeam, startSeam } from '../../../../infra/local/seam/workspace.ts'

/** The same questions as a real workspace is asked, so that the local Seam cannot drift from what we believe. */

let seam: LocalSeam
afterEach(() => seam.close())

async function probed(readings: Partial<Readings> = {}) {
  let now = Date.UTC(2031, 0, 1)
  seam = await startSeam({ clock: () => now })
  Object.assign(seam.readings, readings)
  const before = await accounts()
  const sandbox = await openSandbox({
    endpoint: seam.url,
    apiKey: seam.apiKey,
    clock: () => now,
    sleep: async (ms) => {
      now += ms
    },
    logIn: async ({ connect_webview_id }) => void seam.completeWebview(connect_webview_id),
  })
  const answers: Answered[] = []
  for await (const answered of probe(sandbox)) answers.push(answered)
  const left = await cleanUp(sandbox)
  return { answers, left, before }
}

async function listed(path: string): Promise<Record<string, string>[]> {
  const headers = { authorization: `Bearer ${seam.apiKey}` }
  const answer = await fetch(`${seam.url}/${path}/list`, { method: 'POST', headers })
  return ((await answer.json()) as Record<string, Record<string, string>[]>)[path] ?? []
}

const accounts = async () => (await listed('connected_accounts')).map((one) => one.connected_account_id)

const saidIn = (answers: Answered[]) =>
  Object.fromEntries(answers.map(({ name, answer, unanswered }) => [name, answer ?? unanswered]))

const plain = {
  existing_accounts: 'replaces',
  same_token: 'same token, new expiry',
  unknown_account: '400 invalid_input',
  no_accounts: 'nothing',
  accounts_1000: 'accepted',
  browser_webview: 'joins',
  deleted_session: 'makes another',
  revoked_session: 'makes another',
  expired_session: 'makes another',
  deleted_token: '401 client_session_not_found',
  revoked_token: '401 client_session_revoked',
  expired_token: '401 client_session_expired',
  delete_takes_effect: 'at once',
  delete_again: '404 client_session_not_found',
  list_shows: 'live',
  publishable_off: '401 unauthorized',
  identity_again: 'the same',
  identity_changed: 'takes it',
  identity_and_accounts: 'both',
  identity_phone: 'phone_sessions/get_or_create answers 404 not_found',
  identity_twice: 'independent',
  identity_unknown: '404 user_identity_not_found',
}

const revived = {
  deleted_session: 'revives it',
  revoked_session: 'revives it',
  expired_session: 'revives it',
}
const others: { [Name in keyof Readings]: [Readings[Name], Partial<typeof plain>] } = {
  get_or_create: ['merges', { existing_accounts: 'merges' }],
  dead_sessions: ['are_revived', revived],
  unknown_account: [404, { unknown_account: '404 connected_account_not_found' }],
  list: ['with_dead', { list_shows: 'live, revoked, expired' }],
  completed_webview: ['stays_out', { browser_webview: 'stays out' }],
}

describe('the local Seam answers each question as its readings say, and the answers tell the readings:', () => {
  test('plain', async () => {
    const { answers } = await probed()
    expect(saidIn(answers)).toEqual(plain)
    expect(readingsOf(answers)).toEqual(plainReadings)
  })

  test.each(Object.entries(others))('%s %j', async (name, [value, changes]) => {
    const readings = { ...plainReadings, [name]: value }
    const { answers } = await probed(readings)
    expect(saidIn(answers)).toEqual({ ...plain, ...changes })
    expect(readingsOf(answers)).toEqual(readings)
  })
})

test('nothing of it stays: no client session, no account, no open door', async () => {
  const { left, before } = await probed()
  expect(left).toEqual([])
  expect(seam.sessions().length).toBeGreaterThan(20)
  expect(seam.sessions().filter(({ live }) => live)).toEqual([])
  expect(await accounts()).toEqual(before)
  expect(await listed('user_identities')).toEqual([])
  const opened = await fetch(`${seam.url}/client_sessions/get_or_create`, {
    method: 'POST',
    headers: { 'seam-publishable-key': seam.publishableKey, 'content-type': 'application/json' },
    body: '{"user_identifier_key":"anybody"}',
  })
  expect(opened.status).toBe(401)
})

test('answers that fit no reading tell none', () => {
  const answer = (name: string, text: string): Answered => ({ name, asks: '', answer: text })
  const odd = [
    answer('existing_accounts', 'leaves 3'),
    answer('deleted_session', 'revives it'),
    answer('unknown_account', 'accepted, with 0 accounts'),
  ]
  expect(readingsOf(odd)).toEqual({})
})
