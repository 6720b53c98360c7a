import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sideBySide } from '../../../functions/pacing.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import { times } from '../../../functions/times.ts'
import * as writes from '../../../functions/user.ts'
import { newUser, type User } from '../../../functions/user.ts'
import { createTable, localDynamoDbClient } from '../../../infra/local/dynamodb.ts'
import { type Engine, startDynamoDb } from '../../dynamodb.ts'
import { modelTable } from './table.ts'

/** The model's table and the real one, through the real SDK, are told the same and must answer the same. */

const now = Date.UTC(2030, 0, 1)
const longestAge = 12 * 3_600_000
const accounts = ['a', 'b', 'c', 'd']

const walks = fc.sample(
  fc.array(
    fc.record({
      /** Mostly the one that was read. */
      revision: fc.constantFrom<'read' | 'none' | 'never' | 'earlier'>(
        ...Array(9).fill('read'),
        'none',
        'never',
        'earlier',
      ),
      write: fc.constantFrom<Write>(...Array(19).fill('change'), 'delete'),
      kind: fc.nat(13),
      at: fc.nat(2 * times.grace).map((ms) => now + ms),
      age: fc.nat(longestAge),
      some: fc.subarray(accounts),
      status: fc.constantFrom('active' as const, 'disabled' as const, 'removed' as const),
    }),
    { minLength: 10, maxLength: 10 },
  ),
  { numRuns: 300, seed: 1 },
)
type Step = (typeof walks)[number][number]
type Write = 'change' | 'delete'

describe.each<Engine>(['dynoxide', 'dynalite'])('on %s', (engine) => {
  let close: () => Promise<void>
  let real: ReturnType<typeof vendingTable>
  const model = modelTable(() => undefined)

  beforeAll(async () => {
    const db = await startDynamoDb({ engine })
    const client = localDynamoDbClient(db.endpoint)
    await createTable(client, 'vending')
    real = vendingTable({ client, tableName: 'vending' })
    close = async () => {
      client.destroy()
      await db.close()
    }
  })
  afterAll(() => close())

  test('3000 random writes come to the same', { timeout: 180_000 }, async () => {
    const differences: unknown[] = []
    const came = { written: 0, refused: 0, deleted: 0 }
    await sideBySide(walks.entries(), 24, async ([walk, steps]) => {
      const owner = ownerOf(walk)
      for (const [place, step] of steps.entries()) {
        const record = model.read(owner)
        const revisions = {
          read: record?.revision,
          none: undefined,
          never: 'never',
          earlier: `${walk}-${place - 2}`,
        }
        const revision = revisions[step.revision]
        const next =
          step.write === 'delete'
            ? undefined
            : randomWrite(step, record ?? somebody(owner), `${walk}-${place}`)
        const told = model.compareAndSet(owner, revision, next)
        const is = await real.compareAndSet(owner, revision, next)
        if (!isDeepStrictEqual(is, told)) differences.push({ revision, next, told, is })
        came[told.written ? (next === undefined ? 'deleted' : 'written') : 'refused']++
      }
      const [told, is] = [model.read(owner), await real.readUser(owner)]
      if (!isDeepStrictEqual(is, told)) differences.push({ told, is })
    })
    expect(differences.slice(0, 2)).toEqual([])
    // None of the three is an exception.
    expect(Math.min(...Object.values(came))).toBeGreaterThan(100)
  })

  test('the index tells who is due, oldest first', async () => {
    let due = 0
    for (let shard = 0; shard < 16; shard++) {
      const until = now + 2 * times.grace
      const told = model.dueOwners(shard, until, false)
      const { owners } = await real.dueOwners(shard, until)
      const dues = owners.map((owner) => model.read(owner)?.due_at ?? 0)
      expect([...owners].sort()).toEqual([...told].sort())
      expect(dues).toEqual([...dues].sort((one, other) => one - other))
      due += owners.length
    }
    expect(due).toBeGreaterThan(100)
    const all = await real.allOwners()
    expect(all.owners.sort()).toEqual(model.allOwners().sort())
  })

  test('so do the other single items', async () => {
    const steps = fc.sample(
      fc.record({ call: fc.nat(6), account: fc.nat(3), owner: fc.nat(3), deletes: fc.nat(4) }),
      { numRuns: 400, seed: 1 },
    )
    for (const [step, drawn] of steps.entries()) {
      const account = `account-${drawn.account}`
      const owner = ownerOf(drawn.owner)
      const at = now + step
      // Alone: beside a write it might be answered after it.
      expect(await real.readSettings(), `step ${step}`).toEqual(model.readSettings())
      const calls: [unknown, Promise<unknown>][] = []
      switch (drawn.call) {
        case 0:
          calls.push([model.addHolder(account, owner), real.addHolder(account, owner)])
          break
        case 1:
          if (drawn.deletes === 0)
            calls.push([
              sorted(model.markAccountDeleted(account, at)),
              real.markAccountDeleted(account, at).then(sorted),
            ])
          break
        case 2:
          calls.push([model.markSettled(account, [owner]), real.markSettled(account, [owner])])
          break
        case 3:
          calls.push([model.takeFromBudget(account, 9), real.takeFromBudget(account, 9, 2_000_000_000)])
          break
        case 4:
          calls.push([model.startRun(owner, at, at + 20), real.startRun(owner, at, at + 20)])
          break
        case 5:
          calls.push([model.endRun(owner, at), real.endRun(owner, at, '{}')])
          break
        default: {
          const settings = { workspace_id: account, key_prefix: owner }
          if (step > 200) calls.push([model.putSettings(settings), real.putSettings(settings)])
        }
      }
      for (const [told, is] of calls) expect(await is, `step ${step}`).toEqual(told)
    }
  })
})

