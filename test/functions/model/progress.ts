import { machineOf, person } from './acts.ts'
import { type Protocol, protocol } from './protocol.ts'
import type { Scenario } from './scenario.ts'
import { worldOf } from './world.ts'

/** What costs nobody their safety, only their time: each answers what is wrong, or nothing. */
export const progress = {
  own_lost_answer: 'a write whose answer was lost is known as our own',
  no_churn: 'a client session that has what it should is reused, whatever else was written',
} as const

export type Progress = keyof typeof progress

const quiet: Scenario = {
  readings: { get_or_create: 'replaces', dead_sessions: 'stay_dead', unknown_account: 400, list: 'live' },
  offer: 0,
  users: [[0, 1]],
  clocks: [0],
  commands: [],
}

export async function checkProgress(which: Progress, by: Protocol = protocol): Promise<string | undefined> {
  const world = worldOf(quiet, by)
  const [process] = world.processes
  if (process === undefined) return 'no process'
  let over = false
  const checking = { own_lost_answer, no_churn }[which]().finally(() => {
    over = true
  })
  await world.clockwork.turn(() => over)
  return checking

  function begin(name: string, ...calls: [string, 'own'][]) {
    const { act } = world.begin(name, process as NonNullable<typeof process>, 60_000)
    const made: string[] = []
    act.fate = (call) => {
      made.push(call)
      return calls.some(([which]) => which === call) ? [1, 0, 'own'] : [1, 0]
    }
    return { machine: machineOf(by, world, act, quiet.offer), made }
  }

  async function own_lost_answer(): Promise<string | undefined> {
    const { machine, made } = begin('vend', ['compareAndSet', 'own'])
    const { value: vended, audit } = await machine.vend(person(0))
    if (vended?.isNew !== true) return `is not told as new: ${audit.verdicts}`
    const writes = made.filter((call) => call === 'compareAndSet').length
    return writes === 2 ? undefined : `${writes} writes`
  }

  async function no_churn(): Promise<string | undefined> {
    const first = begin('vend')
    await first.machine.vend(person(0))
    // Something else is written: accounts that are there already.
    const grant = begin('grant')
    await grant.machine.keep((keeper, deadline) =>
      keeper.set(person(0), ['account-0', 'account-1'], deadline),
    )
    const { machine, made } = begin('vend')
    await machine.vend(person(0))
    return made.join() === 'read' ? undefined : `made the calls ${made}`
  }
}
