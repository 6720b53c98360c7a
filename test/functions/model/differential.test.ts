import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sideBySide } from '../../../functions/pacing.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import { times } from '../../../functions/times.ts'
import * as writes from '../../../functions/user.ts'
import { newUser, type User } from '../../../functions/user.ts'
import { createTable, localDynamoDbClient } from '../../../infra/local/dynamodb.ts'
import { type Engine, startDynamoDb } from '../../dynamodb.ts'
import { type Dice, diceOf } from './dice.ts'
import { modelTable } from './table.ts'

/** The model's table and the real one, through the real SDK, are told the same and must answer the same. */

const now = Date.UTC(2030, 0, 1)
const longestAge = 12 * 3_600_000
const walks = 500
const steps = 10

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

  test(`${walks * steps} random writes come to the same`, { timeout: 180_000 }, async () => {
    const differences: unknown[] = []
    const came = { written: 0, refused: 0, deleted: 0 }
    await sideBySide(Array(walks).keys(), 24, async (walk) => {
      const dice = diceOf(walk)
      const owner = ownerOf(walk)
      for (let step = 0; step < steps; step++) {
        const record = model.read(owner)
        const revision = dice.chance(0.75)
          ? record?.revision
          : dice.pick([undefined, 'never', `${walk}-${step - 2}`])
        const next = dice.chance(0.05)
          ? undefined
          : randomWrite(dice, record ?? somebody(owner), `${walk}-${step}`)
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
    const dice = diceOf(1)
    const pick = () => dice.below(4)
    for (let step = 0; step < 400; step++) {
      const account = `account-${pick()}`
      const owner = ownerOf(pick())
      const at = now + step
      // Alone: beside a write it might be answered after it.
      expect(await real.readSettings(), `step ${step}`).toEqual(model.readSettings())
      const calls: [unknown, Promise<unknown>][] = []
      switch (dice.below(7)) {
        case 0:
          calls.push([model.addHolder(account, owner), real.addHolder(account, owner)])
          break
        case 1:
          if (dice.chance(0.2))
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

const accounts = ['a', 'b', 'c', 'd']

/** One of the writes that acts make, as they would be written. */
function randomWrite(dice: Dice, user: User, revision: string): User {
  const at = now + dice.below(2 * times.grace)
  const some = accounts.filter(() => dice.chance(0.4))
  const by = { lease_owner: revision, now: at, times }
  const session = {
    client_session_id: `s-${revision}`,
    sealed_token: 'sealed',
    created_at: at - dice.below(longestAge),
    expires_at: at + 3_600_000,
    account_ids: some,
  }
  const ids = new Set(user.ended.flatMap(({ client_session_id }) => client_session_id ?? []))
  const keys = new Set(user.ended.map(({ user_identifier_key }) => user_identifier_key))
  const next = dice.pick([
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
    () => writes.setStatus(user, dice.pick(['active', 'disabled', 'removed'] as const), at),
    () => writes.setAccessUntil(user, dice.chance(0.3) ? undefined : at, at),
    () => writes.signOutEverywhere(user, at),
  ])()
  const { due_at: _, ...rest } = next
  const due_at = writes.dueAt(next, longestAge, times)
  return { ...rest, revision, ...(due_at !== undefined && { due_at }) }
}
