import { newUser, recordedSession } from '../../../functions/record/user.ts'
import { grant } from '../../../functions/record/writes.ts'
import { newBreakers } from '../../../functions/seam/breaker.ts'
import { times } from '../../../functions/times.ts'
import { deployed, machineOf, person } from './acts.ts'
import { clockwork } from './clockwork.ts'
import type { Act, Process, Surroundings } from './edges.ts'
import type { Protocol } from './protocol.ts'
import { accountCount, type Fate, type Moment, processCount, type Scenario } from './scenario.ts'
import { seamWorkspace } from './seam.ts'
import { modelTable } from './table.ts'
import { watcher } from './watch.ts'

/** Everything that a run has: Seam, the table, processes with clocks of their own, and the watch over them. */
export type World = ReturnType<typeof worldOf>

export const accountId = (account: number) => `account-${account}`
const everyAccount = Array.from({ length: accountCount }, (_, i) => accountId(i))
const start = Date.UTC(2030, 0, 1)

/** What becomes of a call that nothing is told about. */
const plain: Fate = [1, 0]

/** The fates of an act's calls, in their order; after the last, all goes well. */
export function fatesOf(told: Fate[] = []): (call: string) => Fate {
  let next = 0
  return () => told[next++] ?? plain
}

export function worldOf(scenario: Scenario, protocol: Protocol) {
  const time = clockwork(start)
  const now = time.now
  const lost = new Set<string>()
  const ahead = (which: number) => scenario.clocks[which % scenario.clocks.length] ?? 0
  const seamClock = () => now() + ahead(0)
  const acts: Act[] = []
  let ids = 0
  let sealingKey = 1
  let generation = 1
  let started = 1
  let foreignApiKey = false
  let quiet = false
  let deletesRefused: { until: number; status: number } | undefined

  const workspaceOf = (workspace_id: string) =>
    seamWorkspace({
      workspace_id,
      readings: scenario.readings,
      clock: seamClock,
      knowsAccount: (id) => !lost.has(id),
      changed: (session) => {
        if (workspace_id === 'ours') watch.changed(session)
      },
    })
  const seam = workspaceOf('ours')
  const foreignSeam = workspaceOf('foreign')
  const table = modelTable((before, after) => watch.wrote(before, after))
  const watch = watcher({
    now,
    seam: () => seam,
    user: table.read,
    users: () => table.users.values(),
    holds: table.holds,
    isTombstone: (id) => table.readTombstone(id) !== undefined,
    accountsKnownTo: () => everyAccount.filter((id) => !lost.has(id)),
  })
  const around: Surroundings = {
    clockwork: time,
    table,
    seam,
    foreignSeam,
    seamClock,
    watch,
    uuid: () => `00000000-0000-4000-8000-${(ids++).toString(16).padStart(12, '0')}`,
    sealingKey: () => sealingKey,
    deletesRefused: () =>
      deletesRefused !== undefined && now() < deletesRefused.until ? deletesRefused.status : undefined,
  }

  for (const workspace of [seam, foreignSeam]) {
    workspace.addStranger(null, everyAccount)
    // Of another deployment in the same workspace, whose users are the same people.
    workspace.addStranger(`model-ffffffff_${person(0).owner}_${around.uuid()}`, everyAccount)
  }

  scenario.users.forEach((accounts, user) => {
    if (accounts === null) return
    const held = accounts.map(accountId)
    const { owner, subject, iss, sub } = person(user)
    for (const id of held) table.addHolder(id, owner)
    table.users.set(owner, {
      ...grant(newUser({ owner, subject, iss, sub }, start), held, start),
      revision: around.uuid(),
    })
  })

  const everStarted: Process[] = []
  function spawn(): Process {
    const name = started++
    const process: Process = {
      name,
      ahead: ahead(name),
      generation,
      alive: true,
      frozenUntil: 0,
      holdsWrites: false,
      writesInTime: false,
      settings: undefined,
      breakers: newBreakers(),
    }
    everStarted.push(process)
    return process
  }
  const processes = Array.from({ length: processCount }, spawn)

  /** Begins an act; it must have ended within `limit` ms, unless its process was killed or frozen. */
  function begin(name: string, process: Process, limit: number, fates = fatesOf()) {
    const act: Act = {
      name,
      process,
      workspace: foreignApiKey ? foreignSeam : seam,
      fate: (call) => (quiet ? plain : fates(call)),
      startedAt: now(),
      seen: undefined,
      binding: 'shared',
      judgedAt: 0,
      committedAt: 0,
      spins: 0,
      ended: false,
    }
    acts.push(act)
    time.at(now() + limit, () => {
      const frozen = process.frozenUntil >= act.startedAt
      if (!act.ended && process.alive && !frozen) watch.fail('ends', `${name} has not ended`)
    })
    return { act, machine: machineOf(protocol, around, act, scenario.offer) }
  }

  /** The moment in true time, by the clocks of those who wait for it. */
  function timeOf({ user, sid, of, plus }: Moment): number {
    const { owner, binding } = person(user, { sid, offer: scenario.offer })
    const record = table.read(owner)
    const { terms } = deployed(scenario.offer, generation)
    const longestAge = Object.values(terms.longestAges)[0] ?? 0
    const session = record && recordedSession(record, binding)
    const at = {
      margin: session && session.expires_at - terms.refreshMargin,
      too_short: session && session.expires_at - times.goodForMore,
      expiry: session?.expires_at,
      longest_age: session && session.created_at + longestAge,
      access_until: record?.access_until,
      lease: record?.sessions[binding]?.lease_until,
      grace: record?.retired[0] && record.retired[0].at + times.grace,
      budget: record && record.creations_since + times.budgetWindow,
    }[of]
    return (at ?? now()) + plus
  }

  return {
    ...around,
    scenario,
    now,
    seam,
    table,
    watch,
    processes,
    acts,
    lost,
    begin,
    timeOf,
    spawn,
    kill(which: number): void {
      const process = processes[which] as Process
      process.alive = false
      processes[which] = spawn()
    },
    killAll(): void {
      for (const process of everStarted) process.alive = false
    },
    /** A deployment after a restore: no process of before is left, and its records' keys are of another generation. */
    deployAnew(): void {
      generation++
      for (let which = 0; which < processCount; which++) processes[which] = spawn()
    },
    /** As an operator has it, with whom nothing fails any more. */
    withoutTrouble(): void {
      quiet = true
      deletesRefused = undefined
    },
    withTrouble(): void {
      quiet = false
    },
    /** From now on nothing fails any more. */
    calmDown(): void {
      quiet = true
      foreignApiKey = false
      deletesRefused = undefined
    },
    /** One whose clock agrees with Seam's, as after an administrator has looked. */
    spawnInTime: (): Process => ({ ...spawn(), ahead: ahead(0) }),
    terms: () => deployed(scenario.offer, generation).terms,
    swapApiKey: (foreign: boolean) => {
      // Whatever workspace is asked first is the one of this table.
      foreignApiKey = foreign && table.readSettings() !== undefined
    },
    refuseDeletes: (ms: number, status: number) => {
      deletesRefused = { until: now() + ms, status }
    },
    loseSealingKey: () => {
      sealingKey++
    },
    raiseGeneration: () => {
      generation++
      for (let which = 0; which < processCount; which++)
        if (which > 0 || generation % 2 === 0) processes[which] = spawn()
    },
  }
}
