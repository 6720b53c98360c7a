import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Problem } from '../../../functions/http/problem.ts'
import { updateUser } from '../../../functions/record/update.ts'
import { newUser, type User } from '../../../functions/record/user.ts'
import { grant, retireAll } from '../../../functions/record/writes.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import { itemFromUser } from '../../../functions/table/user-item.ts'
import { times } from '../../../functions/times.ts'
import { createTable, localDynamoDbClient } from '../../../infra/local/dynamodb.ts'
import { type DynamoDbFaults, startDynamoDbFaults } from '../../../infra/local/dynamodb-faults.ts'
import { type DynamoDb, type Engine, startDynamoDb } from '../../dynamodb.ts'
import { terms } from '../session/terms.ts'

const now = 1_800_000_000_000
const somebody = (): User => {
  // Of shard 0, so that they do not turn up among what a test puts into another.
  const owner = `AA${randomUUID().replaceAll('-', '').slice(0, 20)}`
  return newUser({ owner, subject: `main|${owner}`, iss: 'https://issuer.example', sub: owner }, now)
}
const session = {
  user_identifier_key: 'key',
  generation: 1,
  asked_until: now + 5,
  client_session_id: 's',
  sealed_token: 'x',
  created_at: now,
  expires_at: now + 1,
  lacks: ['a', 'b'],
  user_identity_id: 'i',
  lease_owner: 'me',
  lease_until: now,
  claimed_at: now - 1,
}
const everything = (): User => ({
  ...grant(somebody(), ['b', 'a'], now),
  disabled_by: 'provider',
  provider_event_at: now,
  not_before: now,
  access_until: now + 5,
  user_identity_id: 'i',
  sessions: { shared: session, '0123abcd.x': { ...session, user_identifier_key: 'key-2' } },
  retired: [
    {
      user_identifier_key: 'older',
      binding: 'shared',
      client_session_id: 't',
      user_identity_id: 'i',
      at: now - 1,
      expires_at: now + 1,
      deleted_at: now,
      tries: 2,
      next_at: now + 3,
    },
    { user_identifier_key: 'old', binding: 'shared', at: now, expires_at: now, tries: 0, next_at: now },
  ],
  logins: { mark: now },
  withdrawn: { c: now },
  ended: { '0123abcd.y': now },
  recent: { shared: { creations: 1, since: now, reported_dead_at: now } },
  unknown_account_ids: { a: now },
  unchecked_since: now,
})

