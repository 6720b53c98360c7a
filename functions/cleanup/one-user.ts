import { type ChangeDeps, changeRecord } from '../accounts/change.ts'
import type { Deadline } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import { updateUser } from '../record/update.ts'
import { entryStep, isUnconfirmed, type User, type WithId, wantedAccountIds } from '../record/user.ts'
import { confirm, forget, markUnknown, postpone, retire } from '../record/writes.ts'
import { isBreakerOpen } from '../seam/breaker.ts'
import { SeamFailure } from '../seam/failure.ts'
import { type Act, busy } from '../session/deps.ts'
import type { Reason } from '../session/reasons.ts'
import { endAtSeam, isStillShown, nothingShows, type RetireDeps } from '../session/retire.ts'
import { judge } from '../session/verdict.ts'

/** What cleanup does for one user. May be cut short at any await, and run twice at once. */

type CleanDeps = RetireDeps & ChangeDeps

const most = {
  /** Failures for one entry; then it is tried once in the longest time, and its user is listed. */
  tries: 6,
  refusals: 12,
}

/**
 * Does what is due about the retired entries of a user, and writes down what came of it. `failure`: the first; one entry
 * does not hold up the others.
 */
export async function settleUser(
  deps: CleanDeps,
  user: User,
  act: Act,
  { deletesOnly }: { deletesOnly: boolean },
) {
  const changes: ((read: User, now: number) => User)[] = []
  let failure: unknown
  const counts = { deleted: 0, forgotten: 0 }
  for (const entry of user.retired) {
    const now = deps.clock()
    const open = isUnconfirmed(entry) && now >= entry.next_at
    const step = deletesOnly ? (open ? 'delete' : 'wait') : entryStep(entry, deps.terms.times, now)
    try {
      if (step === 'delete') {
        await endAtSeam(deps, entry as WithId, act, { doubt: false })
        changes.push((read, now) => confirm(read, [entry], now))
        counts.deleted++
      } else if (step === 'look' && !(await nothingShows(deps, entry.user_identifier_key, act))) {
        // A late call had made something: looked at again.
        changes.push((read, now) => postpone(read, entry, now))
      } else if (step !== 'wait') {
        changes.push((read) => forget(read, [entry]))
        counts.forgotten++
      }
    } catch (error) {
      failure ??= error
      if (!isNobodysFailure(error) && !isBreakerOpen(error))
        changes.push((read, now) => postpone(read, entry, now + retryDelay(deps, entry.tries)))
      if (isRateLimit(error)) break
    }
  }
  const write = (read: User) => changes.reduce((next, change) => change(next, deps.clock()), read)
  const written = changes.length === 0 ? user : await writeUser(deps, user, write)
  return { user: written, ...counts, failure }
}

/** Somebody else is at work, or there was no time left, or Seam asked to wait: nothing has failed. */
export function isNobodysFailure(error: unknown): boolean {
  if (isStillShown(error)) return false
  return isRateLimit(error) || (error instanceof Problem && error.code === 'busy')
}

export function isRateLimit(error: unknown): error is SeamFailure {
  return error instanceof SeamFailure && error.httpStatus === 429
}

export function isGivenUp(user: User): boolean {
  return user.retired.some(({ tries }) => tries >= most.tries)
}

/** Doubles with each failure, at times that differ from entry to entry. */
function retryDelay({ terms: { times }, random }: CleanDeps, tries: number): number {
  const wait = tries + 1 >= most.tries ? times.retryAtMost : times.retry * 2 ** tries
  return Math.ceil(wait * (0.75 + random() / 2))
}

/** Retires those of a user's sessions that the verdict still ends; `isChosen`: what the fuse lets through. */
export async function retireStale(
  deps: CleanDeps,
  owner: string,
  isChosen: (binding: string) => boolean,
  deadline: Deadline,
): Promise<{ user: User | undefined; ended: Reason[] }> {
  let ended: Reason[] = []
  const write = (user: User, now: number) => {
    const stale = staleSessions(deps, user, now).filter(({ binding }) => isChosen(binding))
    ended = stale.map(({ reason }) => reason)
    const bindings = stale.map(({ binding }) => binding)
    return retire(user, bindings, now)
  }
  const written = await changeRecord(deps, owner, { write, onlyIfChanged: true }, deadline)
  return { user: written?.user, ended }
}

export function staleSessions(
  { terms }: Pick<CleanDeps, 'terms'>,
  user: User,
  now: number,
): { binding: string; reason: Reason }[] {
  return Object.keys(user.sessions).flatMap((binding) => {
    const { act, reason } = judge(user, binding, terms, now, { asked: false })
    return act === 'retire' ? [{ binding, reason }] : []
  })
}

/** Finds out which accounts of a user Seam does not know, for which a vend had no time. */
export async function checkAccounts(deps: CleanDeps, user: User, known: Set<string>): Promise<User> {
  const lost = wantedAccountIds(user, deps.terms.times, deps.clock()).filter((id) => !known.has(id))
  return writeUser(deps, user, (read) => markUnknown(read, lost, deps.clock()))
}

async function writeUser(deps: CleanDeps, read: User, write: (user: User) => User): Promise<User> {
  let user = read
  for (let refusals = 0; refusals <= most.refusals; refusals++) {
    const result = await updateUser(deps, user, write(user))
    if (result.user === undefined) return user
    user = result.user
    if (result.written) return user
  }
  throw busy('refused_writes')
}
