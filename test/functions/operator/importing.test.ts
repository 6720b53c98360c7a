import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AccountAudit } from '../../../functions/http/audit.ts'
import type { ImportedUser, ImportResult } from '../../../functions/operator/client.ts'
import { createTable, localDynamoDbClient } from '../../../infra/local/dynamodb.ts'
import { startDynamoDb } from '../../dynamodb.ts'
import { devicesOf } from '../vending-world.ts'
import { type AdminWorld, adminOver, callerOf, startAdminWorld } from './world.ts'

let world: AdminWorld
beforeAll(async () => {
  world = await startAdminWorld()
})
afterAll(() => world.close())

const count = process.env.LONG === '1' ? 100_000 : 1000
const batch = 100

const newSubject = () => `main|imported-${randomUUID()}`
const importOne = async (user: ImportedUser, how: { replace?: boolean; dry_run?: boolean } = {}) => {
  const { results } = await world.callAdmin('import', { users: [user], ...how })
  return results[0] as ImportResult
}
const exported = async () => {
  const users: ImportedUser[] = []
  let after: string | undefined
  do {
    const page = await world.callAdmin('export', { ...(after !== undefined && { after }) })
    users.push(...page.users)
    after = page.after
  } while (after !== undefined)
  return users
}

describe('a line of an import', () => {
  test('makes a record, adds to one, and finds it unchanged the next time', async () => {
    const subject = newSubject()
    const line = { subject, connected_account_ids: ['a', 'b'] }
    expect(await importOne(line)).toMatchObject({
      outcome: 'created',
      granted: ['a', 'b'],
      client_session: 'none',
    })
    expect(await importOne(line)).toMatchObject({ outcome: 'unchanged' })
    const more = { subject, connected_account_ids: ['c'] }
    expect(await importOne(more)).toMatchObject({ outcome: 'changed', granted: ['c'], withdrawn: [] })
    expect((await world.callAdmin('show', { subject })).connected_account_ids).toEqual(['a', 'b', 'c'])
  })

  test('with replace takes away what it does not name, also from the old token', async () => {
    const sub = `imported-${randomUUID()}`
    const subject = world.subjectOf(sub)
    const [kept = '', gone = ''] = world.newAccounts(2)
    await importOne({ subject, connected_account_ids: [kept, gone] })
    const old = await world.vend(sub)
    const replaced = await importOne({ subject, connected_account_ids: [kept] }, { replace: true })
    expect(replaced).toMatchObject({ outcome: 'changed', withdrawn: [gone], client_session: 'ended' })
    await expect(devicesOf(world.seam, old)).rejects.toThrow('401')
  })

  test('with Seam down says that it will be retried, and finishes when it comes again', async () => {
    const sub = `imported-${randomUUID()}`
    const subject = world.subjectOf(sub)
    const [kept = '', gone = ''] = world.newAccounts(2)
    await importOne({ subject, connected_account_ids: [kept, gone] })
    const old = await world.vend(sub)
    world.seam.faults.plan({ faults: [{ kind: 'status', status: 503, path: '/client_sessions/delete' }] })
    const line = { subject, connected_account_ids: [kept] }
    expect(await importOne(line, { replace: true })).toMatchObject({
      client_session: 'ending',
      will_be_retried: true,
    })
    world.seam.faults.clear()
    expect(await importOne(line, { replace: true })).toMatchObject({
      outcome: 'unchanged',
      client_session: 'ended',
    })
    await expect(devicesOf(world.seam, old)).rejects.toThrow('401')
  })

  test('sets status and end date where it says so, and leaves them where it does not', async () => {
    const subject = newSubject()
    const access_until = '2099-03-31T12:00:00.000Z'
    await importOne({ subject, connected_account_ids: ['a'], status: 'disabled', access_until })
    expect(await importOne({ subject, connected_account_ids: ['a'] }, { replace: true })).toMatchObject({
      outcome: 'unchanged',
    })
    expect(await world.callAdmin('show', { subject })).toMatchObject({ status: 'disabled', access_until })
    const changed = await importOne({
      subject,
      connected_account_ids: ['a'],
      status: 'active',
      access_until: null,
    })
    expect(changed.changes).toEqual(['status: disabled → active', `access_until: ${access_until} → none`])
    expect(await importOne({ subject, connected_account_ids: ['a'], access_until: null })).toMatchObject({
      outcome: 'unchanged',
    })
  })

  test('that cannot be used says why, and does not hold up the others', async () => {
    const good = newSubject()
    const users = [
      { subject: 'nowhere|x', connected_account_ids: [] },
      { subject: good, connected_account_ids: ['a'] },
      { subject: newSubject(), connected_account_ids: 'a' },
      { subject: newSubject(), connected_account_ids: [], status: 'removed' },
      { subject: newSubject(), connected_account_ids: [], color: 'red' },
      { connected_account_ids: [] },
    ] as ImportedUser[]
    const { results } = await world.callAdmin('import', { users })
    expect(results.map(({ outcome }) => outcome)).toEqual([
      'refused',
      'created',
      'refused',
      'refused',
      'refused',
      'refused',
    ])
    for (const { outcome, detail } of results)
      if (outcome === 'refused') expect(detail?.length).toBeGreaterThan(10)
  })

  test('two about one user are heeded in their order', async () => {
    const subject = newSubject()
    const users = ['a', 'b', 'c'].map((id) => ({ subject, connected_account_ids: [id] }))
    await world.callAdmin('import', { users, replace: true })
    expect((await world.callAdmin('show', { subject })).connected_account_ids).toEqual(['c'])
  })

  test('is left for another request when there is no time, or an outage', async () => {
    const subject = newSubject()
    const params = { users: [{ subject, connected_account_ids: ['a'] }] }
    const request = { version: 1, command: 'import', params, by: 'an operator' }
    const late = await world.administer(request, 100)
    expect(late).toMatchObject({ result: { results: [{ outcome: 'not_done' }] } })
    world.dynamoDb.faults.add({ kind: 'throttled' })
    expect(await importOne({ subject, connected_account_ids: ['a'] })).toMatchObject({ outcome: 'not_done' })
    world.dynamoDb.faults.clear()
    await expect(world.callAdmin('show', { subject })).rejects.toMatchObject({
      problem: { code: 'not_found' },
    })
  })

  test('tried first prints the difference and changes nothing', async () => {
    const subject = newSubject()
    await importOne({ subject, connected_account_ids: ['a', 'b'] })
    const before = await world.callAdmin('show', { subject })
    const how = { replace: true, dry_run: true }
    expect(await importOne({ subject, connected_account_ids: ['b', 'c'], status: 'disabled' }, how)).toEqual({
      subject,
      outcome: 'changed',
      granted: ['c'],
      withdrawn: ['a'],
      changes: ['status: active → disabled'],
    })
    expect(await world.callAdmin('show', { subject })).toEqual(before)
    const unknown = newSubject()
    expect(await importOne({ subject: unknown, connected_account_ids: ['a'] }, how)).toMatchObject({
      outcome: 'created',
    })
    await expect(world.callAdmin('show', { subject: unknown })).rejects.toThrow()
  })

  test('does not give what Seam has deleted', async () => {
    const subject = newSubject()
    await world.table.putTombstone('deleted-at-seam', world.clock.now(), 'a tombstone')
    const result = await importOne({ subject, connected_account_ids: ['deleted-at-seam', 'alive'] })
    expect(result).toMatchObject({ granted: ['alive'], detail: expect.stringContaining('deleted-at-seam') })
  })
})

