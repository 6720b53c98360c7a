import { judge } from '../../../functions/session/verdict.ts'
import { person } from './acts.ts'
import { carryOutDeed, isOurs } from './doing.ts'
import type { Process } from './edges.ts'
import { heal } from './healing.ts'
import { type Protocol, protocol } from './protocol.ts'
import { restore } from './restoring.ts'
import type { Command, Freeze, Scenario } from './scenario.ts'
import type { Failure } from './watch.ts'
import { accountId, type World, worldOf } from './world.ts'

/** What a run came to. */
export interface Played {
  failure: Failure | undefined
  /** The first time that was written longer after it was taken than clocks may differ, because its process froze. */
  writtenLate: string | undefined
  /** How often each verdict was reached, as `act:reason`. */
  reached: Map<string, number>
  story: string[]
}

/** A scenario on its way. */
export interface Run {
  world: World
  reached: Map<string, number>
  tell: ((line: string) => void) | undefined
  /** The client session that each login was handed last, by its binding, as its page knows it. */
  lastHanded: Map<string, { id: string; token: string }>
  /** When logins in Connect Webviews happened: each is told with one time. */
  logins: Map<string, number>
  deletedByPersons: Set<string>
  /** One before each command, where one of them restores. */
  backups: ((() => void) | undefined)[]
}

/** Runs a scenario to its end, with the real acts or with a mistake in them; stops at the first invariant that does not hold. */
export async function play(
  scenario: Scenario,
  { told = false, by = protocol }: { told?: boolean; by?: Protocol } = {},
): Promise<Played> {
  const world = worldOf(scenario, by)
  const story: string[] = []
  const start = world.now()
  const run: Run = {
    world,
    reached: new Map(),
    tell: told ? (line) => story.push(`${((world.now() - start) / 1000).toFixed(3)} ${line}`) : undefined,
    lastHanded: new Map(),
    logins: new Map(),
    deletedByPersons: new Set(),
    backups: [],
  }
  let over = false
  const script = tellAll(run).finally(() => {
    over = true
  })
  const turning = world.clockwork.turn(() => over || world.watch.failure() !== undefined)
  // A script that throws is a fault of the model; one that waits for ever is found out below.
  await Promise.race([turning, script.then(() => turning)])
  if (!over) world.watch.fail('ends', 'nothing happens any more')
  return {
    failure: world.watch.failure(),
    writtenLate: world.watch.writtenLate(),
    reached: run.reached,
    story,
  }
}

async function tellAll(run: Run): Promise<void> {
  const { world } = run
  const { scenario } = world
  for (const command of scenario.commands) {
    const { after } = command
    await wait(world, typeof after === 'number' ? after : world.timeOf(after) - world.now())
    lookAround(run)
    const restores = command.do === 'restore' ? run.backups.at(-command.back) : undefined
    if (scenario.commands.some(({ do: deed }) => deed === 'restore')) run.backups.push(world.table.backup())
    if (restores !== undefined) await restore(run, restores, command.fates)
    else perform(run, command)
  }
  await heal(run)
}

/** Why nothing is to be done about a login, as an operator who asks for an explanation would be told. */
function lookAround({ world, reached }: Run): void {
  for (const user of world.table.users.values())
    for (const binding of [
      person(0, { offer: world.scenario.offer }).binding,
      ...Object.keys(user.sessions),
    ]) {
      const { act, reason } = judge(user, binding, world.terms(), world.now(), { asked: false })
      if (act === 'leave') reached.set(`leave:${reason}`, (reached.get(`leave:${reason}`) ?? 0) + 1)
    }
}

/** At most a day: a moment may be far away. */
export function wait(world: World, ms: number): Promise<void> {
  return world.clockwork.sleep(Math.min(Math.max(0, ms), 26 * 3_600_000))
}

/** Begins what a command says; what it leads to happens in its own time. */
function perform(run: Run, command: Command): void {
  const { world } = run
  run.tell?.(JSON.stringify({ ...command, fates: undefined }))
  if (isOurs(command)) void carryOutDeed(run, command)
  else if (command.do === 'kill') world.kill(command.process)
  else if (command.do === 'freeze') freeze(world, command)
  else if (command.do === 'lose_account') world.lost.add(accountId(command.account))
  else if (command.do === 'find_account') world.lost.delete(accountId(command.account))
  else if (command.do === 'lose_sealing_key') world.loseSealingKey()
  else if (command.do === 'raise_generation') world.raiseGeneration()
  else if (command.do === 'swap_api_key') world.swapApiKey(command.foreign)
  else if (command.do === 'deletes_fail') world.refuseDeletes(command.ms, command.status)
  else if (command.do === 'delete_at_seam') deleteAtSeam(run, command.user, command.sid)
}

function freeze({ processes, now }: World, { process: which, ms, writing, inTime }: Freeze): void {
  const process = processes[which] as Process
  process.frozenUntil = Math.max(process.frozenUntil, now() + ms)
  process.holdsWrites = writing ?? false
  process.writesInTime = inTime ?? false
}

function deleteAtSeam({ world, deletedByPersons }: Run, user: number, sid: number): void {
  const { owner, binding } = person(user, { sid, offer: world.scenario.offer })
  const id = world.table.read(owner)?.sessions[binding]?.client_session_id
  const session = id === undefined ? undefined : world.seam.find(id)
  if (session === undefined) return
  deletedByPersons.add(session.client_session_id)
  session.deleted = true
}
