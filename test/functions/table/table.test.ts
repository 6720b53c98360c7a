import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { userChanger } from '../../../functions/change.ts'
import { Problem } from '../../../functions/problem.ts'
import { type OperatorTable, operatorTable } from '../../../functions/table/operator.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import { times } from '../../../functions/times.ts'
import { commit, grant, letGo, newUser, type User } from '../../../functions/user.ts'
import type { Terms } from '../../../functions/verdict.ts'
import { createTable, localDynamoDbClient } from '../../../infra/local/dynamodb.ts'
import { type DynamoDbFaults, startDynamoDbFaults } from '../../../infra/local/dynamodb-faults.ts'
import { type DynamoDb, type Engine, startDynamoDb } from '../../dynamodb.ts'

const terms: Terms = {
  lifetime: 3_600_000,
  refreshMargin: 600_000,
  longestAge: 43_200_000,
  generation: 1,
  creations: 10,
  times,
}
const now = 1_800_000_000_000
const somebody = (): User => {
  // Of shard 0, so that they do not turn up among what a test puts into another.
  const owner = `AA${randomUUID().replaceAll('-', '').slice(0, 20)}`
  return newUser({ owner, subject: `main|${owner}`, iss: 'https://issuer.example', sub: owner }, now)
}
const everything = (): User => ({
  ...commit(
    { ...grant(somebody(), ['b', 'a']), user_identifier_key: 'key', generation: 1 },
    { client_session_id: 's', sealed_token: 'x', created_at: now, expires_at: now + 1, account_ids: ['a'] },
  ),
  not_before: now,
  access_until: now + 5,
  reported_dead_at: now,
  unknown_account_ids: { a: now },
  lease_owner: 'me',
  lease_until: now,
  ended: [
    { user_identifier_key: 'old', at: now },
    { user_identifier_key: 'older', client_session_id: 't', at: now - 1, deleted_at: now },
  ],
})

