import type { Caller } from '../../../functions/caller/caller.ts'
import type { Retired, User } from '../../../functions/record/user.ts'
import type { Terms } from '../../../functions/session/terms.ts'
import { judge } from '../../../functions/session/verdict.ts'
import { times } from '../../../functions/times.ts'
import type { VendResult } from '../../../functions/vending/vend.ts'
import type { Act } from './edges.ts'
import { placesOf } from './late.ts'
import { promiseKeeper } from './promises.ts'
import type { SeamWorkspace, Session } from './seam.ts'

/** What must hold after each step of a run, whatever happens, and in every reading of Seam. */
export const invariants = {
  own: 'nobody is handed the token of another user, or of a stranger',
  scope: 'what a recorded key opens is never more than its record allows',
  promise: 'what has been reported as done stays done: no token that anybody holds opens more',
  one: 'a login has at most one live client session that its record names',
  identity: 'no two users have one user identity, nor a live client session with it',
  led: 'every live client session of ours is one that a record leads to',
  handed: 'nothing is handed out that cleaning up would end, or that is not in the record as seen last',
  intent: 'no key is called before it is written down',
  retired: 'only what a record has retired is deleted, and a retired key never comes back',
  forgotten: 'a key leaves a record only into `retired`, and that only when nothing can show under it',
  strangers: 'strangers are untouched',
  holders: 'who holds an account is found at the account',
  marked:
    'one write marks a login and adds its account, and the mark stays for as long as the login may be told',
  spared: 'a bearer token issued after the sign-outs of its user and its login is not refused',
  walked: 'a deletion takes accounts only while its tombstone stands',
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
  binding: string
  /** When it was first handed out. */
  since: number
}

/** What makes a bearer token look older than it is: the tolerance, and clocks that differ. */
const margin = times.clockSkew + 6000

export type Watch = ReturnType<typeof watcher>

