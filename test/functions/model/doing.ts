import { hash } from 'node:crypto'
import { type ProviderEvent, recordLoginOf, takeProviderEvent } from '../../../functions/accounts/acts.ts'
import { type ChangeResult, changeUser } from '../../../functions/accounts/change.ts'
import { accountDeleted, liftDeletion } from '../../../functions/accounts/deleted.ts'
import type { Caller } from '../../../functions/caller/caller.ts'
import type { Deadline } from '../../../functions/http/deadline.ts'
import { Problem } from '../../../functions/http/problem.ts'
import { setAccessUntil } from '../../../functions/record/writes.ts'
import { times } from '../../../functions/times.ts'
import { type KeepDeps, type Machine, person } from './acts.ts'
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
  sign_out_all: times.vend + 5 * second,
  end_token: 120 * second,
  grant: 120 * second,
  login: 120 * second,
  set_identity: 120 * second,
  provider: 120 * second,
  login_ended: 120 * second,
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
  lift_deletion: 120 * second,
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
    await vend(run, deed, act, machine, { dead: deed.do === 'report_dead', old: deed.old ?? false })
  else if (deed.do === 'sign_out' || deed.do === 'sign_out_all') await signOut(run, deed, act, machine)
  else if (deed.do === 'end_token') await endToken(run, deed, act, machine)
  else if (deed.do === 'login') await login(run, deed, act, machine)
  else if (deed.do === 'provider' || deed.do === 'login_ended') await tellOf(run, deed, act, machine)
  else if (deed.do === 'clean_up') await cleanUp(run, deed.allUsers ?? false, machine)
  else if (deed.do === 'account_deleted') await deleteAccount(run, deed.account, act, machine)
  else if (deed.do === 'lift_deletion') await lift(run, deed.account, act, machine)
  else if (deed.do === 'move') await move(run, deed.user, deed.to, act, machine)
  else await keep(run, deed as RecordDeed, act, machine)
  act.ended = true
}

export interface Login {
  user: number
  sid: number
}

const callerOf = ({ world }: Run, { user, sid }: Login) => person(user, { sid, offer: world.scenario.offer })

/** A page asks for its token; `dead`: because Seam has refused the one it has. */
export async function vend(
  run: Run,
  who: Login,
  act: Act,
  machine: Machine,
  { dead = false, old = false } = {},
): Promise<{ id?: string; token?: string; code?: string }> {
  const { world } = run
  const at = callerOf(run, who)
  const name = `${at.owner} ${at.binding}`
  const stale = dead ? run.lastHanded.get(name)?.id : undefined
  const caller = { ...at, issued_at: act.startedAt - (old ? 600 * second : 0) }
  const { value: vended, error, audit } = await machine.vend(caller, stale)
  count(run, audit.verdicts)
  run.tell?.(`  vend ${act.process.name} ${audit.verdicts} ${vended?.body.client_session_id ?? error}`)
  if (vended === undefined) {
    const code = checkProblem(run, act, error)
    if (code === 'invalid_token') world.watch.refused(caller)
    return { code }
  }
  const { client_session_id, token } = vended.body
  run.lastHanded.set(name, { id: client_session_id, token })
  world.watch.handedOut(caller, vended, act, machine.terms)
  if (client_session_id === stale)
    world.watch.fail('handed', `${client_session_id} again, though it was reported dead`)
  return { id: client_session_id, token }
}

async function signOut(run: Run, who: Login, act: Act, machine: Machine): Promise<void> {
  const { watch } = run.world
  const caller = callerOf(run, who)
  const { owner, binding } = caller
  const all = act.name === 'sign_out_all'
  const refused = all ? watch.refusing(owner) : undefined
  const { error, audit } = await machine.signOut({ ...caller, issued_at: act.startedAt }, all)
  refused?.()
  count(run, audit.verdicts)
  run.tell?.(`  ${act.name} ${error ?? 'done'}`)
  if (error !== undefined) checkProblem(run, act, error)
  else watch.took({ owner, began: act.startedAt, tokens: true, ...(!all && { binding }) })
}