describe.each<Engine>(['dynoxide', 'dynalite'])('the records on %s', (engine) => {
  let db: DynamoDb
  let proxy: DynamoDbFaults
  let table: ReturnType<typeof vendingTable> & OperatorTable
  const close: (() => Promise<void> | void)[] = []
  beforeAll(async () => {
    db = await startDynamoDb({ engine })
    proxy = await startDynamoDbFaults({ endpoint: db.endpoint })
    const client = localDynamoDbClient(proxy.endpoint, { maxAttempts: 2 })
    await createTable(client, 'vending')
    const where = { client, tableName: 'vending' }
    table = { ...vendingTable(where), ...operatorTable(where) }
    close.push(() => client.destroy(), proxy.close, db.close)
  })
  afterAll(async () => {
    for (const end of close) await end()
  })
  const changer = () => userChanger({ compareAndSet: table.compareAndSet, uuid: randomUUID }, terms)

  test('a record comes back as it was written, full or bare', async () => {
    for (const user of [somebody(), everything(), letGo(everything(), now)]) {
      const written = await changer()(user, user)
      expect(written.written).toBe(true)
      expect(await table.readUser(user.owner)).toEqual(written.user)
    }
  })

  test('a write against another revision is refused and told what stands there', async () => {
    const user = somebody()
    const first = await changer()(user, user)
    expect(await changer()(user, user)).toEqual({ written: false, user: first.user })
    const second = await changer()(first.user as User, grant(user, ['a']))
    expect(second.written).toBe(true)
    expect(await changer()(first.user as User, user)).toEqual({ written: false, user: second.user })
    expect(await table.compareAndSet(user.owner, first.user?.revision, undefined)).toMatchObject({
      written: false,
    })
    expect(await table.compareAndSet(user.owner, second.user?.revision, undefined)).toEqual({ written: true })
    expect(await table.readUser(user.owner)).toBeUndefined()
    expect(await changer()(second.user as User, user)).toEqual({ written: false, user: undefined })
  })

  test('a write whose answer was lost is recognised as our own when the retry is refused by it', async () => {
    const user = somebody()
    proxy.faults.add({ kind: 'answer_lost', operations: ['PutItem'], times: 1 })
    const changed = await changer()(user, user)
    expect(changed.written).toBe(true)
    expect(await table.readUser(user.owner)).toEqual(changed.user)
    expect(proxy.faults.delivered.answer_lost).toBe(1)
  })

  test('throttling is an outage, never a refusal', async () => {
    const user = somebody()
    proxy.faults.add({ kind: 'throttled', operations: ['PutItem'], times: 2 })
    const error = await changer()(user, user).catch((reason) => reason)
    expect(error).toBeInstanceOf(Problem)
    expect(error).toMatchObject({ code: 'upstream_unavailable', details: { dependency: 'dynamodb' } })
    proxy.faults.clear()
  })

  test('the index leads to what is due, oldest first and page by page, and to nothing else', async () => {
    const shard = 3
    const owners: string[] = []
    for (let n = 0; owners.length < 5; n++) {
      const owner = Buffer.from([shard, n, ...Array(14).fill(7)]).toString('base64url')
      owners.push(owner)
      const user = { ...somebody(), owner, ended: [{ user_identifier_key: 'k', at: now - n - times.grace }] }
      await changer()(user, user)
    }
    const notDue = { ...somebody(), owner: Buffer.from([shard, ...Array(15).fill(9)]).toString('base64url') }
    await changer()(notDue, notDue)
    const first = await table.dueOwners(shard, now, { limit: 3 })
    expect(first.owners).toEqual([owners[4], owners[3], owners[2]])
    const second = await table.dueOwners(shard, now, { limit: 3, ...(first.after && { after: first.after }) })
    expect(second.owners).toEqual([owners[1], owners[0]])
    expect((await table.dueOwners(shard, now - 100)).owners).toEqual([])
  })

  test('settings are written once, whoever comes first', async () => {
    const first = { workspace_id: 'w1', key_prefix: 'test-1' }
    expect(await table.putSettings(first)).toEqual(first)
    expect(await table.putSettings({ workspace_id: 'w2', key_prefix: 'test-2' })).toEqual(first)
    expect(await table.readSettings()).toEqual(first)
  })

  test('the holders of an account only grow, and a deleted account takes no more', async () => {
    const account = randomUUID()
    expect(await table.addHolder(account, 'one')).toBe('added')
    expect(await table.addHolder(account, 'two')).toBe('added')
    expect(await table.addHolder(account, 'one')).toBe('added')
    expect((await table.markAccountDeleted(account, now)).owners.sort()).toEqual(['one', 'two'])
    expect(await table.addHolder(account, 'three')).toBe('deleted')
    const holders = await table.readHolders(account)
    expect({ ...holders, owners: holders.owners.sort() }).toEqual({ owners: ['one', 'two'], deleted_at: now })
    expect(await table.readHolders(randomUUID())).toEqual({ owners: [] })
    expect(await table.markAccountDeleted(account, now + 5)).toMatchObject({ deleted_at: now })
    expect((await table.markAccountDeleted(randomUUID(), now)).owners).toEqual([])
  })

  test('who has been settled since the tombstone is kept beside it', async () => {
    const account = randomUUID()
    for (const owner of ['one', 'two', 'three']) await table.addHolder(account, owner)
    expect((await table.markAccountDeleted(account, now)).settled_owners).toEqual([])
    await table.markSettled(account, [])
    await table.markSettled(account, ['one', 'three'])
    await table.markSettled(account, ['one'])
    const { settled_owners = [], owners } = await table.markAccountDeleted(account, now)
    expect([settled_owners.sort(), owners.length]).toEqual([['one', 'three'], 3])
  })

  test('a Connect Webview belongs to whoever made it first', async () => {
    const [id, expires] = [randomUUID(), now / 1000]
    expect(await table.readWebview(id)).toBeUndefined()
    expect(await table.putWebview(id, { owner: 'one', expires_at: now }, expires)).toBe(true)
    expect(await table.putWebview(id, { owner: 'two', expires_at: now + 5 }, expires)).toBe(false)
    expect(await table.readWebview(id)).toEqual({ owner: 'one', expires_at: now })
    // Its own answer was lost, and it is written again.
    expect(await table.putWebview(id, { owner: 'one', expires_at: now }, expires)).toBe(true)
  })

  test('one at a time asks about a Connect Webview, and notes what Seam said', async () => {
    const id = randomUUID()
    expect(await table.takeTurnToAsk(id, now, now - 3000)).toBe(false)
    await table.noteWebviewStatus(id, 'connected')
    expect(await table.readWebview(id)).toBeUndefined()
    await table.putWebview(id, { owner: 'one', expires_at: now }, now / 1000)
    const turns = await Promise.all([1, 2, 3].map(() => table.takeTurnToAsk(id, now, now - 3000)))
    expect(turns.filter(Boolean)).toHaveLength(1)
    expect(await table.takeTurnToAsk(id, now + 2999, now - 1)).toBe(false)
    expect(await table.takeTurnToAsk(id, now + 3000, now)).toBe(true)
    await table.noteWebviewStatus(id, 'failed')
    expect(await table.readWebview(id)).toEqual({ owner: 'one', expires_at: now, status: 'failed' })
  })

  test('an event that has had its effect is known', async () => {
    const id = randomUUID()
    expect(await table.hasEvent(id)).toBe(false)
    await table.markEvent(id, now / 1000)
    await table.markEvent(id, now / 1000)
    expect(await table.hasEvent(id)).toBe(true)
  })

  test('a budget gives out what it has and no more', async () => {
    const taken: boolean[] = []
    for (let n = 0; n < 4; n++) taken.push(await table.takeFromBudget('hour', 3, now / 1000))
    expect(taken).toEqual([true, true, true, false])
    expect(await table.takeFromBudget('next-hour', 3, now / 1000)).toBe(true)
  })

  test('one run at a time may clean up, until its lease ends, and its report is kept', async () => {
    expect(await table.readReport()).toBeUndefined()
    expect(await table.startRun('one', now, now + 10)).toBe(true)
    expect(await table.startRun('other', now + 9, now + 20)).toBe(false)
    expect(await table.startRun('other', now + 10, now + 20)).toBe(true)
    await table.endRun('one', now, '{"of":"one"}')
    expect(await table.readReport()).toBeUndefined()
    await table.endRun('other', now + 12, '{"of":"other"}')
    expect(await table.readReport()).toBe('{"of":"other"}')
    expect(await table.startRun('third', now + 11, now + 30)).toBe(false)
    proxy.faults.add({ kind: 'answer_lost', operations: ['UpdateItem'], times: 1 })
    expect(await table.startRun('third', now + 12, now + 30)).toBe(true)
  })

  test('all owners are found page by page, and nothing that is no user', async () => {
    const made = new Set<string>()
    for (let n = 0; n < 5; n++) {
      const user = somebody()
      await changer()(user, user)
      made.add(user.owner)
    }
    const found: string[] = []
    let after: Awaited<ReturnType<typeof table.allOwners>>['after']
    do {
      const page = await table.allOwners({ limit: 4, ...(after && { after }) })
      found.push(...page.owners)
      after = page.after
    } while (after !== undefined)
    expect(new Set(found).size).toBe(found.length)
    expect([...made].filter((owner) => !found.includes(owner))).toEqual([])
    for (const owner of found) expect(await table.readUser(owner)).toBeDefined()
  })

  test('an orphan is noted with the moment it was first seen', async () => {
    const id = randomUUID()
    expect(await table.noteOrphan(id, now)).toBe(now)
    expect(await table.noteOrphan(id, now + 5)).toBe(now)
  })

  test('keeps key sets', async () => {
    const set = {
      issuer: 'https://issuer.example',
      jwks_uri: 'https://issuer.example/jwks',
      keys: [],
      fetched_at: 1,
    }
    expect(await table.readKeySet('main')).toBeUndefined()
    await table.writeKeySet('main', set)
    expect(await table.readKeySet('main')).toEqual(set)
  })
})
