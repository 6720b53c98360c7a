import type { CleanupReport } from '../../../functions/cleanup/report.ts'
import { type Run, wait } from './play.ts'
import type { Fate } from './scenario.ts'
import { fatesOf } from './world.ts'

const minute = 60_000

/**
 * The table is an earlier one, and an operator follows the runbook (DESIGN §3, `generation`): vending is closed, the
 * generation raised; cleaning up looks at all users, then cleans up after all of them; `orphans` twice with an hour
 * between, until none is left; cleaning up once more; then vending opens. What fails on the way is done again.
 */
export async function restore(run: Run, backup: () => void, told?: Fate[]): Promise<void> {
  const { world } = run
  const fates = fatesOf(told)
  world.killAll()
  world.swapApiKey(false)
  backup()
  world.watch.restored()
  world.deployAnew()
  run.tell?.('  restored')
  const process = world.spawnInTime()

  await cleanUp({ allUsers: true, dryRun: true })
  await patiently(async () => isDone(await cleanUp({ allUsers: true, overrideFuse: true })))
  await patiently(async () => (await orphans(false)) !== undefined)
  await wait(world, 61 * minute)
  await patiently(async () => {
    const left = await orphans(true)
    if (left?.some(({ state }) => state === 'just_seen')) await wait(world, 61 * minute)
    return left?.length === 0
  })
  // Once more over all: what a record had only begun has no id, and shows under its key after the grace.
  await patiently(async () => isDone(await cleanUp({ allUsers: true, overrideFuse: true })))
  world.watch.opens()

  async function cleanUp(how: { allUsers?: boolean; dryRun?: boolean; overrideFuse?: boolean }) {
    const { act, machine } = world.begin('clean_up', process, 6 * minute, fates)
    const report = await machine.cleanUp(how)
    act.ended = true
    run.tell?.(`  runbook: ${JSON.stringify(how)} ${JSON.stringify(report)}`)
    return report
  }

  async function orphans(remove: boolean) {
    const { act, machine } = world.begin('orphans', process, 6 * minute, fates)
    const found = await machine.orphans({ delete: remove }).catch(() => undefined)
    act.ended = true
    run.tell?.(`  runbook: orphans ${JSON.stringify(found)}`)
    return found
  }

  /** After a few failures the operator waits until Seam is well again. */
  async function patiently(work: () => Promise<boolean>): Promise<void> {
    for (let round = 0; round < 12; round++) {
      if (round > 3) world.withoutTrouble()
      if (await work()) return world.withTrouble()
      await wait(world, 5 * minute)
    }
    world.watch.fail('heals', 'the runbook comes to no end')
  }
}

function isDone({ stopped, failed, left_for_next_time, held_back }: CleanupReport): boolean {
  const nothing = stopped === undefined || stopped === 'nothing_made_yet'
  return nothing && failed + left_for_next_time + held_back === 0
}
