import { entryStep, type User, unconfirmed } from '../record/user.ts'
import { tableShape } from '../table/keys.ts'
import type { Table } from '../table/table.ts'
import type { Item } from '../table/values.ts'
import type { Times } from '../times.ts'

/** In which order users are visited; in pages, so that memory stays flat however many there are. */

const pageOfAShard = 50

/** What was due at `now`: a page of every shard at a time, each shard's oldest first. */
export async function* itemsDue(
  table: Pick<Table, 'due'>,
  now: number,
): AsyncGenerator<{ owners: string[]; accountIds: string[] }> {
  const shards = Array.from({ length: tableShape.due.shards }, (_, shard) => ({ shard }))
  let open: { shard: number; after?: Item | undefined }[] = shards
  while (open.length > 0) {
    const pages = await Promise.all(
      open.map(async ({ shard, after }) => {
        const page = await table.due(shard, now, { limit: pageOfAShard, after })
        return { shard, ...page }
      }),
    )
    yield {
      owners: pages.flatMap(({ owners }) => owners),
      accountIds: pages.flatMap(({ accountIds }) => accountIds),
    }
    open = pages.filter(({ after }) => after !== undefined)
  }
}

export async function* everyOwner(table: Pick<Table, 'allOwners'>): ReturnType<typeof itemsDue> {
  let after: Item | undefined
  do {
    const page = await table.allOwners({ after })
    yield { owners: page.owners, accountIds: [] }
    after = page.after
  } while (after !== undefined)
}

/** What may still open doors before what only has to be looked after; then the oldest. */
export function deletesFirst(times: Times, now: number) {
  const settled = (user: User) =>
    Number(!user.retired.some((entry) => entryStep(entry, times, now) === 'delete'))
  return (one: User, other: User) =>
    settled(one) - settled(other) || dueSince(one, now) - dueSince(other, now)
}

/** Epoch ms. `due_at` moves when an attempt has failed; since when it should have been deleted, does not. */
export function dueSince(user: User, now: number): number {
  const since = Math.min(...unconfirmed(user).map(({ at }) => at), user.due_at || now)
  return Math.min(since, now)
}
