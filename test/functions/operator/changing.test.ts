import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accountDeleted } from '../../../functions/accounts/deleted.ts'
import { ask, devicesOf, soon } from '../vending-world.ts'
import { type AdminWorld, callerOf, startAdminWorld } from './world.ts'

let world: AdminWorld
beforeAll(async () => {
  world = await startAdminWorld()
})
afterAll(() => world.close())

let count = 0
const newSub = () => `person-${++count}`
const seamDown = (path: string) =>
  world.seam.faults.plan({ faults: [{ kind: 'status', status: 503, path: `/client_sessions/${path}` }] })

describe('each change says what became of the client session', () => {
  test('none, widened, kept, ended', async () => {
    const sub = newSub()
    const subject = world.subjectOf(sub)
    const [a = '', b = ''] = world.newAccounts(2)
    const grant = (id: string) => world.callAdmin('grant', { subject, connected_account_ids: [id] })
    expect(await grant(a)).toMatchObject({
      client_session: 'none',
      changed: true,
      granted: [a],
      withdrawn: [],
    })
    const old = await world.vend(sub)
    expect(await grant(b)).toMatchObject({ client_session: 'widened', granted: [b] })
    expect(await grant(b)).toMatchObject({ client_session: 'kept', changed: false, granted: [] })
    const withdrawn = await world.callAdmin('withdraw', { subject, connected_account_ids: [a] })
    expect(withdrawn).toMatchObject({
      client_session: 'ended',
      withdrawn: [a],
      will_be_retried: false,
      user: { subject, connected_account_ids: [b], unconfirmed: 0 },
    })
    await expect(devicesOf(world.seam, old)).rejects.toThrow('401')
  })

  test('with Seam down: ending and widening will be retried, and why', async () => {
    const sub = newSub()
    const subject = world.subjectOf(sub)
    const [a = '', b = ''] = world.newAccounts(2)
    await world.callAdmin('grant', { subject, connected_account_ids: [a] })
    const old = await world.vend(sub)
    seamDown('get_or_create')
    const widening = await world.callAdmin('grant', { subject, connected_account_ids: [b] })
    expect(widening).toMatchObject({ client_session: 'widening', will_be_retried: true, granted: [b] })
    seamDown('delete')
    const ending = await world.callAdmin('disable', { subject })
    expect(ending).toMatchObject({
      client_session: 'ending',
      will_be_retried: true,
      user: { unconfirmed: 1 },
    })
    expect(ending.trouble).toContain('upstream_unavailable')
    world.seam.faults.clear()
    expect(await world.callAdmin('disable', { subject })).toMatchObject({
      changed: false,
      client_session: 'ended',
      will_be_retried: false,
    })
    await expect(devicesOf(world.seam, old)).rejects.toThrow('401')
  })
})

test('an end date comes with a grant or a set, and null takes it away', async () => {
  const subject = world.subjectOf(newSub())
  const connected_account_ids = world.newAccounts(1)
  const access_until = new Date(world.clock.now() + 86_400_000).toISOString()
  const granted = await world.callAdmin('grant', { subject, connected_account_ids, access_until })
  expect(granted.user.access_until).toBe(access_until)
  const set = await world.callAdmin('set', { subject, connected_account_ids, access_until: null })
  expect(set.user.access_until).toBeUndefined()
})

test('disable, enable, remove, end_session and sign_out_everywhere end the client session', async () => {
  for (const command of ['disable', 'end_session', 'sign_out_everywhere', 'remove'] as const) {
    const sub = newSub()
    const subject = world.subjectOf(sub)
    await world.callAdmin('grant', { subject, connected_account_ids: world.newAccounts(1) })
    const old = await world.vend(sub)
    expect(await world.callAdmin(command, { subject })).toMatchObject({
      client_session: 'ended',
      changed: true,
    })
    await expect(devicesOf(world.seam, old)).rejects.toThrow('401')
    if (command === 'end_session') expect(await world.vend(sub)).not.toBe(old)
    else await expect(world.vend(sub)).rejects.toThrow(command === 'sign_out_everywhere' ? '401' : '403')
    const enabled = world.callAdmin('enable', { subject })
    if (command === 'remove') await expect(enabled).rejects.toThrow('grant')
    else expect((await enabled).user.status).toBe('active')
    if (command === 'disable') expect(await world.vend(sub)).not.toBe(old)
  }
})

test('after signing out everywhere a new sign-in is accepted, an old one not', async () => {
  const sub = newSub()
  const subject = world.subjectOf(sub)
  await world.callAdmin('grant', { subject, connected_account_ids: world.newAccounts(1) })
  await world.callAdmin('sign_out_everywhere', { subject })
  await expect(world.vend(sub)).rejects.toThrow('401')
  // Within the issuer's clock tolerance the token may be an old one.
  world.clock.advance(2000)
  await expect(world.vend(sub)).rejects.toThrow('401')
  world.clock.advance(5000)
  expect(await world.vend(sub)).toMatch(/^seam_cst/)
})

