import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dueAt, tidy } from '../../../functions/record/update.ts'
import { newUser, type User } from '../../../functions/record/user.ts'
import * as writes from '../../../functions/record/writes.ts'
import { sideBySide } from '../../../functions/seam/rate-limit.ts'
import { holderShard } from '../../../functions/table/keys.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import { times } from '../../../functions/times.ts'
import { createTable, localDynamoDbClient } from '../../../infra/local/dynamodb.ts'
import { type Engine, startDynamoDb } from '../../dynamodb.ts'
import { terms } from '../session/terms.ts'
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
      kind: fc.nat(16),
      at: fc.nat(2 * times.grace).map((ms) => now + ms),
      age: fc.nat(longestAge),
      some: fc.subarray(accounts),
      status: fc.constantFrom('active' as const, 'disabled' as const, 'removed' as const),
    }),
    { minLength: 10, maxLength: 10 },
  ),
  { numRuns: process.env.LONG === '1' ? 3000 : 200, seed: 1 },
)
type Step = (typeof walks)[number][number]

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

  test('random writes come to the same', { timeout: 1_800_000 }, async () => {
    const differences: unknown[] = []
    const came = { written: 0, refused: 0 }
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
        const next = randomWrite(step, record ?? somebody(owner), `${walk}-${place}`)
        const told = model.compareAndSet(owner, revision, next)
        const is = await real.compareAndSet(owner, revision, next)
        if (!isDeepStrictEqual(is, told)) differences.push({ revision, next, told, is })
        came[told.written ? 'written' : 'refused']++
      }
      const [told, is] = [model.read(owner), await real.readUser(owner)]
      if (!isDeepStrictEqual(is, told)) differences.push({ told, is })
    })
    expect(differences.slice(0, 2)).toEqual([])
    // Neither is an exception.
    expect(Math.min(...Object.values(came))).toBeGreaterThan(100)
  })

  test('the index tells who is due, oldest first', async () => {
    let due = 0
    for (let shard = 0; shard < 16; shard++) {
      const until = now + 2 * times.grace
      const told = model.dueOwners(shard, until, false)
      const { owners } = await real.due(shard, until)
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
      fc.record({ call: fc.nat(11), account: fc.nat(3), owner: fc.nat(3), deletes: fc.nat(4) }),
      { numRuns: 500, seed: 1 },
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
              model.putTombstone(account, at, `t${step}`),
              real.putTombstone(account, at, `t${step}`),
            ])
          else calls.push([model.readTombstone(account), real.readTombstone(account)])
          break
        case 2: {
          const { tombstone = 'none' } = model.readTombstone(account) ?? {}
          const shard = drawn.deletes
          calls.push([
            model.addSettled(account, shard, tombstone, [owner]),
            real.addSettled(account, shard, tombstone, [owner]),
          ])
          break
        }
        case 6: {
          const { tombstone = 'none' } = model.readTombstone(account) ?? {}
          calls.push([
            model.readSettled(account, drawn.deletes, tombstone).sort(),
            real.readSettled(account, drawn.deletes, tombstone).then((owners) => owners.sort()),
          ])
          break
        }
        case 7: {
          const shard = holderShard(owner)
          calls.push([
            model.readHolders(account, shard).sort(),
            real.readHolders(account, shard).then((owners) => owners.sort()),
          ])
          break
        }
        case 8: {
          const standing = model.readIdentity(account)
          expect(await real.readIdentity(account)).toEqual(standing)
          const revision = drawn.deletes === 0 ? 'never' : standing?.revision
          const next = { owner, revision: `r${step}` }
          calls.push([model.putIdentity(account, revision, next), real.putIdentity(account, revision, next)])
          break
        }
        case 9: {
          const { tombstone = 'none' } = model.readTombstone(account) ?? {}
          calls.push([model.settleTombstone(account, tombstone), real.settleTombstone(account, tombstone)])
          break
        }
        case 10: {
          const { tombstone = 'none' } = model.readTombstone(account) ?? {}
          // An event of before the lift is told after it.
          const lifted = at + 10 * drawn.deletes
          calls.push([
            model.liftTombstone(account, tombstone, lifted),
            real.liftTombstone(account, tombstone, lifted),
          ])
          break
        }
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
  const by = { lease_owner: revision, now: at, times, asked_until: at + 3_600_000 }
  const answer = {
    client_session_id: `s-${revision}`,
    sealed_token: 'sealed',
    created_at: at - age,
    expires_at: at + 3_600_000,
  }
  const [entry] = user.retired
  const made = (one: User) =>
    writes.claim(one, 'shared', { ...by, newKey: { key: `k-${revision}`, generation: 1 } })
  const all = [
    () => made(user),
    () => (user.sessions.shared === undefined ? made(user) : writes.claim(user, 'shared', by)),
    () => writes.retireAll(user, at),
    () => writes.retire(user, ['shared'], at, `answered-${revision}`),
    () => writes.commit(made(user), 'shared', answer, some),
    () => writes.confirm(user, user.retired, at),
    () => writes.forget(user, user.retired),
    () => writes.markUnknown(user, some, at),
    () => writes.reportDead(user, 'shared', at),
    () => writes.grant(user, some, at),
    () => writes.withdraw(user, some, at),
    () => (status === 'removed' ? writes.remove(user, at) : writes.revive(user)),
    () => writes.setAccessUntil(user, age % 3 === 0 ? undefined : at, at),
    () => writes.signOutEverywhere(user, at),
    () => writes.setIdentity(user, age % 2 === 0 ? undefined : `i-${revision}`, at),
    () => writes.recordLogin(user, `m-${revision}`, some, at),
    () => (entry === undefined ? user : writes.postpone(user, entry, at)),
  ]
  const { due_at: _, ...rest } = tidy(all[kind]?.() ?? user, terms.kept, times, at)
  const due_at = dueAt(rest, terms)
  return { ...rest, revision, ...(due_at !== undefined && { due_at }) }
}
