import { dueAt, type User } from './user.ts'
import type { Terms } from './verdict.ts'

/**
 * The one write primitive (fence, rule 5): compare-and-set on `revision`, a new random value each time. A late
 * writer's change fails by itself; a refused one whose record carries our value was ours, its answer lost.
 */

/** What the table can do for a user: write `next` if the record still has `revision` (absent: if there is none). */
export type CompareAndSet = (
  owner: string,
  revision: string | undefined,
  next: User | undefined,
) => Promise<{ written: true } | { written: false; found: User | undefined }>

/** `user` is the record as it stands now: the written one, or the one that was there instead. */
export type Changed = { written: true; user: User } | { written: false; user: User | undefined }

export type Change = (read: User, next: User, options?: { notDueBefore?: number }) => Promise<Changed>

export function userChanger(
  edges: { compareAndSet: CompareAndSet; uuid: () => string },
  terms: Terms,
): Change {
  return async function change(read, next, { notDueBefore = 0 } = {}) {
    const due = dueAt(next, terms.longestAge, terms.times)
    const { due_at: _due, ...rest } = next
    const user: User = {
      ...rest,
      revision: edges.uuid(),
      ...(due !== undefined && { due_at: Math.max(due, notDueBefore) }),
    }
    const result = await edges.compareAndSet(read.owner, read.revision, user)
    if (result.written || result.found?.revision === user.revision) return { written: true, user }
    return { written: false, user: result.found }
  }
}