export function watcher(world: {
  now: () => number
  seam: () => SeamWorkspace
  user: (owner: string) => User | undefined
  users: () => Iterable<User>
  holds: (account: string, owner: string) => boolean
  isTombstone: (account: string) => boolean
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
  /** Logins whose end the provider's word has been reported about. */
  const endedLogins = new Set<string>()
  /** When the last lift of an account's tombstone was over, or given up. */
  const lifted = new Map<string, number>()
  /** Bearer tokens issued before may be refused. */
  const mayRefuse = new Map<string, number>()
  /** Acts under way that refuse a user's bearer tokens. */
  const refusing = new Map<string, number>()
  const promises = promiseKeeper(world.now)
  /** Whose write the table carries out. */
  let writer: Act | undefined
  /** The table has been restored, and vending is closed until the runbook is at its end. */
  let restoring = false
  let writtenLate: string | undefined

  function fail(invariant: Invariant, detail: string): void {
    failure ??= { invariant, detail, at: world.now() }
  }

  const isLive = (session: Session) => world.seam().isLive(session)
  const under = (key: string) => world.seam().under(key)

  /** By its key: the recorded one, or one in `ended`. */
  function leadsTo(user: User | undefined, key: string): boolean {
    return (
      user !== undefined &&
      [...Object.values(user.sessions), ...user.retired].some((one) => one.user_identifier_key === key)
    )
  }

  const isCurrent = (user: User | undefined, key: string) =>
    Object.values(user?.sessions ?? {}).some((one) => one.user_identifier_key === key)

  function checkScope(session: Session, user: User): void {
    if (!isLive(session) || restoring) return
    const more = session.connected_account_ids.filter((id) => !user.connected_account_ids.includes(id))
    if (more.length > 0) fail('scope', `${session.client_session_id} opens ${more}`)
    if (session.expires_at > (user.access_until ?? Number.POSITIVE_INFINITY))
      fail('scope', `${session.client_session_id} outlasts the access`)
    if (session.user_identity_id !== undefined && session.user_identity_id !== user.user_identity_id)
      fail('scope', `${session.client_session_id} has another identity`)
  }

  function checkGone(user: User): void {
    const id = user.connected_account_ids.find((one) => gone.has(one))
    if (id !== undefined) fail('promise', `${user.owner} has ${id}, which is deleted`)
  }

  function checkHeld(owner: string): void {
    if (restoring) return
    const user = world.user(owner)
    const current = new Set<string>()
    for (const one of held.values()) {
      if (one.owner !== owner || one.session.reopened || !isLive(one.session)) continue
      if (isCurrent(user, one.session.user_identifier_key ?? '')) {
        if (current.has(one.binding)) fail('one', `two live client sessions of ${owner} ${one.binding}`)
        current.add(one.binding)
      }
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
    providerTells: promises.providerTells,
    checkHeld,

    /** Whatever the table writes now is this act's. */
    writing<T>(act: Act, write: () => T): T {
      writer = act
      try {
        return write()
      } finally {
        writer = undefined
      }
    },

    writtenLate: () => writtenLate,

    /** The table has carried out this write, `heldFor` ms after its process had made it. */
    wroteLate(user: User, { taken, heldFor, by }: { taken: number; heldFor: number; by: number }): void {
      const [dated] = placesOf(user, taken)
      if (dated !== undefined && heldFor > times.clockSkew)
        writtenLate ??= `process ${by} froze for ${heldFor / 1000} s between taking a time and writing it: ${dated} of ${user.owner}`
    },

    /** An act has reported that something is taken away. */
    took(taking: Parameters<typeof promises.takes>[0]): void {
      promises.takes(taking, held.values())
      checkHeld(taking.owner)
    },

    /** The table has written a user. */
    wrote(before: User | undefined, after: User): void {
      if (before !== undefined) {
        checkForgotten(before, after)
        checkMarks(before, after)
        checkWalk(before, after)
      }
      checkWritten(before, after)
    },

    /** Bearer tokens of this user, or of this login, that were issued before may be refused from now on. */
    refuses(whose: string, before: number): void {
      mayRefuse.set(whose, Math.max(before, mayRefuse.get(whose) ?? 0))
    },

    /** An act begins that refuses the bearer tokens of this user so far; call what it returns when it is over. */
    refusing(owner: string): () => void {
      refusing.set(owner, (refusing.get(owner) ?? 0) + 1)
      return () => {
        refusing.set(owner, (refusing.get(owner) ?? 0) - 1)
        this.refuses(owner, world.now())
      }
    },

    /** A bearer token was refused. */
    refused({ owner, binding, issued_at = 0 }: Caller): void {
      if ((refusing.get(owner) ?? 0) > 0) return
      const before = Math.max(mayRefuse.get(owner) ?? 0, mayRefuse.get(`${owner} ${binding}`) ?? 0)
      if (issued_at >= before + margin) fail('spared', `a bearer token of ${owner}`)
    },

    /** A lift of this account's tombstone begins, or is over. */
    lifts(id: string, over: number): void {
      lifted.set(id, over)
      gone.delete(id)
      promises.lifts(id)
    },

    /** Something has changed at Seam. */
    changed(session: Session): void {
      if (session.stranger) fail('strangers', `${session.client_session_id} was changed`)
      if (!isLive(session)) return
      const key = session.user_identifier_key ?? ''
      const owner = ownerOfKey.get(key) ?? ''
      const user = world.user(owner)
      if (!leadsTo(user, key) && !restoring) fail('led', `nothing leads to ${key}`)
      if (user !== undefined && isCurrent(user, key)) checkScope(session, user)
      checkIdentity(session, owner)
      checkHeld(owner)
    },

    /** `get_or_create` is about to be sent. */
    calling(key: string, act: Act): void {
      const owner = ownerOfKey.get(key)
      if (owner === undefined) fail('intent', `${act.name} calls ${key}`)
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
      if (!idsLetGo.has(id) && !(key && letGo.has(key))) fail('retired', `${act.name} deletes ${id}`)
    },

    /** The table is an earlier one: what was retired since is not, and what was promised is not known. */
    restored(): void {
      restoring = true
      letGo.clear()
      idsLetGo.clear()
      endedLogins.clear()
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
      signedOut.set(owner, Math.max(at, signedOut.get(owner) ?? 0))
    },

    /** Bearer tokens of this login are refused for good. */
    loginEnded(owner: string, binding: string): void {
      endedLogins.add(`${owner} ${binding}`)
    },

    /** Nobody's token opens this account ever again. */
    accountGone(id: string, deleted: number, began: number): void {
      // Of before the lift, or so close to it that the clocks may tell otherwise.
      if (deleted <= (lifted.get(id) ?? 0) + times.clockSkew) return
      gone.add(id)
      for (const user of world.users()) checkGone(user)
      for (const owner of new Set(ownerOfKey.values())) {
        promises.takes({ owner, accounts: [id], deleted: true, began }, held.values())
        checkHeld(owner)
      }
    },

    handedOut(caller: Caller, { body }: VendResult, act: Act, terms: Terms): void {
      const { owner, binding, issued_at = 0 } = caller
      const id = body.client_session_id
      // By its token: Seam may have answered another id when it was made.
      const session = [...world.seam().sessions()].find((one) => one.token === body.token)
      const whose = ownerOfKey.get(session?.user_identifier_key ?? '')
      if (session === undefined || session.stranger || whose !== owner) {
        fail('own', `${act.name} hands the token of ${id} to ${owner}`)
        return
      }
      const judgedAt = Math.max(act.judgedAt, act.committedAt)
      if (act.seen?.sessions[binding]?.client_session_id !== id)
        fail('handed', `${act.name}: ${id} is not in the record`)
      else if (judge(act.seen, binding, terms, judgedAt, { asked: false }).act === 'retire')
        fail('handed', `${act.name}: cleaning up would end ${id}`)
      const lives = isLive(session) && !session.reopened
      if (lives && issued_at + times.clockSkew < (signedOut.get(owner) ?? 0))
        fail('promise', `${act.name}: the bearer token was signed out everywhere`)
      if (lives && endedLogins.has(`${owner} ${binding}`)) fail('promise', `${act.name}: the login has ended`)
      const name = session.client_session_id
      if (!held.has(name)) held.set(name, { session, owner, binding, since: world.now() })
      checkHeld(owner)
    },
  }

  /** A record has got this identity. */
  function checkTaken(owner: string, id: string): void {
    if (restoring) return
    for (const other of world.users())
      if (other.owner !== owner && other.user_identity_id === id)
        fail('identity', `${owner} and ${other.owner} have ${id}`)
    for (const session of world.seam().sessions()) {
      const whose = ownerOfKey.get(session.user_identifier_key ?? '')
      if (session.user_identity_id === id && whose !== owner && isLive(session) && !session.reopened)
        fail('identity', `${owner} gets ${id}, with which ${session.client_session_id} of ${whose} lives`)
    }
  }

  /** One identity, one user: also as far as what lives at Seam goes. */
  function checkIdentity(session: Session, owner: string): void {
    const id = session.user_identity_id
    if (id === undefined || restoring || session.reopened) return
    for (const other of world.users())
      if (other.owner !== owner && other.user_identity_id === id)
        fail('identity', `${session.client_session_id} of ${owner} has the identity of ${other.owner}`)
  }

  function checkMarks(before: User, after: User): void {
    const added = after.connected_account_ids.filter((id) => !before.connected_account_ids.includes(id))
    const marks = Object.entries(after.logins).filter(([mark, at]) => before.logins[mark] !== at)
    if (writer?.name === 'login' && added.length > 0 && marks.length === 0)
      fail('marked', `a login adds ${added} to ${after.owner}, and is not marked`)
    for (const [mark, at] of Object.entries(before.logins))
      if (!Object.hasOwn(after.logins, mark) && world.now() < at + times.eventKept)
        fail('marked', `${after.owner} forgets a login`)
  }

  function checkWalk(before: User, after: User): void {
    if (writer?.name !== 'account_deleted' && writer?.name !== 'clean_up') return
    for (const id of before.connected_account_ids)
      if (!after.connected_account_ids.includes(id) && !world.isTombstone(id))
        fail('walked', `${writer.name} takes ${id} from ${after.owner}`)
  }

  function noteEnded({ retired }: User): void {
    for (const { user_identifier_key, client_session_id } of retired) {
      letGo.add(user_identifier_key)
      if (client_session_id === undefined) continue
      idsLetGo.add(client_session_id)
      const session = world.seam().find(client_session_id)
      if (session !== undefined && session.user_identifier_key !== user_identifier_key)
        fail('strangers', `${client_session_id} is retired under a key that is not its own`)
    }
  }

  function checkWritten(before: User | undefined, after: User): void {
    const { owner } = after
    for (const { user_identifier_key: key } of Object.values(after.sessions)) {
      if (letGo.has(key)) fail('retired', `${owner} takes back ${key}`)
      ownerOfKey.set(key, owner)
      for (const session of under(key)) checkScope(session, after)
    }
    noteEnded(after)
    if (after.user_identity_id !== undefined && after.user_identity_id !== before?.user_identity_id)
      checkTaken(owner, after.user_identity_id)
    if (after.connected_account_ids !== before?.connected_account_ids)
      for (const id of after.connected_account_ids)
        if (!world.holds(id, owner)) fail('holders', `${id} does not know of ${owner}`)
    checkGone(after)
  }

  function checkForgotten(before: User, after: User): void {
    for (const { user_identifier_key: key } of Object.values(before.sessions))
      if (!leadsTo(after, key)) fail('forgotten', `${key} is gone without an entry`)
    if (before.retired === after.retired) return
    for (const entry of before.retired) {
      const { user_identifier_key: key } = entry
      if (leadsTo(after, key)) continue
      if (!isOver(entry)) fail('forgotten', `${entry.client_session_id} before its delete was confirmed`)
      if (under(key).some(isLive)) fail('forgotten', `${key} while something lives`)
    }
  }

  function isOver({ client_session_id, deleted_at, expires_at }: Retired): boolean {
    return client_session_id === undefined || deleted_at !== undefined || world.now() >= expires_at
  }
}
