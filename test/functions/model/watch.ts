import type { Caller } from '../../../functions/caller/caller.ts'
import { times } from '../../../functions/times.ts'
import { type User, unconfirmed } from '../../../functions/user.ts'
import type { Vended } from '../../../functions/vending.ts'
import { judge, type Terms } from '../../../functions/verdict.ts'
import type { Act } from './edges.ts'
import { promiseKeeper } from './promises.ts'
import type { SeamWorkspace, Session } from './seam.ts'

/** What must hold after each step of a run, whatever happens, and in every reading of Seam. */
export const invariants = {
  own: 'nobody is handed the token of another user, or of a stranger',
  scope: 'what a recorded key opens is never more than its record allows',
  promise: 'what has been reported as done stays done: no token that anybody holds opens more',
  one: 'a user has at most one live client session that anybody holds',
  led: 'every live client session of ours is one that a record leads to',
  handed: 'nothing is handed out that cleaning up would end, or that is not in the record as seen last',
  intent: 'no key is called before it is written down',
  unconfirmed: 'no new key is called while a client session that was let go of may be alive',
  let_go: 'only what a record has let go of is deleted, and a key that was let go of never comes back',
  forgotten: 'a key leaves a record only into `ended`, and that only when nothing can show under it',
  strangers: 'strangers are untouched',
  holders: 'who holds an account is found at the account',
  ends: 'every act ends, and says nothing but what its contract has',
  heals: 'once the trouble is over, everything heals without an operator',
} as const

export type Invariant = keyof typeof invariants
export interface Failure {
  invariant: Invariant
  detail: string
  at: number
}

export interface Held {
  session: Session
  owner: string
  /** When it was first handed out. */
  since: number
}

export type Watch = ReturnType<typeof watcher>

