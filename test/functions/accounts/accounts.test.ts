import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MappingChange } from '../../../functions/http/audit.ts'
import { type Keeper, keeperOf, sharedSession } from '../keeper.ts'
import { minutes } from '../minutes.ts'
import { ask, devicesOf, ownerOfSub, soon, startVendingWorld, type VendingWorld } from '../vending-world.ts'

let world: VendingWorld
let keeper: Keeper
const noted: MappingChange[] = []
beforeAll(async () => {
  world = await startVendingWorld()
  keeper = keeperOf({ ...world.machine.deps, accountsPerUser: 5, noteChange: (it) => noted.push(it) })
})
afterAll(() => world.close())

const whoIs = (sub: string) => ({
  owner: ownerOfSub(sub),
  subject: `main|${sub}`,
  iss: world.identityProvider.issuer,
  sub,
})
const somebody = () => whoIs(`somebody-${randomUUID().slice(0, 8)}`)
const tokenOf = async ({ sub }: { sub: string }) => {
  const { status, body } = await ask(world.machine, { token: await world.token(sub) })
  if (status >= 300) throw new Error(`vending answered ${status}`)
  return body.token as string
}
const newAccounts = (count: number) => Array.from({ length: count }, () => world.seam.addAccount()).sort()

describe('granting and setting', () => {
  test('a grant makes the record, and widens a live client session in place, same token', async () => {
    const who = somebody()
    const [first = '', second = ''] = newAccounts(2)
    const made = await keeper.grant(who, [first], soon())
    expect([made.changed, made.before, made.failure]).toEqual([true, undefined, undefined])
    const token = await tokenOf(who)
    const before = await devicesOf(world.seam, token)
    const widened = await keeper.grant(who, [second], soon())
    expect(widened.trace.seam_calls).toEqual(['get_or_create'])
    expect(await tokenOf(who)).toBe(token)
    expect((await devicesOf(world.seam, token)).length).toBe(before.length + 1)
  })

  test('setting replaces the whole set in one write; what was taken away is out of the old token’s reach', async () => {
    const who = somebody()
    const [a = '', b = '', c = ''] = newAccounts(3)
    await keeper.grant(who, [a, b], soon())
    const old = await tokenOf(who)
    const set = await keeper.set(who, [c, b], soon())
    expect(set.user.connected_account_ids).toEqual([b, c].sort())
    expect(set.trace.seam_calls).toEqual(['delete', 'list'])
    await expect(devicesOf(world.seam, old)).rejects.toThrow('401')
    expect((await keeper.set(who, [b, c], soon())).changed).toBe(false)
  })

  test('setting no accounts leaves a user with none', async () => {
    const who = somebody()
    await keeper.grant(who, newAccounts(1), soon())
    expect((await keeper.set(who, [], soon())).user.connected_account_ids).toEqual([])
    expect(await devicesOf(world.seam, await tokenOf(who))).toEqual([])
  })

  test('an account that Seam has deleted is not given, and is taken from who had it', async () => {
    const who = somebody()
    const [alive = '', dead = ''] = newAccounts(2)
    await world.table.putTombstone(dead, world.clock.now(), randomUUID())
    const { user, deletedAccountIds } = await keeper.set(who, [alive, dead], soon())
    expect(user.connected_account_ids).toEqual([alive])
    expect(deletedAccountIds).toEqual([dead])
  })

  test('more accounts than a user may have are refused, and nothing changes', async () => {
    const who = somebody()
    await keeper.grant(who, newAccounts(5), soon())
    await expect(keeper.grant(who, newAccounts(1), soon())).rejects.toMatchObject({ code: 'invalid_request' })
    expect((await world.user(who.sub))?.connected_account_ids).toHaveLength(5)
  })

  test('an end date of access comes and goes with a wish; an earlier one ends the client session', async () => {
    const who = somebody()
    const accounts = newAccounts(1)
    const until = world.clock.now() + 30 * minutes
    await keeper.grant(who, accounts, soon())
    const old = await tokenOf(who)
    const limited = await keeper.grant(who, accounts, soon(), { access_until: until })
    expect(limited.user.access_until).toBe(until)
    await expect(devicesOf(world.seam, old)).rejects.toThrow('401')
    const { body } = await ask(world.machine, { token: await world.token(who.sub) })
    expect(Date.parse(body.expires_at)).toBeLessThanOrEqual(until)
    expect((await keeper.grant(who, accounts, soon())).user.access_until).toBe(until)
    expect(
      (await keeper.set(who, accounts, soon(), { access_until: null })).user.access_until,
    ).toBeUndefined()
  })
})

describe('withdrawing', () => {
  test('of two users who share an account, only one loses it', async () => {
    const [shared = '', own = ''] = newAccounts(2)
    const [one, other] = [somebody(), somebody()]
    await keeper.grant(one, [shared, own], soon())
    await keeper.grant(other, [shared], soon())
    const [oldOfOne, oldOfOther] = [await tokenOf(one), await tokenOf(other)]
    const devices = await devicesOf(world.seam, oldOfOther)
    const { failure } = await keeper.withdraw(one.owner, [shared], soon())
    expect(failure).toBeUndefined()
    await expect(devicesOf(world.seam, oldOfOne)).rejects.toThrow('401')
    expect(await devicesOf(world.seam, oldOfOther)).toEqual(devices)
    expect(await devicesOf(world.seam, await tokenOf(one))).not.toEqual(expect.arrayContaining(devices))
  })

  test('with Seam down the record has retired it and says so; the same act again finishes', async () => {
    const who = somebody()
    const [account = ''] = newAccounts(1)
    await keeper.grant(who, [account], soon())
    const old = await tokenOf(who)
    world.seam.faults.plan({ faults: [{ kind: 'status', status: 503, path: '/client_sessions/delete' }] })
    const first = await keeper.withdraw(who.owner, [account], soon())
    expect(first.failure?.code).toBe('upstream_unavailable')
    expect(sharedSession(first.user)).toEqual({})
    world.seam.faults.clear()
    const again = await keeper.withdraw(who.owner, [account], soon())
    expect([again.changed, again.failure]).toEqual([false, undefined])
    await expect(devicesOf(world.seam, old)).rejects.toThrow('401')
  })
})

