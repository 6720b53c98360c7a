import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AdminRefusal, contractVersion } from '../../../functions/operator/client.ts'
import { sharedSession } from '../keeper.ts'
import { type AdminWorld, startAdminWorld } from './world.ts'

let world: AdminWorld
beforeAll(async () => {
  world = await startAdminWorld()
})
afterAll(() => world.close())

const request = (changes: object = {}) => ({
  version: contractVersion,
  command: 'show',
  params: { subject: 'main|ada' },
  by: 'an operator',
  ...changes,
})

describe('a request that is not of the contract', () => {
  test.each([
    ['nothing', undefined],
    ['a text', 'show'],
    ['another version', request({ version: 2 })],
    ['no asker', request({ by: '' })],
    ['an unknown command', request({ command: 'show_everything' })],
    ['an inherited name as the command', request({ command: 'constructor' })],
    ['a field of the envelope that nobody knows', request({ dry_run: true })],
    ['a misspelt parameter', request({ command: 'import', params: { users: [], dryrun: true } })],
    ['a missing parameter', request({ params: {} })],
    [
      'a time without its offset',
      request({
        command: 'grant',
        params: { subject: 'main|ada', connected_account_ids: ['a'], access_until: '2026-03-31T12:00:00' },
      }),
    ],
    [
      'nothing to grant',
      request({ command: 'grant', params: { subject: 'main|ada', connected_account_ids: [] } }),
    ],
  ])('%s is refused with what to change, and logged', async (_, event) => {
    const answer = await world.administer(event)
    if (!('problem' in answer)) throw new Error('expected a problem')
    expect(answer.problem).toMatchObject({ code: 'invalid_request', action: 'fix_request' })
    expect(answer.problem.detail?.length).toBeGreaterThan(10)
    expect(world.adminLog.at(-1)).toMatchObject({ what: 'admin', code: 'invalid_request' })
  })

  test('what it sent is not repeated: it may be a token', async () => {
    const token = 'seam_cst_of_somebody'
    const answer = await world.administer(request({ command: 'end_token', params: { token: [token] } }))
    expect(JSON.stringify(answer)).not.toContain(token)
    expect(world.lines.join()).not.toContain(token)
  })
})

test('a refusal reaches the client as one, with its code and where to look in the log', async () => {
  const error = await world.callAdmin('show', { subject: 'main|nobody' }).catch((reason) => reason)
  expect(error).toBeInstanceOf(AdminRefusal)
  expect(error.problem).toMatchObject({ code: 'not_found' })
  expect(world.adminLog.at(-1)).toMatchObject({
    command: 'show',
    code: 'not_found',
    request_id: error.requestId,
    steps: { table: expect.any(Number) },
  })
})

test('a table that cannot be had is an outage, to be tried again', async () => {
  world.dynamoDb.faults.add({ kind: 'throttled', times: 2 })
  const error = await world.callAdmin('show', { subject: 'main|ada' }).catch((reason) => reason)
  world.dynamoDb.faults.clear()
  expect(error.problem).toMatchObject({
    code: 'upstream_unavailable',
    action: 'retry',
    dependency: 'dynamodb',
  })
})

test('a subject that no caller can have gets no record', async () => {
  for (const subject of ['ada', 'elsewhere|ada', 'main|', 'main|a b', `main|${'a'.repeat(256)}`, '|ada']) {
    const grant = world.callAdmin('grant', { subject, connected_account_ids: ['a'] })
    await expect(grant).rejects.toMatchObject({ problem: { code: 'invalid_request' } })
  }
})

test('the audit log says who changed what for whom; the other log knows no subject', async () => {
  const subject = world.subjectOf('audited|with-bars')
  const [account = ''] = world.newAccounts(1)
  world.auditLog.length = 0
  world.lines.length = 0
  await world.callAdmin('grant', { subject, connected_account_ids: [account] })
  await world.callAdmin('disable', { subject })
  await world.callAdmin('disable', { subject })
  expect(world.auditLog).toHaveLength(2)
  expect(world.auditLog[1]).toEqual({
    what: 'account',
    act: 'disable',
    by: 'an operator',
    request_id: world.adminLog.at(-2)?.request_id,
    at: expect.any(Number),
    owner: expect.stringMatching(/^[\w-]{22}$/),
    subject,
    before: { status: 'active', connected_account_ids: [account] },
    after: { status: 'disabled', connected_account_ids: [account] },
  })
  expect(world.lines).toHaveLength(3)
  expect(world.lines.join()).not.toContain('audited')
})

test('no answer and no log line holds a token or a user_identifier_key', async () => {
  const sub = 'discreet'
  const subject = world.subjectOf(sub)
  const [first = '', second = ''] = world.newAccounts(2)
  await world.callAdmin('grant', { subject, connected_account_ids: [first] })
  const secrets = [await world.vend(sub), world.seam.apiKey]
  secrets.push(
    sharedSession(await world.user(sub)).user_identifier_key ?? 'none',
    sharedSession(await world.user(sub)).sealed_token ?? 'none',
  )
  await world.callAdmin('show', { subject })
  await world.callAdmin('sessions', { subject })
  await world.callAdmin('grant', { subject, connected_account_ids: [second] })
  await world.callAdmin('withdraw', { subject, connected_account_ids: [first] })
  await world.callAdmin('sessions', { subject })
  await world.callAdmin('export', {})
  await world.callAdmin('orphans', {})
  await world.callAdmin('explain', { token: await world.token(sub) })
  await world.callAdmin('drain', {})
  const told = [...world.answers, ...world.lines, JSON.stringify(world.auditLog)].join('\n')
  expect(told.length).toBeGreaterThan(2000)
  for (const secret of secrets)
    for (const form of [secret, Buffer.from(secret).toString('base64'), encodeURIComponent(secret)])
      expect(told).not.toContain(form)
})
