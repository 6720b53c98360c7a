import type { Deadline } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import { updateUser } from '../record/update.ts'
import { namesIdentity, type Subject } from '../record/user.ts'
import { setIdentity } from '../record/writes.ts'
import {
  type AccountDeps,
  type ChangeResult,
  changeUser,
  type RecordChange,
  refuseRemoved,
} from './change.ts'

/** A user's Seam user identity, which no other user may have at the same time. */

/**
 * Sets the identity, or takes it away. The identity's item is written after the very revision that the record's write
 * is against was read or created, and before that write, also when it is ours already: of two users who want one
 * identity, the later writer of the item refuses the other.
 */
export function setUserIdentity(
  deps: AccountDeps,
  who: Subject,
  userIdentityId: string | undefined,
  deadline: Deadline,
): Promise<ChangeResult> {
  const change: RecordChange = {
    absent: who,
    prepare: async (read) => {
      refuseRemoved(read)
      if (userIdentityId !== undefined) await takeIdentity(deps, who.owner, userIdentityId, deadline)
    },
    write: (user, now) => setIdentity(user, userIdentityId, now),
  }
  return changeUser(deps, who.owner, change, deadline)
}

const mostTries = 5

async function takeIdentity(deps: AccountDeps, owner: string, id: string, deadline: Deadline): Promise<void> {
  for (let tries = 0; tries < mostTries; tries++) {
    const item = await deps.table.readIdentity(id)
    if (deadline.left() <= 0) throw new Problem('busy', { reason: 'no_time_to_write' })
    if (item !== undefined && item.owner !== owner && !(await letsGo(deps, item.owner, id))) continue
    if (await deps.table.putIdentity(id, item?.revision, { owner, revision: deps.uuid() })) return
  }
  throw new Problem('busy', { reason: 'refused_writes' })
}

/** Whether the owner in the item no longer has the identity, nor is about to get it. False: read again. */
async function letsGo(deps: AccountDeps, owner: string, id: string): Promise<boolean> {
  const other = await deps.table.readUser(owner)
  if (other === undefined) return true
  if (namesIdentity(other, id))
    throw new Problem('invalid_request', {
      detail: `${other.subject} has this user identity, or a client session with it that has not settled yet.`,
      reason: 'identity_of_another',
    })
  // A new revision refuses whoever is about to set it.
  return (await updateUser(deps, other, other)).written
}