export function watcher(world: {
  now: () => number
  seam: () => SeamWorkspace
  user: (owner: string) => User | undefined
  users: () => Iterable<User>
  holds: (account: string, owner: string) => boolean
  accountsKnownTo: (workspace: SeamWorkspace) => string[]
}) {
  let failure: Failure | undefined
  /** Keys as records have shown them. */
  const ownerOfKey = new Map<string, string>()
  const letGo = new Set<string>()
  const idsLetGo = new Set<string>()
  const held = new Map<string, Held>()
  const signedOut = new Map<string, number>()
  /** Accounts whose deletion has been reported as done. */
  const gone = new Set<string>()
  /** When records of removed users went. */
  const goneAt = new Map<string, number>()
  const promises = promiseKeeper(world.now)
  /** The table has been restored, and vending is closed until the runbook is at its end. */
  let restoring = false

  function fail(invariant: Invariant, detail: string): void {
    failure ??= { invariant, detail, at: world.now() }
  }

  const isLive = (session: Session) => world.seam().isLive(session)
  const under = (key: string) => world.seam().under(key)

  /** By its key: the recorded one, or one in `ended`. */
  function leadsTo(user: User | undefined, key: string): boolean {
    return (
      user?.user_identifier_key === key ||
      user?.ended.some((entry) => entry.user_identifier_key === key) === true
    )
  }

  function checkScope(session: Session, user: User): void {
    if (!isLive(session) || restoring) return
    const more = session.connected_account_ids.filter((id) => !user.connected_account_ids.includes(id))
    if (more.length > 0) fail('scope', `${session.client_session_id} opens ${more}`)
    if (session.expires_at > (user.access_until ?? Number.POSITIVE_INFINITY))
      fail('scope', `${session.client_session_id} outlasts the access`)
  }

  function checkGone(user: User): void {
    const id = user.connected_account_ids.find((one) => gone.has(one))
    if (id !== undefined) fail('promise', `${user.owner} has ${id}, which is deleted`)
  }

  function checkHeld(owner: string): void {
    if (restoring) return
    let live = 0
    for (const one of held.values()) {
      if (one.owner !== owner || one.session.reopened || !isLive(one.session)) continue
      if (++live > 1) fail('one', `two live client sessions of ${owner}`)
      const broken = promises.broken(one)
      if (broken !== undefined) fail('promise', `${one.session.client_session_id} ${broken}`)
    }
  }

  return {
    fail,
    failure: () => failure,
    held: () => held.values(),
    accountsKnownTo: world.accountsKnownTo,
    gives: promises.gives,
    checkHeld,

    /** An act has reported that something is taken away. */
    took(taking: Parameters<typeof promises.takes>[0]): void {
      // A removed record that has gone meanwhile binds nobody.
      if ((goneAt.get(taking.owner) ?? 0) >= taking.began) return
      promises.takes(taking, held.values())
      checkHeld(taking.owner)
    },

    /** The table has written a user. */
    wrote(before: User | undefined, after: User | undefined, owner: string): void {
      if (before !== undefined) checkForgotten(before, after)
      if (after === undefined) {
        goneAt.set(owner, world.now())
        signedOut.delete(owner)
        promises.startAnew(owner)
      } else checkWritten(before, after)
    },

    /** Something has changed at Seam. */
    changed(session: Session): void {
      if (session.stranger) fail('strangers', `${session.client_session_id} was changed`)
      if (!isLive(session)) return
      const key = session.user_identifier_key ?? ''
      const owner = ownerOfKey.get(key) ?? ''
      const user = world.user(owner)
      if (!leadsTo(user, key) && !restoring) fail('led', `nothing leads to ${key}`)
      if (user?.user_identifier_key === key) checkScope(session, user)
      checkHeld(owner)
    },

    /** `get_or_create` is about to be sent. */
    calling(key: string, act: Act): void {
      const owner = ownerOfKey.get(key)
      if (owner === undefined) fail('intent', `${act.name} calls ${key}`)
      const user = world.user(owner ?? '')
      if (user?.user_identifier_key !== key || user.client_session_id !== undefined) return
      for (const { client_session_id } of unconfirmed(user)) {
        const old = world.seam().find(client_session_id)
        if (old !== undefined && isLive(old) && !old.reopened)
          fail('unconfirmed', `${act.name} calls ${key} while ${client_session_id} is alive`)
      }
    },

    /** `get_or_create` arrives. */
    arrives(key: string, workspace: SeamWorkspace): void {
      if (!letGo.has(key)) return
      for (const session of workspace.under(key)) if (session.deleted) session.reopened = true
    },

    deleting(id: string, act: Act): void {
      const session = world.seam().find(id)
      if (session?.stranger) fail('strangers', `${act.name} deletes ${id}`)
      const key = session?.user_identifier_key
      // An operator may, what no record names.
      if (
        (act.name === 'orphans' || act.name === 'end_token') &&
        key &&
        !leadsTo(world.user(ownerOfKey.get(key) ?? ''), key)
      )
        return
      if (!idsLetGo.has(id) && !(key && letGo.has(key))) fail('let_go', `${act.name} deletes ${id}`)
    },

    /** The table is an earlier one: what was let go of since is not, and what was promised is not known. */
    restored(): void {
      restoring = true
      letGo.clear()
      idsLetGo.clear()
      goneAt.clear()
      signedOut.clear()
      gone.clear()
      promises.forgetAll()
      for (const user of world.users()) noteEnded(user)
    },

    /** Vending opens again: whatever was handed out before is dead, and what lives is in a record. */
    opens(): void {
      restoring = false
      for (const { session } of held.values())
        if (isLive(session)) fail('promise', `${session.client_session_id} has outlived the restore`)
      held.clear()
      for (const session of world.seam().sessions()) {
        const key = session.user_identifier_key ?? ''
        if (!session.stranger && isLive(session) && !leadsTo(world.user(ownerOfKey.get(key) ?? ''), key))
          fail('led', `nothing leads to ${key} after the restore`)
      }
    },

    tokenEnded(session: Session): void {
      if (isLive(session) && !session.reopened)
        fail('promise', `${session.client_session_id} lives, and was reported as ended`)
    },

    /** Bearer tokens issued before then speak for this user no more. */
    signedOut(owner: string, at: number): void {
      if ((goneAt.get(owner) ?? 0) < at) signedOut.set(owner, at)
    },

    /** Nobody's token opens this account ever again. */
    accountGone(id: string, began: number): void {
      gone.add(id)
      for (const user of world.users()) checkGone(user)
      for (const owner of new Set(ownerOfKey.values())) {
        promises.takes({ owner, accounts: [id], began }, held.values())
        checkHeld(owner)
      }
    },

    handedOut({ owner, issued_at = 0 }: Caller, { body }: Vended, act: Act, terms: Terms): void {
      const id = body.client_session_id
      const session = world.seam().find(id)
      const whose = ownerOfKey.get(session?.user_identifier_key ?? '')
      if (session === undefined || session.token !== body.token || session.stranger || whose !== owner) {
        fail('own', `${act.name} hands the token of ${id} to ${owner}`)
        return
      }
      const judgedAt = Math.max(act.judgedAt, act.committedAt)
      if (act.seen?.client_session_id !== id) fail('handed', `${act.name}: ${id} is not in the record`)
      else if (act.seen.ended.some(({ client_session_id }) => client_session_id === id))
        fail('handed', `${act.name}: ${id} has been let go of`)
      else if (judge(act.seen, terms, judgedAt, { asked: false }).act === 'end')
        fail('handed', `${act.name}: cleaning up would end ${id}`)
      const lives = isLive(session) && !session.reopened
      if (lives && issued_at + times.clockSkew < (signedOut.get(owner) ?? 0))
        fail('promise', `${act.name}: the bearer token was signed out everywhere`)
      if (!held.has(id)) held.set(id, { session, owner, since: world.now() })
      checkHeld(owner)
    },
  }

  function noteEnded({ ended }: User): void {
    for (const { user_identifier_key, client_session_id } of ended) {
      letGo.add(user_identifier_key)
      if (client_session_id === undefined) continue
      idsLetGo.add(client_session_id)
      const session = world.seam().find(client_session_id)
      if (session !== undefined && session.user_identifier_key !== user_identifier_key)
        fail('strangers', `${client_session_id} is let go of under a key that is not its own`)
    }
  }

  function checkWritten(before: User | undefined, after: User): void {
    const { owner, user_identifier_key: key } = after
    if (key !== undefined) {
      if (letGo.has(key)) fail('let_go', `${owner} takes back ${key}`)
      ownerOfKey.set(key, owner)
      for (const session of under(key)) checkScope(session, after)
    }
    noteEnded(after)
    if (after.connected_account_ids !== before?.connected_account_ids)
      for (const id of after.connected_account_ids)
        if (!world.holds(id, owner)) fail('holders', `${id} does not know of ${owner}`)
    checkGone(after)
  }

  function checkForgotten(before: User, after: User | undefined): void {
    const key = before.user_identifier_key
    if (key !== undefined && !leadsTo(after, key)) fail('forgotten', `${key} is gone without an entry`)
    if (before.ended === after?.ended) return
    for (const { user_identifier_key, client_session_id, deleted_at } of before.ended) {
      if (leadsTo(after, user_identifier_key)) continue
      if (client_session_id !== undefined && deleted_at === undefined)
        fail('forgotten', `${client_session_id} before its delete was confirmed`)
      if (under(user_identifier_key).some(isLive))
        fail('forgotten', `${user_identifier_key} while something lives`)
    }
  }
}
