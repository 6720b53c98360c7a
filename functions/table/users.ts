import type { CompareAndSet } from '../record/update.ts'
import type { User } from '../record/user.ts'
import { atRevision, type TableItems } from './items.ts'
import { keys } from './keys.ts'
import { itemFromUser, userFromValues } from './user-item.ts'

/** Records of users. */

/** Strongly consistent. */
export async function readUser({ read }: TableItems, owner: string): Promise<User | undefined> {
  const found = await read(keys.user(owner))
  return found && userFromValues(found)
}

export async function compareAndSet(
  items: TableItems,
  ...[owner, revision, next]: Parameters<CompareAndSet>
): ReturnType<CompareAndSet> {
  const { written, found } = await items.put(keys.user(owner), itemFromUser(next), atRevision(revision))
  if (written) return { written }
  // The portable engine refuses without telling what is there.
  return { written: false, found: found ? userFromValues(found) : await readUser(items, owner) }
}
