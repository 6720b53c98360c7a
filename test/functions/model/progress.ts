import { machineOf, person } from './acts.ts'
import { type Protocol, protocol } from './protocol.ts'
import type { Fate, Scenario } from './scenario.ts'
import { type World, worldOf } from './world.ts'

/** What costs nobody their safety, only their time: each answers what is wrong, or nothing. */
export const progress = {
  own_lost_answer: 'a write whose answer was lost is known as our own',
  no_churn: 'a client session that has what it should is reused, whatever else was written',
  bare_keys: 'what takes away succeeds, though a key that nobody answered was retired',
  one_call_each: 'of eight logins at once each is served by one call',
  few_reports: 'a login that reports one client session after the other dead gets no further one at once',
  in_flight: 'a session in flight makes room for no other',
  own_backoff: 'an entry that Seam does not delete delays no other',
} as const

export type Progress = keyof typeof progress

const minute = 60_000

/** Which offer each needs; 0 has one session per user. */
const offers: Partial<Record<Progress, number>> = { one_call_each: 1, in_flight: 2, own_backoff: 1 }

const checks: Record<Progress, (stage: Stage) => Promise<string | undefined>> = {
  async own_lost_answer({ begin }) {
    const { machine, made } = begin('vend', { compareAndSet: [1, 0, 'own'] })
    const { value: vended, audit } = await machine.vend(person(0))
    if (vended?.isNew !== true) return `is not told as new: ${audit.verdicts}`
    const writes = made.filter((call) => call === 'compareAndSet').length
    return writes === 2 ? undefined : `${writes} writes`
  },

  async no_churn({ begin }) {
    await begin('vend').machine.vend(person(0))
    // Something else is written: accounts that are there already.
    const grant = begin('grant')
    await grant.machine.keep((keeper, deadline) =>
      keeper.set(person(0), ['account-0', 'account-1'], deadline),
    )
    const { machine, made } = begin('vend')
    await machine.vend(person(0))
    return made.join() === 'read' ? undefined : `made the calls ${made}`
  },

  async bare_keys({ begin }) {
    const failed = await begin('vend', { getOrCreate: [1, 0, 'failed'] }).machine.vend(person(0))
    if (failed.error === undefined) return 'the call did not fail'
    const { machine } = begin('sign_out')
    const { error } = await machine.signOut({ ...person(0), issued_at: Date.UTC(2040, 0, 1) }, false)
    return error === undefined ? undefined : `signing out says ${error}`
  },

  async one_call_each({ begin, offer }) {
    const vends = Array.from({ length: 8 }, (_, sid) => {
      const { machine, made } = begin('vend', { getOrCreate: [250, 250] })
      return { made, vended: machine.vend(person(0, { sid, offer })) }
    })
    const served = await Promise.all(vends.map(({ vended }) => vended))
    const errors = served.flatMap(({ error }) => (error === undefined ? [] : [String(error)]))
    const calls = vends.flatMap(({ made }) => made).filter((call) => call === 'getOrCreate').length
    return calls === 8 && errors.length === 0 ? undefined : `${calls} calls, ${errors}`
  },

  async few_reports({ begin }) {
    const made: string[] = []
    let id: string | undefined
    for (let report = 0; report < 3; report++) {
      const act = begin('vend')
      const { value } = await act.machine.vend(person(0), id)
      made.push(...act.made)
      id = value?.body.client_session_id ?? id
    }
    const calls = made.filter((call) => call === 'getOrCreate').length
    return calls === 2 ? undefined : `${calls} client sessions`
  },

  async in_flight({ begin, offer, world }) {
    const vends = [0, 1].map((sid) => {
      const { machine, made } = begin('vend', { getOrCreate: [1000, 500] })
      return { made, vended: machine.vend(person(0, { sid, offer })) }
    })
    await world.clockwork.sleep(500)
    const late = await begin('vend').machine.vend(person(0, { sid: 2, offer }))
    if (late.value !== undefined) return 'a third is served'
    for (const { made, vended } of vends) {
      const { error } = await vended
      const calls = made.filter((call) => call === 'getOrCreate').length
      if (error !== undefined || calls !== 1) return `${calls} calls, ${error}`
    }
    return undefined
  },

  async own_backoff({ begin, offer, world }) {
    const [first, second] = [0, 1].map((sid) => ({
      ...person(0, { sid, offer }),
      issued_at: Date.UTC(2040, 0, 1),
    })) as [ReturnType<typeof person>, ReturnType<typeof person>]
    const { owner } = first
    await begin('vend').machine.vend(first)
    await begin('vend').machine.vend(second)
    world.refuseDeletes(37 * minute, 500)
    await begin('sign_out').machine.signOut(first, false)
    // Each failure doubles the wait.
    for (const wait of [2, 3, 5, 9, 17, 5]) {
      await begin('clean_up').machine.cleanUp({})
      await world.clockwork.sleep(wait * minute)
    }
    await begin('sign_out', { delete: [1, 0, 'failed'] }).machine.signOut(second, false)
    await begin('clean_up').machine.cleanUp({})
    const left = world.table.read(owner)?.retired.filter(({ deleted_at }) => deleted_at === undefined)
    const [one, ...more] = left ?? []
    return one?.binding === first.binding && more.length === 0 ? undefined : JSON.stringify(left)
  },
}

const quiet: Omit<Scenario, 'offer'> = {
  readings: { get_or_create: 'replaces', dead_sessions: 'stay_dead', unknown_account: 400, list: 'live' },
  users: [[0, 1]],
  clocks: [0],
  commands: [],
}

interface Stage {
  world: World
  offer: number
  /** An act with its fates by call, and the calls that it makes. */
  begin(name: string, fates?: Record<string, Fate>): { machine: ReturnType<typeof machineOf>; made: string[] }
}

export async function checkProgress(which: Progress, by: Protocol = protocol): Promise<string | undefined> {
  const offer = offers[which] ?? 0
  const world = worldOf({ ...quiet, offer }, by)
  const process = world.spawnInTime()
  let over = false
  const checking = checks[which]({ world, offer, begin }).finally(() => {
    over = true
  })
  await world.clockwork.turn(() => over)
  return checking

  function begin(name: string, fates: Record<string, Fate> = {}) {
    const { act } = world.begin(name, process, 600_000)
    const made: string[] = []
    act.fate = (call) => {
      made.push(call)
      return fates[call] ?? [1, 0]
    }
    return { machine: machineOf(by, world, act, offer), made }
  }
}