/** Told by Seam's webhook, or found by a page; by whom, and how often, makes no difference. */
async function login(
  run: Run,
  { user, account, webview, ago }: Extract<Ours, { do: 'login' }>,
  act: Act,
  machine: Machine,
): Promise<void> {
  const { world } = run
  const { owner } = person(user)
  const id = accountId(account)
  const mark = hash('sha256', `${webview} ${id}`, 'base64url').slice(0, 16)
  const name = `${owner} ${mark}`
  const happened = run.logins.get(name) ?? world.now() - ago
  run.logins.set(name, happened)
  const given = world.watch.gives({ owner, accounts: [id], at: happened })
  const at = happened + world.seamClock() - world.now()
  const { value, error } = await machine.keep((_keeper, deadline, deps) =>
    recordLoginOf(deps, { owner, accountId: id, mark, at, tooOld: false }, deadline),
  )
  given.over = world.now()
  run.tell?.(`  login ${error ?? value?.fault ?? value?.result?.failure ?? 'done'}`)
  if (error !== undefined) checkProblem(run, act, error)
}

/** What an identity provider says, perhaps late. */
async function tellOf(
  run: Run,
  deed: Extract<Ours, { do: 'provider' | 'login_ended' }>,
  act: Act,
  machine: Machine,
): Promise<void> {
  const { watch } = run.world
  const began = act.startedAt
  const at = Math.floor((began - deed.ago) / 1000) * 1000
  const caller = callerOf(run, { user: deed.user, sid: 'sid' in deed ? deed.sid : 0 })
  const { owner, binding } = caller
  const event = deed.do === 'provider' ? { kind: deed.kind, at } : logoutOf(caller, deed.sid, at, machine)
  // What it is about, whatever our side makes of it.
  const about =
    deed.do === 'provider' ? deed.kind : caller.issuer.sessionClaim === '/sid' ? 'login_ended' : 'signed_out'
  if (about === 'disabled' || about === 'enabled') watch.providerTells(owner, about, at)
  else
    watch.refuses(
      about === 'signed_out' ? owner : `${owner} ${binding}`,
      about === 'signed_out' ? at : Number.POSITIVE_INFINITY,
    )
  const { value, error } = await machine.keep((_keeper, deadline, deps) =>
    takeProviderEvent(deps, owner, event, deadline),
  )
  run.tell?.(`  ${event.kind} ${error ?? value?.failure ?? 'done'}`)
  if (error !== undefined) checkProblem(run, act, error)
  if (value === undefined || !isDone(value)) return
  if (about === 'disabled' && value.user.status !== 'removed')
    watch.took({ owner, began, status: 'disabled', providerAt: at, tokens: true })
  if (about === 'signed_out') {
    watch.signedOut(owner, at)
    // Those of before the event; whoever signed in since may have got a new session meanwhile.
    watch.took({ owner, began: Math.min(began, at - times.clockSkew), tokens: true })
  }
  if (about !== 'login_ended') return
  watch.loginEnded(owner, binding)
  watch.took({ owner, began, tokens: true, binding })
}

/** A logout token with `sub` and `sid`: about the login where that is what sessions are bound to, else about the person. */
function logoutOf({ issuer }: Caller, sid: number, at: number, machine: Machine): ProviderEvent {
  const binding = machine.bindingOfSid(`sid-${sid}`, issuer)
  return binding === undefined ? { kind: 'signed_out', at } : { kind: 'login_ended', binding, at }
}

async function endToken(run: Run, who: Login, act: Act, machine: Machine): Promise<void> {
  const { world } = run
  const { owner, binding } = callerOf(run, who)
  const handed = run.lastHanded.get(`${owner} ${binding}`)
  const session = [...world.seam.sessions()].find(({ token }) => token === handed?.token)
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
  for (const [reason, many] of Object.entries(report.ended)) count(run, Array(many).fill(`retire:${reason}`))
}

/** Seam deletes the account and says so, again and again until it is heard. */
async function deleteAccount(run: Run, account: number, act: Act, machine: Machine): Promise<void> {
  const { world } = run
  const id = accountId(account)
  world.lost.add(id)
  world.seam.dropAccount(id)
  const deleted = world.now()
  const at = world.seamClock()
  for (let delivery = 0; delivery < 6; delivery++) {
    const began = world.now()
    const { value, error } = await machine.keep((_keeper, deadline, deps) =>
      accountDeleted(deps, id, at, deadline),
    )
    run.tell?.(`  account_deleted ${error ?? JSON.stringify(value)}`)
    if (error !== undefined) checkProblem(run, act, error)
    if (value?.finished) return world.watch.accountGone(id, deleted, began)
    await world.clockwork.sleep(20 * second)
  }
}

