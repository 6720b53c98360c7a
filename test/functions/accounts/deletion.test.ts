import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { User } from '../../../functions/record/user.ts'
import { sideBySide } from '../../../functions/seam/rate-limit.ts'
import { type Keeper, keeperOf } from '../keeper.ts'
import { ask, devicesOf, ownerOfSub, soon, startVendingWorld, type VendingWorld } from '../vending-world.ts'

let world: VendingWorld
let keeper: Keeper
beforeAll(async () => {
  world = await startVendingWorld()
  keeper = keeperOf(world.machine.deps)
})
afterEach(() => {
  world.dynamoDb.faults.clear()
  world.seam.faults.clear()
})
afterAll(() => world.close())

/** Users who hold one account, and the account. */
async function holders(count: number) {
  const account = world.seam.addAccount()
  const subs = Array.from({ length: count }, () => `holder-${randomUUID()}`)
  await Promise.all(
    subs.map(async (sub) => {
      await world.table.addHolder(account, ownerOfSub(sub))
      await world.record(sub, [account])
    }),
  )
  return { account, subs }
}
const tokenOf = async (sub = ''): Promise<string> =>
  (await ask(world.machine, { token: await world.token(sub) })).body.token
const written = () => world.dynamoDb.counts.PutItem?.applied ?? 0
const deletes = () => world.seam.counts['/client_sessions/delete']?.received ?? 0
const accountsOf = async (subs: string[]) =>
  (await Promise.all(subs.map((sub) => world.user(sub)))).flatMap((user) => user?.connected_account_ids ?? [])

test('is out of every old token’s reach when it has finished, and may be repeated', async () => {
  const { account, subs } = await holders(3)
  const tokens = await Promise.all(subs.map(tokenOf))
  world.seam.deleteAccount(account)
  const { owners, finished } = await keeper.accountDeleted(account, soon())
  expect([owners.length, finished]).toEqual([3, true])
  for (const token of tokens) await expect(devicesOf(world.seam, token)).rejects.toThrow('401')
  expect(await accountsOf(subs)).toEqual([])
  const before = written()
  expect((await keeper.accountDeleted(account, soon())).finished).toBe(true)
  expect(written()).toBe(before)
})

if (process.env.LONG === '1')
  test('of thirty thousand holders none keeps it', { timeout: 60 * 60_000 }, async () => {
    const account = world.seam.addAccount()
    const subs = Array.from({ length: 30_000 }, (_, n) => `many-${n}`)
    await sideBySide(subs, 32, async (sub) => {
      const who = { owner: ownerOfSub(sub), subject: `main|${sub}`, iss: world.identityProvider.issuer, sub }
      const granted = await keeper.grant(who, [account], soon())
      expect(granted.user.connected_account_ids).toEqual([account])
    })
    world.seam.deleteAccount(account)
    const owners = new Set<string>()
    let finished = false
    while (!finished) {
      const walked = await keeper.accountDeleted(account, soon())
      for (const owner of walked.owners) owners.add(owner)
      finished = walked.finished
    }
    expect(owners.size).toBe(30_000)
    let kept = 0
    await sideBySide(subs, 32, async (sub) => {
      kept += (await world.user(sub))?.connected_account_ids.length ?? 0
    })
    expect(kept).toBe(0)
  })

test('a grant that was on its way is refused, also where there was nothing to take', async () => {
  const sub = `slow-${randomUUID()}`
  const account = world.seam.addAccount()
  const read = await world.record(sub, [])
  await world.table.addHolder(account, read.owner)
  await keeper.accountDeleted(account, soon())
  const late: User = { ...read, connected_account_ids: [account], revision: randomUUID() }
  expect((await world.table.compareAndSet(read.owner, read.revision, late)).written).toBe(false)
})

test('of many holders the records are written, and cleaning up ends the client sessions', async () => {
  const { account, subs } = await holders(51)
  const token = await tokenOf(subs[7])
  const before = deletes()
  expect((await keeper.accountDeleted(account, soon())).finished).toBe(false)
  expect(await accountsOf(subs)).toEqual([])
  expect(deletes()).toBe(before)
  const user = await world.user(subs[7] ?? '')
  expect(user?.due_at).toBeLessThanOrEqual(world.clock.now())
  if (user === undefined) throw new Error('the holder has no record')

  const trace = { ...(await keeper.endSession(user.owner, soon())).trace }
  expect(trace.seam_calls).toContain('delete')
  await expect(devicesOf(world.seam, token)).rejects.toThrow('401')
  const writes = written()
  expect((await keeper.accountDeleted(account, soon())).finished).toBe(true)
  expect(written()).toBe(writes)
})

test('goes on where time ran out', async () => {
  const { account, subs } = await holders(40)
  const before = written()
  for (const enough of [17, 9]) {
    let looks = 0
    const short = { left: () => (looks++ < enough ? 10_000 : 0) }
    expect((await keeper.accountDeleted(account, short)).finished).toBe(false)
  }
  expect((await keeper.accountDeleted(account, soon())).finished).toBe(true)
  expect(await accountsOf(subs)).toEqual([])
  expect(written() - before).toBe(40)
})

test('one record that cannot be written is no reason to leave the others', async () => {
  const { account, subs } = await holders(4)
  // The first attempt of each of the four writes, and the second of one.
  world.dynamoDb.faults.add({ kind: 'throttled', operations: ['PutItem'], times: 5 })
  await expect(keeper.accountDeleted(account, soon())).rejects.toMatchObject({ code: 'upstream_unavailable' })
  expect(await accountsOf(subs)).toEqual([account])
  expect((await keeper.accountDeleted(account, soon())).finished).toBe(true)
  expect(await accountsOf(subs)).toEqual([])
})

test('has not finished while Seam does not confirm', async () => {
  const { account, subs } = await holders(2)
  const tokens = await Promise.all(subs.map(tokenOf))
  world.seam.faults.plan({ faults: [{ kind: 'status', status: 503, path: '/client_sessions/delete' }] })
  expect((await keeper.accountDeleted(account, soon())).finished).toBe(false)
  world.seam.faults.clear()
  expect((await keeper.accountDeleted(account, soon())).finished).toBe(true)
  for (const token of tokens) await expect(devicesOf(world.seam, token)).rejects.toThrow('401')
})
