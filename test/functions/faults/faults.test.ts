import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { settleUser } from '../../../functions/cleanup/one-user.ts'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import { Problem } from '../../../functions/http/problem.ts'
import { newTrace } from '../../../functions/session/deps.ts'
import { times as shipped, type Times } from '../../../functions/times.ts'
import { keeperOf } from '../keeper.ts'
import { patient } from '../patient.ts'
import { ask, ownerOfSub, startVendingWorld, type VendingWorld } from '../vending-world.ts'
import { brokenRules, type Happening } from './history.ts'

/**
 * The real handlers against the real engine and a Seam that speaks HTTP, both failing on purpose. Each run has a time
 * of its own, which passes while somebody waits for another act and not while the computer is busy. What is drawn
 * comes from a seed; how the machine interleaves it does not.
 */
const many = process.env.LONG === '1'
const runs = many ? 10_000 : 100
const leastFaults = runs * 5
const atOnce = 20
const seed = Number(process.env.SEED ?? 20_261_125)
/** What is silent is waited for in real time. */
const times: Times = { ...shipped, seam: 500 }

let world: VendingWorld
beforeAll(async () => {
  world = await startVendingWorld({
    times,
    configuration: {
      limits: { creationsPerHour: 10_000, newUsersPerHour: 1_000_000 },
      unknownSubjects: 'provision',
    },
  })
})
afterAll(() => world.close())

/** How far a run's clock is ahead of the world's. */
const ahead = new AsyncLocalStorage<{ ms: number }>()
const time = {
  clock: () => world.clock.now() + (ahead.getStore()?.ms ?? 0),
  async sleep(ms: number) {
    const run = ahead.getStore()
    if (run !== undefined) run.ms += ms
    await setImmediate()
  },
}