async function lift(run: Run, account: number, act: Act, machine: Machine): Promise<void> {
  const { world } = run
  const id = accountId(account)
  world.lost.delete(id)
  world.watch.lifts(id, Number.POSITIVE_INFINITY)
  const { value, error } = await machine.keep((_keeper, deadline, deps) => liftDeletion(deps, id, deadline))
  world.watch.lifts(id, world.now())
  run.tell?.(`  lift_deletion ${error ?? value?.outcome}`)
  if (error !== undefined) checkProblem(run, act, error)
}

async function move(run: Run, user: number, other: number, act: Act, machine: Machine): Promise<void> {
  const { watch } = run.world
  const from = person(user)
  const to = person(other)
  const giving = watch.gives({ owner: to.owner, accounts: everyAccount, until: true, status: 'revive' })
  watch.gives({ owner: from.owner, accounts: [], status: 'remove' }).over = 0
  const refused = watch.refusing(from.owner)
  const it = await machine.keep((keeper, deadline) => keeper.move(from.owner, to, deadline))
  giving.over = run.world.now()
  refused()
  run.tell?.(`  move ${it.error ?? it.value?.from.failure ?? 'done'}`)
  if (it.error !== undefined) checkProblem(run, act, it.error)
  else if (isDone(it.value?.from))
    watch.took({ owner: from.owner, began: act.startedAt, status: 'removed', tokens: true })
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
    accounts,
    ...(deed.do === 'enable' && { status: 'enable' as const }),
    ...((deed.do === 'grant' || deed.do === 'set') && { status: 'revive' as const }),
    ...(deed.do === 'remove' && { status: 'remove' as const }),
    until: deed.do === 'until' || deed.do === 'remove',
  }
  const given = giving ? watch.gives(giving) : undefined
  const refuses = deed.do === 'sign_out_everywhere' || deed.do === 'remove'
  const refused = refuses ? watch.refusing(owner) : undefined

  const { value, error } = await machine.keep<ChangeResult>((keeper, deadline, deps) => {
    switch (deed.do) {
      case 'grant':
        return keeper.grant(who, accounts, deadline)
      case 'set':
        return keeper.set(who, accounts, deadline)
      case 'withdraw':
        return keeper.withdraw(owner, accounts, deadline)
      case 'disable':
        return keeper.disable(owner, deadline)
      case 'enable':
        return keeper.enable(owner, deadline)
      case 'remove':
        return keeper.remove(owner, deadline)
      case 'end_session':
        return keeper.endSession(owner, deadline)
      case 'sign_out_everywhere':
        return keeper.signOutEverywhere(owner, deadline)
      case 'until':
        return setUntil(deps, owner, until, deadline)
      case 'set_identity':
        return keeper.setIdentity(
          who,
          deed.identity === null ? undefined : `identity-${deed.identity}`,
          deadline,
        )
      default:
        throw new Error(`${deed.do} is carried out elsewhere`)
    }
  })
  if (given !== undefined) given.over = run.world.now()
  refused?.()
  run.tell?.(`  ${deed.do} ${error ?? value?.failure ?? 'done'}`)
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
  else if (deed.do === 'disable' && value?.user.status === 'disabled')
    watch.took({ ...taking, status: 'disabled', tokens: true })
  else if (deed.do === 'remove') watch.took({ ...taking, status: 'removed', tokens: true })
  else if (deed.do === 'until') watch.took({ ...taking, until })
  else if (deed.do === 'end_session' || deed.do === 'sign_out_everywhere')
    watch.took({ ...taking, tokens: true })
  if (refuses) watch.signedOut(owner, began)
}

const everyAccount = Array.from({ length: accountCount }, (_, i) => accountId(i))

function gives(deed: RecordDeed): boolean {
  return (
    deed.do === 'grant' ||
    deed.do === 'set' ||
    deed.do === 'enable' ||
    deed.do === 'until' ||
    deed.do === 'remove'
  )
}

/** Whether an act has done all that it was asked. */
function isDone(it: ChangeResult | undefined): boolean {
  return it !== undefined && it.failure === undefined
}

/** The end date alone: no command does that. */
async function setUntil(deps: KeepDeps, owner: string, until: number | undefined, deadline: Deadline) {
  return changeUser(deps, owner, { write: (user, now) => setAccessUntil(user, until, now) }, deadline)
}

const contract = new Set([
  'claim_denied',
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
