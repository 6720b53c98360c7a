import { updateUser } from '../record/update.ts'
import { sessionOf, type User } from '../record/user.ts'
import { retire } from '../record/writes.ts'
import { type Act, busy, type SessionDeps } from './deps.ts'

/** One act for one binding, with the record as it was read or written last. */
export type Attempt = ReturnType<typeof newAttempt>

export function newAttempt(deps: SessionDeps, user: User, how: Act & { binding: string; dead?: string }) {
  const { binding, dead, deadline, trace } = how
  return {
    user,
    binding,
    /** Names this act in the leases that it takes. */
    me: deps.uuid(),
    /** The client session that this request has reported dead. */
    dead,
    deadline,
    trace,
    refusals: 0,
    rounds: 0,
    waitedSince: undefined as number | undefined,
    unknownMarked: false,
    /** Seam refused an account, and there was no time to find out which. */
    unchecked: false,
    evicted: false,
    /** The breaker has let this act call Seam. */
    admitted: false,
    /** An answer of Seam has been recorded: what it did not give now, it would not give a moment later. */
    recorded: false,
    isNew: false,
    /** Keys that this act has retired. */
    replaced: [] as string[],
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
