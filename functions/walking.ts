import type { OwnerPage, Table } from './table.ts'
import { tableShape } from './table-shape.ts'

/** Owners in pages, so that memory stays flat however many there are. */

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