test('a removed user comes back with a grant, and what was signed out stays so', async () => {
  const sub = newSub()
  const subject = world.subjectOf(sub)
  const connected_account_ids = world.newAccounts(1)
  await world.callAdmin('grant', { subject, connected_account_ids })
  const stolen = await world.token(sub)
  await world.callAdmin('remove', { subject })
  expect((await ask(world.machine, { token: stolen })).body.code).toBe('subject_disabled')
  const granted = await world.callAdmin('grant', { subject, connected_account_ids })
  expect(granted.user).toMatchObject({ status: 'active', not_before: expect.any(String) })
  expect((await ask(world.machine, { token: stolen })).status).toBe(401)
  world.clock.advance(7000)
  expect(await world.vend(sub)).toMatch(/^seam_cst/)
})

test('a user with an identity is moved once it is taken away, and then it can be given to the new login', async () => {
  const [from, to] = [world.subjectOf(newSub()), world.subjectOf(newSub())]
  const connected_account_ids = world.newAccounts(1)
  const identity = (subject: string, user_identity_id: string | null) =>
    world.callAdmin('set_identity', { subject, user_identity_id })
  await world.callAdmin('grant', { subject: from, connected_account_ids })
  await identity(from, 'identity-moved')
  await expect(world.callAdmin('move', { from, to })).rejects.toThrow('`set-identity` it to `none`')
  expect(await world.callAdmin('show', { subject: from })).toMatchObject({ connected_account_ids })
  await identity(from, null)
  expect(await world.callAdmin('move', { from, to })).toMatchObject({
    to: { granted: connected_account_ids },
  })
  expect(await identity(to, 'identity-moved')).toMatchObject({
    user: { connected_account_ids, user_identity_id: 'identity-moved' },
  })
})

test('an identity is set and taken away, each ending the client session, and no two users have the same', async () => {
  const [one, other] = [world.subjectOf(newSub()), world.subjectOf(newSub())]
  const set = (subject: string, user_identity_id: string | null) =>
    world.callAdmin('set_identity', { subject, user_identity_id })
  expect(await set(one, 'identity-1')).toMatchObject({
    changed: true,
    user: { user_identity_id: 'identity-1' },
  })
  expect(await set(one, 'identity-1')).toMatchObject({ changed: false })
  await expect(set(other, 'identity-1')).rejects.toMatchObject({
    problem: { code: 'invalid_request', reason: 'identity_of_another' },
  })
  expect((await set(one, null)).user.user_identity_id).toBeUndefined()
  expect(await set(other, 'identity-1')).toMatchObject({ user: { user_identity_id: 'identity-1' } })
  await expect(set(world.subjectOf(newSub()), null)).rejects.toMatchObject({ problem: { code: 'not_found' } })
})

test('a deletion that Seam has taken back is lifted, and nobody gets the account by that', async () => {
  const subject = world.subjectOf(newSub())
  const [connected_account_id = ''] = world.newAccounts(1)
  const lift = () => world.callAdmin('lift_deletion', { connected_account_id })
  await world.callAdmin('grant', { subject, connected_account_ids: [connected_account_id] })
  expect((await lift()).outcome).toBe('not_deleted')
  await world.table.putTombstone(connected_account_id, world.clock.now(), 'first')
  await expect(lift()).rejects.toMatchObject({ problem: { code: 'busy', reason: 'deletion_not_settled' } })
  await accountDeleted(world.machine.deps, connected_account_id, world.clock.now(), soon())
  expect((await lift()).outcome).toBe('lifted')
  expect((await world.callAdmin('show', { subject })).connected_account_ids).toEqual([])
  const again = await world.callAdmin('grant', { subject, connected_account_ids: [connected_account_id] })
  expect(again.user.connected_account_ids).toEqual([connected_account_id])
})

test('a subject whose issuer is configured no more can still lose what it has, and gets nothing', async () => {
  const subject = world.subjectOf(newSub())
  const connected_account_ids = world.newAccounts(1)
  await world.callAdmin('grant', { subject, connected_account_ids })
  const callAdmin = callerOf(
    world.reconfigured({
      issuers: [{ name: 'other', issuer: 'https://issuer.example', audiences: ['a'] }],
    }),
  )
  expect(await callAdmin('withdraw', { subject, connected_account_ids })).toMatchObject({ changed: true })
  const grant = callAdmin('grant', { subject, connected_account_ids })
  await expect(grant).rejects.toMatchObject({ problem: { code: 'invalid_request' } })
})

test('a move may be repeated after its end', async () => {
  const [from, to] = [world.subjectOf(newSub()), world.subjectOf(newSub())]
  const connected_account_ids = world.newAccounts(1)
  await world.callAdmin('grant', { subject: from, connected_account_ids })
  const moved = await world.callAdmin('move', { from, to })
  expect(moved).toMatchObject({
    to: { granted: connected_account_ids },
    from: { user: { status: 'removed' } },
  })
  const again = await world.callAdmin('move', { from, to })
  expect(again).toMatchObject({ from: { changed: false, user: { status: 'removed' } } })
  expect(again.to).toBeUndefined()
  const nobody = world.callAdmin('move', { from: 'main|nobody', to: 'main|nobody-else' })
  await expect(nobody).rejects.toMatchObject({ problem: { code: 'not_found' } })
})
