import { updateUser } from '../record/update.ts'
import { sessionOf, type User } from '../record/user.ts'
import { retire } from '../record/writes.ts'
import { type Act, busy, type SessionDeps } from './deps.ts'

/** One act for one binding, with the record as it was read or written last. */
export interface Attempt extends Act {
  user: User
  readonly binding: string
  /** Names this act in the leases that it takes. */
  readonly me: string
  /** The client session that this request has reported dead. */
  readonly dead?: string
  refusals: number
  rounds: number
  waitedSince?: number
  unknownMarked: boolean
  /** Seam refused an account, and there was no time to find out which. */
  unchecked: boolean
  evicted: boolean
  /** The breaker has let this act call Seam. */
  admitted: boolean
  /** An answer of Seam has been recorded: what it did not give now, it would not give a moment later. */
  recorded: boolean
  isNew: boolean
  /** Keys that this act has retired. */
  replaced: string[]
}

export function newAttempt(
  deps: SessionDeps,
  user: User,
  how: Act & { binding: string; dead?: string },
): Attempt {
  const { binding, dead, deadline, trace } = how
  return {
    user,
    binding,
    me: deps.uuid(),
    ...(dead !== undefined && { dead }),
    deadline,
    trace,
    refusals: 0,
    rounds: 0,
    unknownMarked: false,
    unchecked: false,
    evicted: false,
    admitted: false,
    recorded: false,
    isNew: false,
    replaced: [],
  }
}

/** Writes, or takes the record that stands instead and lets it be judged again. */
export async function write(deps: SessionDeps, attempt: Attempt, next: User): Promise<boolean> {
  if (attempt.deadline.left() <= 0) throw busy('no_time_to_write')
  const result = await updateUser(deps, attempt.user, next)
  if (result.user === undefined) throw busy('record_gone')
  attempt.user = result.user
  if (result.written) return true
  // Several logins of one user write to one record.
  if (++attempt.refusals > 2 * (deps.terms.sessions + 2)) throw busy('refused_writes')
  return false
}

/** Retires sessions of the record, and remembers their keys. */
export async function writeRetired(deps: SessionDeps, attempt: Attempt, bindings: string[]): Promise<void> {
  const keys = bindings.map((binding) => sessionOf(attempt.user, binding)?.user_identifier_key ?? '')
  const next = retire(attempt.user, bindings, deps.clock())
  if (await write(deps, attempt, next)) attempt.replaced.push(...keys)
}
