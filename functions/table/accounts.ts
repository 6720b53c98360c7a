import { atRevision, dueNames, type TableItems } from './items.ts'
import { dueShard, holderShard, keys } from './keys.ts'
import { attributesFrom } from './values.ts'

/** Connected accounts: who may hold one, and whether Seam has deleted it. And who has which user identity. */

/** An account that Seam has deleted. */
export interface Tombstone {
  /** Random: a walk of an earlier tombstone must not act for a later one. */
  tombstone: string
  /** Every holder's record has been written since. */
  settled: boolean
}

/** Who has a user identity. It is never given back, only taken by somebody else. */
export interface IdentityItem {
  owner: string
  revision: string
}

/** Notes that this owner may hold the account: a superset of the truth, which only grows. */
export async function addHolder({ update }: TableItems, account: string, owner: string) {
  const values = { ':owner': [owner] }
  await update(keys.holders(account, holderShard(owner)), 'ADD owners :owner', { values })
}

export async function readHolders({ read }: TableItems, account: string, shard: number) {
  return (await read<{ owners: string[] }>(keys.holders(account, shard)))?.owners ?? []
}

/** Strongly consistent; undefined: Seam has not deleted it, as far as we know. */
export async function readTombstone({ read }: TableItems, account: string): Promise<Tombstone | undefined> {
  const { tombstone, settled = false } = (await read<Partial<Tombstone>>(keys.account(account))) ?? {}
  return tombstone === undefined ? undefined : { tombstone, settled }
}

/** Undefined when it was lifted after `at`: an event that late changes nothing. `id`: for a new tombstone. */
export async function putTombstone(
  items: TableItems,
  account: string,
  at: number,
  id: string,
): Promise<Tombstone | undefined> {
  // Due until it is settled: cleanup goes on where time ran out.
  const { written, found } = await items.update(
    keys.account(account),
    `SET deleted_at = if_not_exists(deleted_at, :at), tombstone = if_not_exists(tombstone, :id), #shard = :shard, #due = if_not_exists(#due, :at)`,
    {
      if: 'attribute_not_exists(settled) AND (attribute_not_exists(lifted_at) OR lifted_at < :at)',
      names: dueNames,
      values: { ':at': at, ':id': id, ':shard': dueShard(account) },
    },
  )
  if (written) return { tombstone: String(found?.tombstone ?? id), settled: false }
  return readTombstone(items, account)
}

/** Holders of this shard whose records were written since this very tombstone. */
export async function readSettled({ read }: TableItems, account: string, shard: number, tombstone: string) {
  const found = await read<{ tombstone: string; owners: string[] }>(keys.settled(account, shard))
  return found?.tombstone === tombstone ? found.owners : []
}

export async function addSettled(
  { update }: TableItems,
  account: string,
  shard: number,
  tombstone: string,
  owners: string[],
) {
  if (owners.length === 0) return
  const values = { ':tombstone': tombstone, ':owners': owners }
  const item = keys.settled(account, shard)
  const same = 'attribute_not_exists(tombstone) OR tombstone = :tombstone'
  const change = 'SET tombstone = :tombstone ADD owners :owners'
  if ((await update(item, change, { if: same, values })).written) return
  // Of an earlier tombstone: these start again.
  const other = 'tombstone <> :tombstone'
  await update(item, 'SET tombstone = :tombstone, owners = :owners', { if: other, values })
}

/** Every holder's record has been written since this very tombstone. */
export async function settleTombstone({ update }: TableItems, account: string, tombstone: string) {
  await update(keys.account(account), 'SET settled = :yes REMOVE #shard, #due', {
    if: 'tombstone = :tombstone',
    names: dueNames,
    values: { ':tombstone': tombstone, ':yes': true },
  })
}

/** False unless this very tombstone stands, and is settled. */
export async function liftTombstone({ update }: TableItems, account: string, tombstone: string, now: number) {
  const change = 'SET lifted_at = :now REMOVE deleted_at, tombstone, settled'
  const { written } = await update(keys.account(account), change, {
    if: 'tombstone = :tombstone AND settled = :yes',
    values: { ':tombstone': tombstone, ':yes': true, ':now': now },
  })
  return written
}

export async function readIdentity({ read }: TableItems, id: string): Promise<IdentityItem | undefined> {
  const found = await read<IdentityItem>(keys.identity(id))
  return found && { owner: found.owner, revision: found.revision }
}

/** Writes `next` if the item still has `revision` (absent: if there is none). */
export async function putIdentity(
  items: TableItems,
  id: string,
  revision: string | undefined,
  next: IdentityItem,
) {
  const { written } = await items.put(keys.identity(id), attributesFrom(next), atRevision(revision))
  // The answer to our own write may have been lost, and the write repeated.
  return written || (await readIdentity(items, id))?.revision === next.revision
}
