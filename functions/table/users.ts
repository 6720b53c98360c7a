import type { CompareAndSet } from '../record/update.ts'
import type { User } from '../record/user.ts'
import { atRevision, type TableItems } from './items.ts'
import { keys } from './keys.ts'
import { itemFromUser, userFromItem } from './user-item.ts'

/** Records of users. */

/** Strongly consistent. */
export async function readUser({ read }: TableItems, owner: string): Promise<User | undefined> {
  const item = await read(keys.user(owner))
  return item === undefined ? undefined : userFromItem(item)
}

export async function compareAndSet(
  { read, put }: TableItems,
  ...[owner, revision, next]: Parameters<CompareAndSet>
): ReturnType<CompareAndSet> {
  const { written, item } = await put(keys.user(owner), itemFromUser(next), atRevision(revision))
  if (written) return { written }
  // The portable engine refuses without telling what is there.
  const found = item ?? (await read(keys.user(owner)))
  return { written: false, found: found && userFromItem(found) }
}
