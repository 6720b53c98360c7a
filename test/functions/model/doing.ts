import type { Consequence } from '../../../functions/accounts/accounts.ts'
import { Problem } from '../../../functions/problem.ts'
import { times } from '../../../functions/times.ts'
import { type Machine, person } from './acts.ts'
import type { Act, Process } from './edges.ts'
import type { Run } from './play.ts'
import { type ActDeed, accountCount, type Command, type RecordDeed } from './scenario.ts'
import { accountId, fatesOf } from './world.ts'

/** The commands that are acts of ours: what each begins, and what its answer promises. */

type Ours = Command & ActDeed

const second = 1000

/** Within which each has ended, unless its process was killed or frozen. An operator's has no deadline of its own. */
const limits: Record<ActDeed['do'], number> = {
  vend: times.vend + 5 * second,
  report_dead: times.vend + 5 * second,
  sign_out: times.vend + 5 * second,
  end_token: 120 * second,
  grant: 120 * second,
  connect: 120 * second,
  withdraw: 120 * second,
  set: 120 * second,
  disable: 120 * second,
  enable: 120 * second,
  remove: 120 * second,
  end_session: 120 * second,
  sign_out_everywhere: 120 * second,
  until: 120 * second,
  move: 240 * second,
  account_deleted: 900 * second,
  clean_up: 300 * second,
}

export function isOurs(command: Command): command is Ours {
  return command.do in limits
}

export async function carryOutDeed(run: Run, deed: Ours): Promise<void> {
  const { world } = run
  const process = world.processes[deed.process] as Process
  const { act, machine } = world.begin(deed.do, process, limits[deed.do], fatesOf(deed.fates))
  if (deed.do === 'vend' || deed.do === 'report_dead')
    await vend(run, deed.user, act, machine, { dead: deed.do === 'report_dead', old: deed.old ?? false })
  else if (deed.do === 'sign_out') await signOut(run, deed.user, act, machine)
  else if (deed.do === 'end_token') await endToken(run, deed.user, act, machine)
  else if (deed.do === 'clean_up') await cleanUp(run, deed.allUsers ?? false, machine)
  else if (deed.do === 'account_deleted') await accountDeleted(run, deed.account, act, machine)
  else if (deed.do === 'move') await move(run, deed.user, deed.to, act, machine)
  else await keep(run, deed as RecordDeed, act, machine)
  act.ended = true
}

/** A page asks for its token; `dead`: because Seam has refused the one it has. */
export async function vend(
  run: Run,
  user: number,
  act: Act,
  machine: Machine,
  { dead = false, old = false } = {},
): Promise<{ id?: string; code?: string }> {
  const { world } = run
  const stale = dead ? run.lastHanded[user] : undefined
  const caller = { ...person(user), issued_at: act.startedAt - (old ? 600 * second : 0) }
  const { vended, error, audit } = await machine.vend(caller, stale)
  count(run, audit.verdicts)
  run.tell?.(`  vend ${act.process.name} ${audit.verdicts} ${vended?.body.client_session_id ?? error}`)
  if (vended === undefined) return { code: checkProblem(run, act, error) }
  const { client_session_id } = vended.body
  run.lastHanded[user] = client_session_id
  world.watch.handedOut(caller, vended, act, machine.terms)
  if (client_session_id === stale)
    world.watch.fail('handed', `${client_session_id} again, though it was reported dead`)
  return { id: client_session_id }
}

async function signOut(run: Run, user: number, act: Act, machine: Machine): Promise<void> {
  const { owner } = person(user)
  const { error, audit } = await machine.signOut({ ...person(user), issued_at: act.startedAt })
  count(run, audit.verdicts)
  run.tell?.(`  sign_out ${error ?? 'done'}`)
  if (error !== undefined) checkProblem(run, act, error)
  else run.world.watch.took({ owner, began: act.startedAt, tokens: true })
}

async function endToken(run: Run, user: number, act: Act, machine: Machine): Promise<void> {
  const { world } = run
  const session = world.seam.find(run.lastHanded[user] ?? '')
  if (session === undefined) return
  try {
    const { outcome } = await machine.endToken(session.token)
    run.tell?.(`  end_token ${session.client_session_id} ${outcome}`)
    if (outcome === 'ended') world.watch.tokenEnded(session)
  } catch (error) {
    checkProblem(run, act, error)
  }
}

async function cleanUp(run: Run, allUsers: boolean, machine: Machine): Promise<void> {
  const report = await machine.cleanUp({ allUsers })
  run.tell?.(`  cleaned ${JSON.stringify(report)}`)
  for (const [reason, many] of Object.entries(report.ended)) count(run, Array(many).fill(`end:${reason}`))
}