function sorted({
  owners,
  settled_owners = [],
  ...rest
}: ReturnType<ReturnType<typeof modelTable>['markAccountDeleted']>) {
  return { ...rest, owners: [...owners].sort(), settled_owners: [...settled_owners].sort() }
}

function ownerOf(walk: number): string {
  return Buffer.from(`${String.fromCharCode(walk % 256)}owner ${walk}`.padEnd(16), 'latin1').toString(
    'base64url',
  )
}

function somebody(owner: string): User {
  return newUser({ owner, subject: `main|${owner}`, iss: 'https://issuer.example', sub: owner }, now)
}

/** One of the writes that acts make, as they would be written. */
function randomWrite({ kind, at, age, some, status }: Step, user: User, revision: string): User {
  const by = { lease_owner: revision, now: at, times }
  const session = {
    client_session_id: `s-${revision}`,
    sealed_token: 'sealed',
    created_at: at - age,
    expires_at: at + 3_600_000,
    account_ids: some,
  }
  const ids = new Set(user.ended.flatMap(({ client_session_id }) => client_session_id ?? []))
  const keys = new Set(user.ended.map(({ user_identifier_key }) => user_identifier_key))
  const all = [
    () => writes.claim(user, { ...by, newKey: { key: `k-${revision}`, generation: 1 } }),
    () => writes.claim(user, by),
    () => writes.letGo(user, at),
    () => writes.letGo(user, at, `answered-${revision}`),
    () => writes.commit({ ...user, user_identifier_key: `k-${revision}` }, session),
    () => writes.confirmDeleted(user, ids, at),
    () => writes.forget(user, keys),
    () => writes.markUnknown(user, some, at),
    () => writes.reportDead(user, at),
    () => writes.grant(user, some),
    () => writes.withdraw(user, some, at),
    () => writes.setStatus(user, status, at),
    () => writes.setAccessUntil(user, age % 3 === 0 ? undefined : at, at),
    () => writes.signOutEverywhere(user, at),
  ]
  const next = all[kind]?.() ?? user
  const { due_at: _, ...rest } = next
  const due_at = writes.dueAt(next, longestAge, times)
  return { ...rest, revision, ...(due_at !== undefined && { due_at }) }
}
