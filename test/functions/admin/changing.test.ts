import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { devicesOf } from '../vending-world.ts'
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
    const enabled = await world.callAdmin('enable', { subject })
    expect(enabled.user.status).toBe('active')
    if (command === 'disable') expect(await world.vend(sub)).not.toBe(old)
  }
})

test('after signing out everywhere a new sign-in is accepted, an old one not', async () => {
  const sub = newSub()
  const subject = world.subjectOf(sub)
  await world.callAdmin('grant', { subject, connected_account_ids: world.newAccounts(1) })
  await world.callAdmin('sign_out_everywhere', { subject })
  await expect(world.vend(sub)).rejects.toThrow('401')
  world.clock.advance(2000)
  expect(await world.vend(sub)).toMatch(/^seam_cst/)
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

test('a move may be repeated after its end, also when the old record is gone', async () => {
  const [from, to] = [world.subjectOf(newSub()), world.subjectOf(newSub())]
  const connected_account_ids = world.newAccounts(1)
  await world.callAdmin('grant', { subject: from, connected_account_ids })
  const moved = await world.callAdmin('move', { from, to })
  expect(moved).toMatchObject({
    to: { granted: connected_account_ids },
    from: { user: { status: 'removed' } },
  })
  expect(await world.callAdmin('move', { from, to })).toEqual({})
  const nobody = world.callAdmin('move', { from: 'main|nobody', to: 'main|nobody-else' })
  await expect(nobody).rejects.toMatchObject({ problem: { code: 'not_found' } })
})