/** Seam deletes the account and says so, again and again until it is heard. */
async function accountDeleted(run: Run, account: number, act: Act, machine: Machine): Promise<void> {
  const { world } = run
  const id = accountId(account)
  world.lost.add(id)
  world.seam.dropAccount(id)
  for (let delivery = 0; delivery < 6; delivery++) {
    const began = world.now()
    const { value, error } = await machine.keep((keeper, deadline) => keeper.accountDeleted(id, deadline))
    run.tell?.(`  account_deleted ${error ?? JSON.stringify(value)}`)
    if (error !== undefined) checkProblem(run, act, error)
    if (value?.finished) return world.watch.accountGone(id, began)
    await world.clockwork.sleep(20 * second)
  }
}

async function move(run: Run, user: number, other: number, act: Act, machine: Machine): Promise<void> {
  const { watch } = run.world
  const from = person(user)
  const to = person(other)
  const giving = watch.gives({ owner: to.owner, accounts: everyAccount, until: true })
  const it = await machine.keep((keeper, deadline) => keeper.move(from.owner, to, deadline))
  giving.over = run.world.now()
  run.tell?.(`  move ${it.error ?? it.value?.from.trouble ?? 'done'}`)
  if (it.error !== undefined) checkProblem(run, act, it.error)
  else if (isDone(it.value?.from))
    watch.took({ owner: from.owner, began: act.startedAt, status: true, tokens: true })
}

/** The acts that change one user's record. */
async function keep(run: Run, deed: RecordDeed, act: Act, machine: Machine): Promise<void> {
  const { watch } = run.world
  const who = person(deed.user)
  const { owner } = who
  const began = act.startedAt
  const accounts = 'accounts' in deed ? deed.accounts.map(accountId) : []
  const until = deed.do === 'until' && deed.ms !== null ? began + deed.ms : undefined
  const giving = gives(deed) && {
    owner,
    accounts: deed.do === 'until' ? [] : accounts,
    status: deed.do === 'enable',
    until: deed.do === 'until',
  }
  const given = giving ? watch.gives(giving) : undefined

  const { value, error } = await machine.keep<Consequence>((keeper, deadline) => {
    switch (deed.do) {
      case 'grant':
        return keeper.grant(who, accounts, deadline)
      case 'connect':
        return keeper.connect(owner, accounts, deadline)
      case 'set':
        return keeper.set(who, accounts, deadline)
      case 'withdraw':
        return keeper.withdraw(owner, accounts, deadline)
      case 'disable':
        return keeper.setStatus(owner, 'disabled', deadline)
      case 'enable':
        return keeper.setStatus(owner, 'active', deadline)
      case 'remove':
        return keeper.setStatus(owner, 'removed', deadline)
      case 'end_session':
        return keeper.endSession(owner, deadline)
      case 'sign_out_everywhere':
        return keeper.signOutEverywhere(owner, deadline)
      case 'until':
        return keeper.setAccessUntil(owner, until, deadline)
    }
  })
  if (given !== undefined) given.over = run.world.now()
  run.tell?.(`  ${deed.do} ${error ?? value?.trouble ?? 'done'}`)
  if (error !== undefined) checkProblem(run, act, error)
  count(
    run,
    value?.trace.verdicts.map(({ act, reason }) => `${act}:${reason}`),
  )
  if (!isDone(value)) return
  const taking = { owner, began, ...(given && { but: given }) }
  if (deed.do === 'set')
    watch.took({ ...taking, accounts: everyAccount.filter((id) => !accounts.includes(id)) })
  else if (deed.do === 'withdraw') watch.took({ ...taking, accounts })
  else if (deed.do === 'disable' || deed.do === 'remove')
    watch.took({ ...taking, status: true, tokens: true })
  else if (deed.do === 'until') watch.took({ ...taking, until })
  else if (deed.do === 'end_session' || deed.do === 'sign_out_everywhere')
    watch.took({ ...taking, tokens: true })
  if (deed.do === 'sign_out_everywhere') watch.signedOut(owner, began)
}

const everyAccount = Array.from({ length: accountCount }, (_, i) => accountId(i))

function gives(deed: RecordDeed): boolean {
  return (
    deed.do === 'grant' ||
    deed.do === 'connect' ||
    deed.do === 'set' ||
    deed.do === 'enable' ||
    deed.do === 'until'
  )
}

/** Whether an act has done all that it was asked. */
function isDone(it: Consequence | undefined): boolean {
  return it !== undefined && it.trouble === undefined
}

const contract = new Set([
  'subject_disabled',
  'rate_limited',
  'invalid_token',
  'upstream_rejected',
  'busy',
  'upstream_unavailable',
  'upstream_timeout',
  'not_found',
  'invalid_request',
])

function checkProblem(run: Run, act: Act, error: unknown): string {
  if (error instanceof Problem && contract.has(error.code)) return error.code
  run.world.watch.fail('ends', `${act.name} says ${error instanceof Error ? error.stack : error}`)
  return 'unknown'
}

function count(run: Run, verdicts: string[] = []): void {
  for (const verdict of verdicts) run.reached.set(verdict, (run.reached.get(verdict) ?? 0) + 1)
}
