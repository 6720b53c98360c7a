import { describe, expect, test } from 'vitest'
import { Problem } from '../../../functions/http/problem.ts'
import { SeamFailure } from '../../../functions/seam/failure.ts'
import { times } from '../../../functions/times.ts'
import { machineOf, person } from '../model/acts.ts'
import { edgesOf } from '../model/edges.ts'
import { type Protocol, protocol } from '../model/protocol.ts'
import type { Scenario } from '../model/scenario.ts'
import { worldOf } from '../model/world.ts'

/** What Seam's trouble costs callers: table operations, calls and time, counted in virtual time. */

const quiet: Scenario = {
  readings: { get_or_create: 'replaces', dead_sessions: 'stay_dead', unknown_account: 400, list: 'live' },
  offer: 0,
  users: [[0], [1], [2]],
  clocks: [0],
  commands: [],
}

type Trouble = 503 | 'silent' | 'well'

interface Cost {
  code: string
  retryAfter: number
  detail: string | undefined
  reads: number
  writes: number
  /** At Seam, by name. */
  calls: string[]
  /** Lambda-milliseconds. */
  took: number
}

async function down(script: (lab: ReturnType<typeof labOf>) => Promise<void>): Promise<void> {
  const lab = labOf()
  let over = false
  const done = script(lab).finally(() => {
    over = true
  })
  await lab.world.clockwork.turn(() => over)
  expect(lab.world.watch.failure()).toBeUndefined()
  await done
}

function labOf() {
  const trouble: { create: Trouble; end: Trouble } = { create: 'well', end: 'well' }
  const { clock, by, count } = countingProtocol(trouble)
  const world = worldOf(quiet, by)
  clock.now = world.now
  clock.sleep = world.clockwork.sleep
  const processes = [...world.processes]

  async function request(
    work: (machine: ReturnType<typeof machineOf>) => Promise<{ error?: unknown }>,
    process = processes[0] as (typeof processes)[number],
  ): Promise<Cost> {
    const { act } = world.begin('request', process, 60_000)
    const cost = count(act)
    const started = world.now()
    const { error } = await work(machineOf(by, world, act, quiet.offer))
    act.ended = true
    if (error !== undefined && !(error instanceof Problem)) throw error
    return {
      ...cost,
      code: error === undefined ? 'ok' : error.code,
      retryAfter: Math.ceil(error?.details.retryAfter ?? 0),
      detail: error?.details.detail,
      took: world.now() - started,
    }
  }
  return {
    world,
    trouble,
    vend: (user: number, process?: (typeof processes)[number]) =>
      request((machine) => machine.vend(person(user)), process),
    signOut: (user: number) => request((machine) => machine.signOut(person(user), false)),
    processes,
    wait: (ms: number) => world.clockwork.sleep(ms),
  }
}

type Counted = Pick<Cost, 'reads' | 'writes' | 'calls'>

/** The real acts over edges that count, and a Seam in trouble. */
function countingProtocol(trouble: { create: Trouble; end: Trouble }) {
  const counts = new WeakMap<object, Counted>()
  const count = (act: object): Counted => {
    const found = counts.get(act) ?? { reads: 0, writes: 0, calls: [] }
    counts.set(act, found)
    return found
  }
  const clock = { now: () => 0, sleep: async (_: number) => {} }
  const by: Protocol = {
    ...protocol,
    edgesOf(around, act) {
      const edges = edgesOf(around, act)
      const cost = count(act)
      async function at<T>(kind: 'create' | 'end', name: string, call: () => Promise<T>): Promise<T> {
        cost.calls.push(name)
        if (trouble[kind] === 'well') return call()
        const silent = trouble[kind] === 'silent'
        await clock.sleep(silent ? times.seam : 1)
        if (!act.process.alive) return new Promise(() => {})
        throw silent
          ? new SeamFailure('upstream_timeout', name, { reason: 'no answer in time' })
          : new SeamFailure('upstream_unavailable', name, { status: 503, reason: 'Seam answered 503' })
      }
      return {
        ...edges,
        table: {
          ...edges.table,
          readUser: (owner) => {
            cost.reads++
            return edges.table.readUser(owner)
          },
          compareAndSet: (...write) => {
            cost.writes++
            return edges.table.compareAndSet(...write)
          },
        },
        seam: {
          ...edges.seam,
          getOrCreate: (...how) => at('create', 'get_or_create', () => edges.seam.getOrCreate(...how)),
          delete: (...how) => at('end', 'delete', () => edges.seam.delete(...how)),
          list: (...how) => at('end', 'list', () => edges.seam.list(...how)),
        },
      }
    },
  }
  return { clock, by, count }
}

describe('Seam answers with an error', () => {
  test('an attempt costs a read, two writes and its call; the next is not told that anybody is at work', () =>
    down(async ({ trouble, vend }) => {
      trouble.create = 503
      for (let attempt = 0; attempt < 5; attempt++)
        expect(await vend(0)).toMatchObject({
          code: 'upstream_unavailable',
          detail: 'get_or_create at Seam failed: Seam answered 503.',
          reads: 1,
          writes: 2,
          calls: ['get_or_create'],
          // Each operation takes one millisecond here; the first vend of a process reads the settings as well.
          took: attempt === 0 ? 7 : 4,
        })
    }))

  test('after five the breaker is open: a read, no write, no call, and no longer than a reuse', () =>
    down(async ({ trouble, vend }) => {
      await vend(1)
      const reuse = await vend(1)
      trouble.create = 503
      for (let attempt = 0; attempt < 5; attempt++) await vend(0)
      const cost = await vend(0)
      expect(cost).toMatchObject({
        code: 'upstream_unavailable',
        reads: 1,
        writes: 0,
        calls: [],
        retryAfter: 2,
      })
      expect(cost.took).toBeLessThanOrEqual(2 * reuse.took)
      expect(await vend(1)).toEqual(reuse)
    }))
})