test('what is exported, imported again with replace, changes nothing; removed users are left out', async () => {
  const removed = newSubject()
  await importOne({ subject: removed, connected_account_ids: ['a'] })
  await world.callAdmin('remove', { subject: removed })
  const users = await exported()
  expect(users.length).toBeGreaterThan(5)
  expect(users.map(({ subject }) => subject)).not.toContain(removed)
  const { results } = await world.callAdmin('import', { users, replace: true })
  expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['unchanged']))
})

test(`${count} users come in, interrupted half-way; the second run finishes, and what is there is only read`, {
  timeout: 6 * 3_600_000,
}, async () => {
  // Straight at an engine of its own: the layer that fails on purpose would be the slowest part.
  const engine = await startDynamoDb()
  const setUp = localDynamoDbClient(engine.endpoint)
  await createTable(setUp, 'bulk')
  setUp.destroy()
  const changes: AccountAudit[] = []
  const { administer, close } = adminOver(
    { ...world.addresses, dynamoDb: engine.endpoint, tableName: 'bulk' },
    { auditLog: (change) => changes.push(change) },
  )
  const callAdmin = callerOf(administer)
  const run = async (from: number, until: number) => {
    const outcomes: Record<string, number> = {}
    for (let start = from; start < until; start += batch) {
      const users = Array.from({ length: batch }, (_, n) => ({
        subject: `main|bulk-${start + n}`,
        connected_account_ids: [`account-${start + n}`],
      }))
      const { results } = await callAdmin('import', { users })
      for (const { outcome } of results) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    }
    return outcomes
  }
  try {
    const startedAt = performance.now()
    expect(await run(0, count / 2)).toEqual({ created: count / 2 })
    expect(await run(0, count)).toEqual({ unchanged: count / 2, created: count / 2 })
    const rate = count / ((performance.now() - startedAt) / 1000)
    console.log(`import: ${Math.round(rate)} users a second`)
    expect(changes).toHaveLength(count)
    expect(new Set(changes.map(({ subject }) => subject)).size).toBe(count)
    const last = await callAdmin('show', { subject: `main|bulk-${count - 1}` })
    expect(last.connected_account_ids).toEqual([`account-${count - 1}`])
  } finally {
    close()
    await engine.close()
  }
})
