import { isRecorded, recordedSession, type User, wantedAccountIds } from '../../../functions/record/user.ts'
import { barredReason, budgetReturnsIn } from '../../../functions/session/verdict.ts'
import { times } from '../../../functions/times.ts'
import { person } from './acts.ts'
import { vend } from './doing.ts'
import { type Run, wait } from './play.ts'

const minute = 60_000

/**
 * The trouble is over: nothing fails any more, everybody is awake, and the schedule cleans up as ever. Then everything
 * must be well again without anybody's doing.
 */
export async function heal(run: Run): Promise<void> {
  const { world } = run
  const { watch } = world
  world.calmDown()
  await wait(world, times.lateCall + times.seam + 1000)
  // Acts that were frozen have their time again when they wake.
  for (let turn = 0; turn < 70 && world.acts.some(isUnderWay); turn++) await wait(world, minute)
  const lazy = world.acts.find(isUnderWay)
  if (lazy !== undefined) return watch.fail('ends', `${lazy.name} has not ended`)

  await wait(world, times.lease + times.clockSkew)
  const process = world.spawnInTime()
  await cleanUntilQuiet()
  for (let user = 0; user < world.scenario.users.length; user++) await serve(user)
  await wait(world, Math.max(...Object.values(world.terms().longestAges)) + 5 * minute)
  await cleanUntilQuiet()
  for (const session of world.seam.sessions())
    if (!session.stranger && world.seam.isLive(session))
      watch.fail('heals', `${session.client_session_id} lives on`)

  function isUnderWay({ process, ended }: (typeof world.acts)[number]): boolean {
    return process.alive && !ended
  }

  async function cleanUp(): Promise<void> {
    const { act, machine } = world.begin('clean_up', process, 5 * minute)
    const report = await machine.cleanUp({})
    run.tell?.(`  quiet cleanup ${JSON.stringify(report)}`)
    act.ended = true
  }

  /** As the schedule does, every five minutes; after many failures a record is looked at once a day. */
  async function cleanUntilQuiet(): Promise<void> {
    for (let round = 0; round < 12; round++) {
      await cleanUp()
      if (isQuiet()) return
      await wait(world, round === 5 ? 26 * 60 * minute : 5 * minute)
    }
    const left = [...world.table.users.values()].find(isUnsettled)
    watch.fail('heals', `after hours of cleaning up: ${JSON.stringify(left)}`)
  }

  function isUnsettled({ retired, sessions }: User): boolean {
    return retired.length > 0 || Object.values(sessions).some((session) => !isRecorded(session))
  }

  function isQuiet(): boolean {
    if ([...world.table.users.values()].some(isUnsettled)) return false
    for (const session of world.seam.sessions()) {
      if (session.stranger || !world.seam.isLive(session)) continue
      const user = [...world.table.users.values()].find(({ sessions }) =>
        Object.values(sessions).some(({ user_identifier_key: key }) => key === session.user_identifier_key),
      )
      if (user === undefined) return false
    }
    return true
  }

  /** A page that asks, again when it is told to, gets what the record says; and gets it anew when it is to be extended. */
  async function serve(user: number): Promise<void> {
    // A login that the provider has not ended.
    const { owner, binding } = loginOf(user)
    const first = await ask(user)
    if (first === undefined) return
    const record = world.table.read(owner)
    if (record === undefined) return
    const session = recordedSession(record, binding)
    if (session === undefined) return watch.fail('heals', `${owner} has no client session`)
    await wait(world, session.expires_at - world.terms().refreshMargin + 1000 - world.now() - process.ahead)
    await ask(user)
    // Without budget for a new client session, one with an account that Seam has lost is reused as it is.
    const asked = world.table.read(owner)
    if (asked !== undefined && budgetReturnsIn(asked, binding, world.terms(), world.now()) > 0) {
      await wait(world, times.budgetWindow)
      await ask(user)
    }
    const later = world.table.read(owner)
    if (later === undefined || barredReason(later, world.now() + process.ahead) !== undefined) return
    checkExact(later, binding)
  }

  /** A login of its own, of which nobody has told that it has ended. */
  function loginOf(user: number) {
    return person(user, { sid: 9, offer: world.scenario.offer })
  }

  async function ask(user: number): Promise<string | undefined> {
    const { owner, binding } = loginOf(user)
    for (let retryDelay = 0; retryDelay < 10; retryDelay++) {
      const { act, machine } = world.begin('vend', process, times.vend)
      const { id, token, code } = await vend(run, { user, sid: 9 }, act, machine)
      act.ended = true
      const record = world.table.read(owner)
      if (id === undefined) {
        const barred = record && barredReason(record, world.now() + process.ahead)
        if (code === 'subject_disabled' && barred !== undefined) return undefined
        // Without a session claim nobody has another login than the one that has ended.
        if (code === 'invalid_token' && Object.hasOwn(record?.ended ?? {}, binding)) return undefined
        if (code === 'rate_limited') await wait(world, times.budgetWindow)
        else await wait(world, 15_000)
        continue
      }
      const session = [...world.seam.sessions()].find((one) => one.token === token)
      if (session !== undefined && world.seam.isLive(session)) return id
      // Somebody has deleted it at Seam, or a late call has shortened it; the page finds out and says so.
      const left = (record?.sessions[binding]?.expires_at ?? 0) - world.now()
      if (
        !run.deletedByPersons.has(session?.client_session_id ?? '') &&
        !session?.shortened &&
        left > 3 * minute
      )
        return fail(`${id} is dead, and nobody has deleted it`)
      const reporting = world.begin('report_dead', process, times.vend)
      await vend(run, { user, sid: 9 }, reporting.act, reporting.machine, { dead: true })
      reporting.act.ended = true
      await wait(world, times.reportedDead)
    }
    return fail(`${owner} gets no token`)
  }

  function checkExact(user: User, binding: string): void {
    const session = recordedSession(user, binding)
    const there =
      session && world.seam.under(session.user_identifier_key).find((one) => world.seam.isLive(one))
    if (session === undefined || there === undefined || !world.seam.isLive(there)) {
      watch.fail('heals', `${user.owner} has no live client session`)
      return
    }
    const wanted = wantedAccountIds(user, times, world.now() + process.ahead)
    const missing = wanted.filter((id) => !world.lost.has(id) && !there.connected_account_ids.includes(id))
    const more = there.connected_account_ids.filter((id) => !user.connected_account_ids.includes(id))
    // A late call that asked for less leaves it short until it is extended or replaced.
    if ((missing.length > 0 && !there.shortened) || more.length > 0)
      watch.fail('heals', `${user.owner}: ${missing} missing, ${more} too many`)
  }

  function fail(detail: string): undefined {
    watch.fail('heals', detail)
    return undefined
  }
}
