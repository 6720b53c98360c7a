import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { User } from '../../functions/record/user.ts'
import { grant } from '../../functions/record/writes.ts'
import { times } from '../../functions/times.ts'
import { sharedSession, withShared } from './keeper.ts'
import { minutes } from './minutes.ts'
import { vendingChildren } from './vending-child.ts'
import type { Order } from './vending-process.ts'
import { ask, ownerOfSub, startVendingWorld, type VendingWorld } from './vending-world.ts'
import { startWire } from './wire.ts'
import { wireOver } from './wiring.ts'

/**
 * A real process is killed at every call it makes, when it was carried out and before the answer arrives; then another
 * comes and finishes what was begun. Killed before a call leaves, it has done what it had done when the one before was
 * answered: LONG=1 tries that too.
 */
const moments = process.env.LONG === '1' ? ['leaving', 'answered'] : ['answered']

let world: VendingWorld
let children: Awaited<ReturnType<typeof vendingChildren>>
let dynamoDb: Awaited<ReturnType<typeof startWire>>
let seam: Awaited<ReturnType<typeof startWire>>
beforeAll(async () => {
  world = await startVendingWorld()
  // The key set and the settings are there already: what is counted is one request's own.
  await world.record('warm', [])
  await ask(world.machine, { token: await world.token('warm') })
  ;[dynamoDb, seam, children] = await Promise.all([
    startWire(world.dynamoDb.endpoint),
    startWire(world.seam.url),
    vendingChildren(),
  ])
})
afterAll(async () => {
  await Promise.all([dynamoDb.close(), seam.close(), children.close()])
  await world.close()
})

interface Flow {
  name: string
  /** What the record is before; it has a live client session unless this says otherwise. */
  before: (user: User) => User
  fresh?: true
  request: (user: User) => { method?: string; body?: unknown }
  /** How many calls it makes when nothing happens to it. */
  calls: number
}

const [one = '', two = ''] = ['account-one', 'account-two']
const same = (user: User) => user
const post = () => ({})
const flows: Flow[] = [
  { name: 'create', fresh: true, before: same, request: post, calls: 6 },
  {
    name: 'extend',
    before: (user) => withShared(user, { expires_at: Date.now() + 5 * minutes }),
    request: post,
    calls: 6,
  },
  {
    name: 'widen',
    before: (user) => grant(user, [accounts[two] ?? ''], Date.now()),
    request: post,
    calls: 6,
  },
  { name: 'replace', before: (user) => withShared(user, { generation: 0 }), request: post, calls: 8 },
  {
    name: 'compare and replace',
    before: same,
    request: (user) => ({
      body: { stale_client_session_id: sharedSession(user).client_session_id },
    }),
    calls: 8,
  },
  { name: 'sign out', before: same, request: () => ({ method: 'DELETE' }), calls: 7 },
]

const accounts: Record<string, string> = {}

let subjects = 0
async function prepare(flow: Flow): Promise<{ sub: string; user: User }> {
  accounts[one] ??= world.seam.addAccount()
  accounts[two] ??= world.seam.addAccount()
  const sub = `crash-${subjects++}`
  const recorded = await world.record(sub, [accounts[one]])
  if (flow.fresh) return { sub, user: recorded }
  await ask(world.machine, { token: await world.token(sub) })
  const user = (await world.user(sub)) as User
  const changed = { ...flow.before(user), revision: `${user.revision}-changed` }
  await world.table.compareAndSet(user.owner, user.revision, changed)
  return { sub, user: changed }
}

/** Runs the flow in a process of its own; killed at the given call and moment, or never. */
async function run(flow: Flow, sub: string, user: User, point?: { call: number; moment: string }) {
  const addresses = { ...world.addresses, dynamoDb: dynamoDb.url, seam: seam.url }
  const requests = [{ token: await world.token(sub), ...flow.request(user) }]
  const order: Order = { addresses, requests }
  const child = children.start()
  const ended = once(child, 'exit')
  let calls = 0
  let killed = false
  const gate = (moment: string) => {
    if (killed) return false
    if (moment === 'leaving') calls++
    if (point === undefined || calls !== point.call || moment !== point.moment) return true
    killed = true
    child.kill('SIGKILL')
    return false
  }
  dynamoDb.gate = gate
  seam.gate = gate
  child.send(order)
  await once(child, 'message')
  let results: { status: number }[] = []
  child.on('message', (said: typeof results) => {
    results = said
  })
  child.send('go')
  await ended
  return { calls, killed, status: results[0]?.status }
}

const liveSessions = (sub: string) =>
  world.seam
    .sessions()
    .filter((session) => session.live && session.user_identifier_key?.includes(ownerOfSub(sub)))

describe.each(flows)('$name', (flow) => {
  test('makes as many calls as ever', async () => {
    const { sub, user } = await prepare(flow)
    const { calls, status } = await run(flow, sub, user)
    expect([200, 201, 204]).toContain(status)
    expect(calls).toBe(flow.calls)
  })

  test.each(
    Array.from({ length: flow.calls }, (_, n) => n + 1).flatMap((call) =>
      moments.map((moment) => ({ call, moment })),
    ),
  )('killed at call $call, $moment: the next process finishes', async (point) => {
    const { sub, user } = await prepare(flow)
    expect((await run(flow, sub, user, point)).killed).toBe(true)

    // The dead process's lease has run out.
    const next = wireOver(world.addresses, { clock: () => Date.now() + times.lease + 1000 })
    const { status, body } = await ask(next, { token: await world.token(sub), ...flow.request(user) })
    const after = (await world.user(sub)) as User
    // What the dead process had retired, and the next one has not: cleanup's.
    const retired = new Set(after.retired.map((entry) => entry.client_session_id))
    const live = liveSessions(sub).filter((session) => !retired.has(session.client_session_id))
    if (flow.name === 'sign out') {
      expect(status).toBe(204)
      expect(live).toEqual([])
    } else if (status === 429) {
      // The dead process had retired the reported session already, and the one that is there now is another.
      expect(sharedSession(after).client_session_id).not.toBe(sharedSession(user).client_session_id)
    } else {
      expect(status).toBeLessThan(300)
      expect(live.map(({ token }) => token)).toEqual([body.token])
      expect(live[0]?.client_session_id).toBe(sharedSession(after).client_session_id)
      expect([...(live[0]?.connected_account_ids ?? [])].sort()).toEqual(after.connected_account_ids)
    }
    // Whatever was ever made for this user is recorded, or retired.
    const known = new Set([
      sharedSession(after).user_identifier_key,
      ...after.retired.map((entry) => entry.user_identifier_key),
    ])
    const made = world.seam
      .sessions()
      .filter(({ user_identifier_key }) => user_identifier_key?.includes(ownerOfSub(sub)))
    expect(made.filter(({ user_identifier_key }) => !known.has(user_identifier_key ?? ''))).toEqual([])
  })
})