describe('ending a client session', () => {
  test('ends it at Seam and changes nothing else: the next request makes a new one', async () => {
    const who = somebody()
    await keeper.grant(who, newAccounts(1), soon())
    const old = await tokenOf(who)
    await keeper.endSession(who.owner, soon())
    await expect(devicesOf(world.seam, old)).rejects.toThrow('401')
    expect(await tokenOf(who)).not.toBe(old)
  })
})

describe('moving a person to a new login', () => {
  test('gives accounts and end date to the new one, ends the old one, and may be repeated', async () => {
    const [from, to] = [somebody(), somebody()]
    const accounts = newAccounts(2)
    const until = world.clock.now() + 90 * minutes
    await keeper.grant(from, accounts, soon(), { access_until: until })
    const old = await tokenOf(from)
    await keeper.move(from.owner, to, soon())
    await expect(devicesOf(world.seam, old)).rejects.toThrow('401')
    expect(await world.user(to.sub)).toMatchObject({ connected_account_ids: accounts, access_until: until })
    expect(await world.user(from.sub)).toMatchObject({ status: 'removed' })
    // What the new login has lost since does not come back.
    await keeper.withdraw(to.owner, accounts.slice(0, 1), soon())
    const again = await keeper.move(from.owner, to, soon())
    expect([again.to, again.from.changed]).toEqual([undefined, false])
    expect((await world.user(to.sub))?.connected_account_ids).toEqual(accounts.slice(1))
  })

  test('finishes what a crash between the grant and the removal left', async () => {
    const [from, to] = [somebody(), somebody()]
    const accounts = newAccounts(2)
    await keeper.grant(from, accounts, soon())
    await keeper.grant(to, accounts.slice(0, 1), soon())
    await keeper.move(from.owner, to, soon())
    expect(await world.user(to.sub)).toMatchObject({ status: 'active', connected_account_ids: accounts })
    expect(await world.user(from.sub)).toMatchObject({ status: 'removed', connected_account_ids: [] })
  })

  test('does not give what was withdrawn from the old login while it moved', async () => {
    const [from, to] = [somebody(), somebody()]
    const [kept = '', lost = ''] = newAccounts(2)
    await keeper.grant(from, [kept, lost], soon())
    let meanwhile: (() => Promise<unknown>) | undefined = () => keeper.withdraw(from.owner, [lost], soon())
    const { deps } = world.machine
    const compareAndSet: typeof deps.table.compareAndSet = async (owner, revision, next) => {
      if (next.status === 'removed') {
        await meanwhile?.()
        meanwhile = undefined
      }
      return deps.table.compareAndSet(owner, revision, next)
    }
    const interrupted = keeperOf({ ...deps, table: { ...deps.table, compareAndSet } })
    await interrupted.move(from.owner, to, soon())
    expect(await world.user(to.sub)).toMatchObject({ connected_account_ids: [kept] })
  })

  test.each([
    ['to itself', async (from: ReturnType<typeof whoIs>) => from],
    [
      'to a disabled user',
      async () => {
        const to = somebody()
        await keeper.grant(to, newAccounts(1), soon())
        await keeper.disable(to.owner, soon())
        return to
      },
    ],
    [
      'to a user whose access ends later',
      async () => {
        const to = somebody()
        await keeper.grant(to, newAccounts(1), soon())
        return to
      },
    ],
  ])('%s is refused, and nothing changes', async (_, target) => {
    const from = somebody()
    const accounts = newAccounts(1)
    await keeper.grant(from, accounts, soon(), { access_until: world.clock.now() + 90 * minutes })
    const to = await target(from)
    const before = [await world.user(from.sub), await world.user(to.sub)]
    await expect(keeper.move(from.owner, to, soon())).rejects.toMatchObject({ code: 'invalid_request' })
    expect([await world.user(from.sub), await world.user(to.sub)]).toEqual(before)
  })
})

test('each change is noted once, with what the user had before and has now, and no key', async () => {
  const who = somebody()
  const [a = '', b = ''] = newAccounts(2)
  noted.length = 0
  await keeper.grant(who, [a], soon())
  await tokenOf(who)
  await keeper.grant(who, [a], soon())
  await keeper.set(who, [b], soon())
  await keeper.disable(who.owner, soon())
  const { owner, subject } = who
  const at = expect.any(Number)
  const holding = (status: string, ids: string[]) => ({ status, connected_account_ids: ids })
  expect(noted).toEqual([
    { at, owner, subject, after: holding('active', [a]) },
    { at, owner, subject, before: holding('active', [a]), after: holding('active', [b]) },
    { at, owner, subject, before: holding('active', [b]), after: holding('disabled', [b]) },
  ])
})
