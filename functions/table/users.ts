import type { CompareAndSet } from '../record/update.ts'
import type { User } from '../record/user.ts'
import { type TableItems, text } from './items.ts'
import { keys } from './keys.ts'
import { itemFromUser, userFromItem } from './user-item.ts'

/** Records of users. */
export interface UserTable {
  /** Strongly consistent. */
  readUser(owner: string): Promise<User | undefined>
  compareAndSet: CompareAndSet
}

export function userTable({ read, put }: TableItems): UserTable {
  return {
    async readUser(owner) {
      const item = await read(keys.user(owner))
      return item === undefined ? undefined : userFromItem(item)
    },

    async compareAndSet(owner, revision, next) {
      const condition =
        revision === undefined
          ? { if: 'attribute_not_exists(revision)' }
          : { if: 'revision = :read', values: { ':read': text(revision) } }
      const { written, item } = await put(keys.user(owner), itemFromUser(next), condition)
      if (written) return { written }
      // The portable engine refuses without telling what is there.
      const found = item ?? (await read(keys.user(owner)))
      return { written: false, found: found && userFromItem(found) }
    },
  }
}