describe('Seam is silent', () => {
  test('forty requests cost two time-outs and then nothing', () =>
    down(async ({ trouble, vend }) => {
      trouble.create = 'silent'
      let took = 0
      const calls: string[] = []
      for (let request = 0; request < 40; request++) {
        const cost = await vend(0)
        expect(cost.code).toMatch(/^upstream_(timeout|unavailable)$/)
        took += cost.took
        calls.push(...cost.calls)
      }
      expect(calls).toHaveLength(2)
      expect(took).toBeLessThan(2 * times.seam + 40 * 5)
    }))

  test('while the breaker is open a process calls thirty times a minute at most, whatever it is asked', () =>
    down(async ({ world, trouble, vend, wait }) => {
      trouble.create = 'silent'
      for (const user of [0, 1]) await vend(user)
      const calls: string[] = []
      const ends = world.now() + 60_000
      const asking: Promise<void>[] = []
      while (world.now() < ends) {
        asking.push(vend(asking.length % 3).then((cost) => void calls.push(...cost.calls)))
        await wait(50)
      }
      await Promise.all(asking)
      expect(calls.length).toBeGreaterThan(20)
      expect(calls.length).toBeLessThanOrEqual(30)
    }))

  test('who waits for another process waits for a second, and looks four times', () =>
    down(async ({ trouble, vend, processes, wait }) => {
      trouble.create = 'silent'
      const first = vend(0)
      await wait(100)
      const waiting = await vend(0, processes[1])
      expect(waiting).toMatchObject({ code: 'busy', writes: 0, calls: [] })
      expect(waiting.reads).toBeLessThanOrEqual(5)
      expect(waiting.took).toBeLessThanOrEqual(times.waiting + 20)
      expect((await first).code).toBe('upstream_timeout')
    }))
})

describe('the breaker is open, and another process holds the lease', () => {
  test('nobody waits for it', () =>
    down(async ({ trouble, vend, processes, wait }) => {
      trouble.create = 'silent'
      for (const user of [1, 2]) await vend(user)
      const other = vend(0, processes[1])
      await wait(100)
      const cost = await vend(0)
      expect(cost).toMatchObject({ code: 'upstream_unavailable', reads: 1, writes: 0, calls: [] })
      expect(cost.took).toBeLessThan(10)
      await other
    }))
})

describe('a process dies while it calls Seam', () => {
  test('its lease is waited for until it ends, and then taken', () =>
    down(async ({ world, trouble, vend, processes, wait }) => {
      trouble.create = 'silent'
      void vend(0)
      await wait(100)
      world.kill(0)
      trouble.create = 'well'
      await wait(times.lease - 400)
      const cost = await vend(0, processes[1])
      expect(cost).toMatchObject({ code: 'ok', calls: ['get_or_create'] })
      expect(cost.took).toBeLessThanOrEqual(320)
    }))
})

describe.each([503, 'silent'] as const)('Seam is well again after %s', (kind) => {
  test('within two and a half seconds the next request has its token', () =>
    down(async ({ world, trouble, vend, wait }) => {
      trouble.create = kind
      for (let request = 0; request < 200; request++) {
        await vend(0)
        await wait(100)
      }
      trouble.create = 'well'
      const healed = world.now()
      for (;;) {
        const { code, calls } = await vend(0)
        if (code === 'ok') {
          expect(calls).toEqual(['get_or_create'])
          break
        }
        await wait(100)
      }
      expect(world.now() - healed).toBeLessThanOrEqual(2500)
      expect(await vend(1)).toMatchObject({ code: 'ok' })
    }))
})

describe('deletes alone fail', () => {
  test('a sign-out is a 503 and written down; after the breaker has opened it asks Seam nothing', () =>
    down(async ({ world, trouble, vend, signOut }) => {
      trouble.end = 'silent'
      for (const user of [0, 1, 2]) await vend(user)
      expect(await signOut(0)).toMatchObject({ code: 'upstream_timeout', calls: ['delete'] })
      expect(await signOut(0)).toMatchObject({ code: 'upstream_timeout', calls: ['delete'] })
      const third = await signOut(1)
      expect(third).toMatchObject({ code: 'upstream_unavailable', calls: [], reads: 2, writes: 1 })
      expect(third.took).toBeLessThan(20)
      expect(world.table.read(person(1).owner)?.retired).toHaveLength(1)
      // A vend asks another breaker.
      expect(await vend(1)).toMatchObject({ code: 'ok', calls: ['get_or_create'] })
    }))

  test('what a vend has replaced is left to cleanup', () =>
    down(async ({ world, trouble, vend, signOut, wait }) => {
      await vend(0)
      await vend(1)
      trouble.end = 'silent'
      await signOut(1)
      await signOut(1)
      const expires = Object.values(world.table.read(person(0).owner)?.sessions ?? {})[0]?.expires_at ?? 0
      await wait(expires - world.now() + 1)
      const cost = await vend(0)
      expect(cost).toMatchObject({ code: 'ok', calls: ['get_or_create'] })
      expect(cost.took).toBeLessThan(20)
    }))

  test('one delete per session at a time, however many sign out', () =>
    down(async ({ trouble, vend, signOut }) => {
      await vend(0)
      trouble.end = 'silent'
      const all = await Promise.all(Array.from({ length: 10 }, () => signOut(0)))
      expect(all.flatMap(({ calls }) => calls)).toEqual(['delete'])
      expect(new Set(all.map(({ code }) => code))).toEqual(new Set(['upstream_timeout']))
    }))
})