describe.each<Engine>(['dynoxide', 'dynalite'])('the records on %s', (engine) => {
  let db: DynamoDb
  let proxy: DynamoDbFaults
  let table: ReturnType<typeof vendingTable>
  const close: (() => Promise<void> | void)[] = []
  beforeAll(async () => {
    db = await startDynamoDb({ engine })
    proxy = await startDynamoDbFaults({ endpoint: db.endpoint })
    const client = localDynamoDbClient(proxy.endpoint, { maxAttempts: 2 })
    await createTable(client, 'vending')
    table = vendingTable({ client, tableName: 'vending' })
    close.push(() => client.destroy(), proxy.close, db.close)
  })
  afterAll(async () => {
    for (const end of close) await end()
  })
  const changer = () => (read: User, next: User) =>
    updateUser({ table, uuid: randomUUID, clock: () => now, terms }, read, next)

  test('a record comes back as it was written, full or bare', async () => {
    for (const user of [somebody(), everything(), retireAll(everything(), now)]) {
      const written = await changer()(user, user)
      expect(written.written).toBe(true)
      expect(await table.readUser(user.owner)).toEqual(written.user)
    }
  })

  test('a write against another revision is refused and told what stands there', async () => {
    const user = somebody()
    const first = await changer()(user, user)
    expect(await changer()(user, user)).toEqual({ written: false, user: first.user })
    const second = await changer()(first.user as User, grant(user, ['a'], now))
    expect(second.written).toBe(true)
    expect(await changer()(first.user as User, user)).toEqual({ written: false, user: second.user })
    const gone = { ...somebody(), revision: 'gone' }
    expect(await changer()(gone, gone)).toEqual({ written: false, user: undefined })
  })

  test('a record of another format is refused, and says what to delete', async () => {
    const user = { ...somebody(), schema: 1 as 2, revision: 'first' }
    await table.compareAndSet(user.owner, undefined, user)
    await expect(table.readUser(user.owner)).rejects.toThrow('delete the folder .local')
  })

  test('the largest record fits into an item, and what a usual reuse reads is small', async () => {
    const many = <T>(count: number, make: (n: number) => T) =>
      Array.from({ length: count }, (_, n) => make(n))
    const accounts = many(500, () => randomUUID())
    const sealed = {
      ...session,
      lacks: accounts,
      sealed_token: 'x'.repeat(600),
      user_identifier_key: 'k'.repeat(90),
    }
    const [first] = everything().retired
    const largest: User = {
      ...everything(),
      connected_account_ids: accounts,
      sessions: Object.fromEntries(many(8, (n) => [`0123abcd.${'b'.repeat(21)}${n}`, sealed])),
      retired: many(16, (n) => ({
        ...first,
        user_identifier_key: `${'k'.repeat(90)}${n}`,
      })) as User['retired'],
      logins: Object.fromEntries(many(720, (n) => [`${'m'.repeat(13)}${n + 100}`, now])),
      withdrawn: Object.fromEntries(many(500, () => [randomUUID(), now])),
    }
    expect(JSON.stringify(itemFromUser(largest)).length).toBeLessThan(400_000)
    expect((await changer()(largest, largest)).written).toBe(true)
    const usual = {
      ...everything(),
      connected_account_ids: many(40, () => randomUUID()),
      sessions: Object.fromEntries(many(2, (n) => [`0123abcd.${n}`, { ...sealed, lacks: [] }])),
      logins: Object.fromEntries(many(40, (n) => [`${'m'.repeat(13)}${n + 100}`, now])),
    }
    expect(JSON.stringify(itemFromUser(usual)).length).toBeLessThan(8192)
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
    const due = (n: number) => {
      const at = now - n - times.grace
      return { user_identifier_key: 'k', binding: 'shared', at, expires_at: now + 1, tries: 0, next_at: at }
    }
    const owners: string[] = []
    for (let n = 0; owners.length < 5; n++) {
      const owner = Buffer.from([shard, n, ...Array(14).fill(7)]).toString('base64url')
      owners.push(owner)
      const user = { ...somebody(), owner, retired: [due(n)] }
      await changer()(user, user)
    }
    const notDue = { ...somebody(), owner: Buffer.from([shard, ...Array(15).fill(9)]).toString('base64url') }
    await changer()(notDue, notDue)
    const first = await table.due(shard, now, { limit: 3 })
    expect(first.owners).toEqual([owners[4], owners[3], owners[2]])
    const second = await table.due(shard, now, { limit: 3, ...(first.after && { after: first.after }) })
    expect(second.owners).toEqual([owners[1], owners[0]])
    expect((await table.due(shard, now - 100)).owners).toEqual([])
  })

  test('settings are written once, whoever comes first', async () => {
    const first = { workspace_id: 'w1', key_prefix: 'test-1' }
    expect(await table.putSettings(first)).toEqual(first)
    expect(await table.putSettings({ workspace_id: 'w2', key_prefix: 'test-2' })).toEqual(first)
    expect(await table.readSettings()).toEqual(first)
  })

  test('the holders of an account only grow, each in the shard of its owner', async () => {
    const account = randomUUID()
    const owners = Array.from({ length: 40 }, () => somebody().owner.replace('AA', randomUUID().slice(0, 2)))
    for (const owner of [...owners, ...owners]) await table.addHolder(account, owner)
    const found = await Promise.all(
      Array.from({ length: 64 }, (_, shard) => table.readHolders(account, shard)),
    )
    expect(found.flat().sort()).toEqual([...new Set(owners)].sort())
    expect(found.filter((shard) => shard.length > 0).length).toBeGreaterThan(10)
    expect(await table.readHolders(randomUUID(), 0)).toEqual([])
  })

  test('a tombstone stands, is due until it is settled, and can be lifted only then', async () => {
    const account = randomUUID()
    const isDue = async () => {
      const pages = await Promise.all(Array.from({ length: 16 }, (_, shard) => table.due(shard, now)))
      return pages.some(({ accountIds }) => accountIds.includes(account))
    }
    expect(await table.readTombstone(account)).toBeUndefined()
    const standing = { tombstone: 'first', settled: false }
    expect(await table.putTombstone(account, now, 'first')).toEqual(standing)
    expect(await table.putTombstone(account, now + 5, 'second')).toEqual(standing)
    expect(await isDue()).toBe(true)
    expect(await table.liftTombstone(account, 'first', now)).toBe(false)
    await table.settleTombstone(account, 'another')
    expect(await table.readTombstone(account)).toEqual(standing)
    await table.settleTombstone(account, 'first')
    expect(await table.putTombstone(account, now + 5, 'second')).toEqual({
      tombstone: 'first',
      settled: true,
    })
    expect(await isDue()).toBe(false)
    expect(await table.liftTombstone(account, 'another', now)).toBe(false)
    expect(await table.liftTombstone(account, 'first', now + 10)).toBe(true)
    expect(await table.readTombstone(account)).toBeUndefined()
    // Told late: of the deletion before the lift.
    expect(await table.putTombstone(account, now + 10, 'late')).toBeUndefined()
    expect(await table.putTombstone(account, now + 11, 'third')).toEqual({
      tombstone: 'third',
      settled: false,
    })
  })

  test('who has been settled is kept by shard, and only for the very tombstone', async () => {
    const account = randomUUID()
    expect(await table.readSettled(account, 3, 'first')).toEqual([])
    await table.addSettled(account, 3, 'first', [])
    await table.addSettled(account, 3, 'first', ['one', 'three'])
    await table.addSettled(account, 3, 'first', ['one', 'two'])
    expect((await table.readSettled(account, 3, 'first')).sort()).toEqual(['one', 'three', 'two'])
    expect(await table.readSettled(account, 4, 'first')).toEqual([])
    expect(await table.readSettled(account, 3, 'second')).toEqual([])
    await table.addSettled(account, 3, 'second', ['four'])
    expect(await table.readSettled(account, 3, 'second')).toEqual(['four'])
  })

  test('a user identity has one owner, whose item is compared', async () => {
    const id = randomUUID()
    expect(await table.readIdentity(id)).toBeUndefined()
    expect(await table.putIdentity(id, undefined, { owner: 'one', revision: 'r1' })).toBe(true)
    expect(await table.putIdentity(id, undefined, { owner: 'two', revision: 'r2' })).toBe(false)
    expect(await table.putIdentity(id, 'r1', { owner: 'two', revision: 'r3' })).toBe(true)
    expect(await table.readIdentity(id)).toEqual({ owner: 'two', revision: 'r3' })
    proxy.faults.add({ kind: 'answer_lost', operations: ['PutItem'], times: 1 })
    expect(await table.putIdentity(id, 'r3', { owner: 'three', revision: 'r4' })).toBe(true)
  })

  test('a Connect Webview belongs to whoever made it first', async () => {
    const [id, expires] = [randomUUID(), now / 1000]
    expect(await table.readWebview(id)).toBeUndefined()
    expect(await table.putWebview(id, { owner: 'one', made_at: 1, expires_at: now }, expires)).toBe(true)
    expect(await table.putWebview(id, { owner: 'two', made_at: 1, expires_at: now + 5 }, expires)).toBe(false)
    expect(await table.readWebview(id)).toEqual({ owner: 'one', made_at: 1, expires_at: now })
    // Its own answer was lost, and it is written again.
    expect(await table.putWebview(id, { owner: 'one', made_at: 1, expires_at: now }, expires)).toBe(true)
  })

  test('one at a time asks about a Connect Webview, and notes what Seam said', async () => {
    const id = randomUUID()
    expect(await table.takeTurnToAsk(id, now, now - 3000)).toBe(false)
    await table.noteWebviewStatus(id, 'connected')
    expect(await table.readWebview(id)).toBeUndefined()
    await table.putWebview(id, { owner: 'one', made_at: 1, expires_at: now }, now / 1000)
    const turns = await Promise.all([1, 2, 3].map(() => table.takeTurnToAsk(id, now, now - 3000)))
    expect(turns.filter(Boolean)).toHaveLength(1)
    expect(await table.takeTurnToAsk(id, now + 2999, now - 1)).toBe(false)
    expect(await table.takeTurnToAsk(id, now + 3000, now)).toBe(true)
    await table.noteWebviewStatus(id, 'failed', 'account_deleted')
    const failed = { owner: 'one', made_at: 1, expires_at: now, status: 'failed' }
    expect(await table.readWebview(id)).toEqual({ ...failed, reason: 'account_deleted' })
    await table.noteWebviewStatus(id, 'failed')
    expect(await table.readWebview(id)).toEqual(failed)
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
    expect((await table.readRun()).last_report).toBeUndefined()
    expect(await table.startRun('one', now, now + 10)).toBe(true)
    expect(await table.startRun('other', now + 9, now + 20)).toBe(false)
    expect(await table.startRun('other', now + 10, now + 20)).toBe(true)
    await table.endRun('one', now, '{"of":"one"}')
    expect((await table.readRun()).last_report).toBeUndefined()
    await table.endRun('other', now + 12, '{"of":"other"}')
    expect((await table.readRun()).last_report).toBe('{"of":"other"}')
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
    for (const owner of made) expect(await table.readUser(owner)).toBeDefined()
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
