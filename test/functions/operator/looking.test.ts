import { hash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Params, ShownUser } from '../../../functions/operator/client.ts'
import { type AdminWorld, startAdminWorld } from './world.ts'

let world: AdminWorld
const subjects = Array.from({ length: 25 }, (_, n) => `main|listed-${n}`)
let shared = ''
beforeAll(async () => {
  world = await startAdminWorld()
  const [first = ''] = world.newAccounts(1)
  shared = first
  for (const [n, subject] of subjects.entries()) {
    await world.callAdmin('grant', {
      subject,
      connected_account_ids: n < 7 ? [shared] : world.newAccounts(1),
    })
    if (n % 5 === 0) await world.callAdmin('disable', { subject })
  }
  // Stays in `account#…` and holds nothing.
  await world.callAdmin('withdraw', { subject: 'main|listed-1', connected_account_ids: [shared] })
})
afterAll(() => world.close())

const allPages = async (params: Params<'list'>) => {
  const users: ShownUser[] = []
  let pages = 0
  let after: string | undefined
  do {
    const page = await world.callAdmin('list', { ...params, ...(after !== undefined && { after }) })
    users.push(...page.users)
    after = page.after
    pages++
  } while (after !== undefined)
  return { subjects: users.map(({ subject }) => subject).sort(), pages }
}

describe('list', () => {
  test('shows every user once, page by page', async () => {
    const { subjects: shown, pages } = await allPages({ limit: 4 })
    expect(shown).toEqual([...subjects].sort())
    expect(pages).toBeGreaterThan(6)
  })

  test('reads a page of users in one request to the table, as export does', async () => {
    const received = () =>
      Object.values(world.dynamoDb.counts).reduce((sum, one) => sum + (one?.received ?? 0), 0)
    const before = received()
    const { subjects: shown, pages } = await allPages({ limit: 10 })
    expect([shown.length, received() - before]).toEqual([subjects.length, pages])
    await world.callAdmin('export', {})
    expect(received() - before).toBe(pages + 1)
  })

  test('shows those of a status', async () => {
    const { subjects: shown } = await allPages({ status: 'disabled', limit: 10 })
    expect(shown).toEqual([0, 5, 10, 15, 20].map((n) => `main|listed-${n}`).sort())
  })

  test('shows those who hold an account, and not who held it, without reading the whole table', async () => {
    const scans = () => world.dynamoDb.counts.Scan?.received ?? 0
    const before = scans()
    const holders = [0, 2, 3, 4, 5, 6].map((n) => `main|listed-${n}`)
    expect((await allPages({ connected_account_id: shared, limit: 2 })).subjects).toEqual(holders)
    expect(scans()).toBe(before)
    const both = await allPages({ connected_account_id: shared, status: 'active' })
    expect(both.subjects).toEqual(holders.filter((one) => !/-[05]$/.test(one)))
  })
})

test('show tells of a live client session', async () => {
  const subject = 'main|listed-2'
  await world.vend('listed-2')
  const user = await world.callAdmin('show', { subject })
  const client_session = {
    binding: 'shared',
    client_session_id: expect.any(String),
    created_at: expect.stringMatching(/Z$/),
    expires_at: expect.stringMatching(/Z$/),
    connected_account_ids: [shared],
  }
  expect(user).toEqual({
    subject,
    owner: expect.stringMatching(/^[\w-]{22}$/),
    iss: world.identityProvider.issuer,
    status: 'active',
    connected_account_ids: [shared],
    client_session,
    client_sessions: [client_session],
    unconfirmed: 0,
    settling: 0,
    due_at: expect.stringMatching(/Z$/),
  })
})

test('sessions shows what Seam has: the current one, one that could not be ended, and a stray', async () => {
  const [sub, subject] = ['listed-3', 'main|listed-3']
  const old = await world.vend(sub)
  world.seam.faults.plan({ faults: [{ kind: 'status', status: 503, path: '/client_sessions/delete' }] })
  await world.callAdmin('end_session', { subject })
  world.seam.faults.clear()
  const { client_sessions: left } = await world.callAdmin('sessions', { subject })
  expect(left).toMatchObject([
    {
      state: 'let_go',
      connected_account_ids: [shared],
      token_sha256: hash('sha256', old, 'hex').slice(0, 12),
    },
  ])
  await world.vend(sub)
  const { client_sessions } = await world.callAdmin('sessions', { subject })
  // Nobody waits for the old one: cleanup ends it.
  expect(client_sessions.map(({ state }) => state)).toEqual(['current', 'let_go'])
})

test('accounts shows provider, name and holders, and on demand those that nobody has', async () => {
  const { accounts } = await world.callAdmin('accounts', {})
  const found = accounts.find(({ connected_account_id }) => connected_account_id === shared)
  expect(found).toMatchObject({ provider: 'august', display_name: expect.any(String) })
  expect(found?.holders.sort()).toEqual([0, 2, 3, 4, 5, 6].map((n) => `main|listed-${n}`))
  const { accounts: free } = await world.callAdmin('accounts', { unassigned: true })
  const ids = free.map(({ connected_account_id }) => connected_account_id)
  expect(ids).toEqual(expect.arrayContaining(world.seam.spareAccountIds))
  expect(ids).not.toContain(shared)
  expect(free.every(({ holders }) => holders.length === 0)).toBe(true)
})
