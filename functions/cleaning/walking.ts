import { tableShape } from '../table/shape.ts'
import type { OwnerPage, Table } from '../table/table.ts'
import { type User, unconfirmed } from '../user.ts'

/** In which order users are come to; in pages, so that memory stays flat however many there are. */

const pageOfAShard = 50

/** Whose records were due at `now`: a page of every shard at a time, each shard's oldest first. */
export async function* ownersDue(table: Pick<Table, 'dueOwners'>, now: number): AsyncGenerator<string[]> {
  let open: { shard: number; after?: OwnerPage['after'] }[] = Array.from(
    { length: tableShape.due.shards },
    (_, shard) => ({ shard }),
  )
  while (open.length > 0) {
    const pages = await Promise.all(
      open.map(async ({ shard, after }) => ({
        shard,
        ...(await table.dueOwners(shard, now, { limit: pageOfAShard, ...(after && { after }) })),
      })),
    )
    yield pages.flatMap(({ owners }) => owners)
    open = pages.filter(({ after }) => after !== undefined)
  }
}

export async function* everyOwner(table: Pick<Table, 'allOwners'>): AsyncGenerator<string[]> {
  let page: OwnerPage | undefined
  do {
    page = await table.allOwners(page?.after && { after: page.after })
    yield page.owners
  } while (page.after !== undefined)
}

/** What may still open doors before what only has to be looked after; then the oldest. */
export function deletesFirst(now: number) {
  const settled = (user: User) => Number(unconfirmed(user).length === 0)
  return (one: User, other: User) =>
    settled(one) - settled(other) || dueSince(one, now) - dueSince(other, now)
}

/** Epoch ms. `due_at` moves when an attempt has failed; since when it should have been deleted, does not. */
export function dueSince(user: User, now: number): number {
  const since = Math.min(...unconfirmed(user).map(({ at }) => at), user.due_at || now)
  return Math.min(since, now)
}