/** mulberry32 */
function randomFrom(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function breakEverything() {
  const getOrCreate = '/client_sessions/get_or_create'
  world.seam.faults.plan({
    seed,
    faults: [
      { kind: 'delay', delay_ms: 15, share: 0.05 },
      { kind: 'status', status: 429, retry_after: 1, share: 0.04 },
      { kind: 'status', status: 500, body: 'html', share: 0.03 },
      { kind: 'status', status: 503, body: 'empty', applied: true, share: 0.03 },
      { kind: 'reset', share: 0.03 },
      { kind: 'reset', applied: true, share: 0.04 },
      { kind: 'cut', share: 0.03 },
      { kind: 'silence', share: 0.02 },
      { kind: 'applied_late', late_ms: 400, share: 0.05 },
      { kind: 'wrong', wrong: 'extra_account', path: getOrCreate, share: 0.02 },
      { kind: 'wrong', wrong: 'missing_account', path: getOrCreate, share: 0.02 },
      { kind: 'wrong', wrong: 'late_expiry', path: getOrCreate, share: 0.02 },
      { kind: 'wrong', wrong: 'past_expiry', path: getOrCreate, share: 0.01 },
      { kind: 'wrong', wrong: 'other_id', path: getOrCreate, share: 0.01 },
      { kind: 'wrong', wrong: 'other_key', path: getOrCreate, share: 0.01 },
      { kind: 'wrong', wrong: 'other_workspace', path: getOrCreate, share: 0.01 },
    ],
  })
  world.dynamoDb.faults.plan({
    seed,
    faults: [
      { kind: 'throttled', share: 0.08 },
      { kind: 'failed', share: 0.05 },
      { kind: 'reset', share: 0.03 },
      { kind: 'answer_lost', operations: ['PutItem', 'UpdateItem', 'DeleteItem'], share: 0.06 },
      { kind: 'late', ms: 8, share: 0.05 },
    ],
  })
}

const total = (delivered: Partial<Record<string, number>>) =>
  Object.values(delivered).reduce<number>((sum, count) => sum + (count ?? 0), 0)
const faultsDelivered = () => total(world.seam.faults.delivered) + total(world.dynamoDb.faults.delivered)

test(`${runs} runs under faults: nothing is lost, and nobody's token goes to anyone else`, async () => {
  const stranger = await strangersSession()
  const machines = [world.another(time), world.another(time), world.another(time)] as const
  // What a cold start fetches, it fetches in peace: the faults are for the acts.
  for (const machine of machines) await ask(machine, { token: await world.token('warm') })
  const spare = Array.from({ length: 3 }, () => world.seam.addAccount())
  const keeper = keeperOf({ ...machines[2].deps, clock: time.clock })
  const history: Happening[] = []
  breakEverything()

  await inParallel(runs, async (run) => {
    const random = randomFrom(seed + run)
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
    const sub = `faulty-${run}`
    const owner = ownerOfSub(sub)
    const who = { owner, subject: `main|${sub}`, iss: world.identityProvider.issuer, sub }
    const token = await world.token(sub)
    let lastId: string | undefined

    const request = async (method: 'POST' | 'DELETE', stale?: string) => {
      history.push({ kind: 'asked', owner })
      const body = stale === undefined ? {} : { body: { stale_client_session_id: stale } }
      const answer = await ask(pick(machines), { token, method, ...body })
      lastId = answer.body?.client_session_id ?? lastId
      history.push({
        kind: 'answered',
        owner,
        status: answer.status,
        code: answer.body?.code,
        retryAfter: answer.headers.get('retry-after') ?? undefined,
        token: answer.body?.token,
      } as Happening)
    }
    /** An operator's act; if it fails, the operator hears of it. */
    const act = (what: Promise<unknown>) =>
      what.catch((error: unknown) => {
        if (!(error instanceof Problem)) throw error
      })
    const soon = () => deadlineIn(times.vend, time.clock)

    await act(keeper.grant(who, [spare[0] as string, spare[1] as string], soon()))
    for (let wave = 0; wave < 4; wave++)
      await Promise.all(
        Array.from({ length: 3 }, () => {
          const draw = random()
          if (draw < 0.6) return request('POST')
          if (draw < 0.68) return request('DELETE')
          if (draw < 0.76 && lastId !== undefined) return request('POST', lastId)
          if (draw < 0.9) return act(keeper.withdraw(owner, [pick(spare)], soon()))
          return act(keeper.grant(who, [pick(spare)], soon()))
        }),
      )
  })

  expect(faultsDelivered()).toBeGreaterThanOrEqual(leastFaults)
  world.seam.faults.clear()
  world.dynamoDb.faults.clear()
  await world.seam.faults.settle()
  const machine = world.another({ times: patient })
  const subs = Array.from({ length: runs }, (_, run) => `faulty-${run}`)
  // The grace passes, and cleaning up looks at everybody; then everybody asks once more.
  world.clock.advance(times.grace + times.lease)
  await inParallel(runs, (run) => quiet(machine, subs[run] as string))
  const owners: string[] = []
  await inParallel(runs, async (run) => {
    const { status, body } = await ask(machine, { token: await world.token(subs[run] as string) })
    const owner = ownerOfSub(subs[run] as string)
    owners.push(owner)
    history.push(
      { kind: 'asked', owner },
      { kind: 'answered', owner, status, token: body.token, code: body.code },
    )
    expect(status, `${subs[run]}: ${body.code}`).toBeLessThan(300)
  })

  const records = await Promise.all(owners.map((owner) => world.table.readUser(owner)))
  const afterwards = {
    sessions: world.seam.sessions().map((session) => ({
      token: session.token,
      key: session.user_identifier_key,
      live: session.live,
      accountIds: session.connected_account_ids,
    })),
    records: records.flatMap((user) =>
      user === undefined
        ? []
        : [
            {
              owner: user.owner,
              accountIds: user.connected_account_ids,
              keys: [...Object.values(user.sessions), ...user.retired].map((one) => one.user_identifier_key),
            },
          ],
    ),
    strangers: [stranger],
  }
  expect(records.filter((user) => user === undefined)).toEqual([])
  expect(brokenRules(history, afterwards)).toEqual([])
  // Not everything failed: a machine that only says 503 would pass the rest.
  const served = history.filter((happening) => happening.kind === 'answered' && happening.status < 300)
  expect(served.length - runs).toBeGreaterThan(runs)
}, 1_800_000)

/** What cleaning up does with a user, until there is nothing left to do. */
async function quiet(machine: VendingWorld['machine'], sub: string): Promise<void> {
  for (let round = 0; round < 4; round++) {
    const user = await world.table.readUser(ownerOfSub(sub))
    if (user === undefined) return
    if (user.retired.length === 0) return
    const act = { deadline: deadlineIn(patient.vend, world.clock.now), trace: newTrace() }
    await settleUser(machine.deps, user, act, { deletesOnly: false })
  }
}

/** Somebody else's client session in the same workspace. */
async function strangersSession(): Promise<string> {
  const response = await fetch(`${world.seam.url}/client_sessions/create`, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.seam.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      user_identifier_key: 'somebody-elses',
      expires_at: new Date(Date.now() + 86_400_000).toISOString(),
    }),
  })
  return ((await response.json()) as { client_session: { token: string } }).client_session.token
}

async function inParallel(count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async () => {
    while (next < count) {
      const n = next++
      await ahead.run({ ms: 0 }, () => work(n))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
}
