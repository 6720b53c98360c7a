import { number, type TableItems, text } from './items.ts'
import { holderShard, keys } from './keys.ts'
import { tableShape } from './shape.ts'
import { dueShard } from './user-item.ts'

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

export interface AccountTable {
  /** Notes that this owner may hold the account: a superset of the truth, which only grows. */
  addHolder(accountId: string, owner: string): Promise<void>
  readHolders(accountId: string, shard: number): Promise<string[]>
  /** Strongly consistent; undefined: Seam has not deleted it, as far as we know. */
  readTombstone(accountId: string): Promise<Tombstone | undefined>
  /** Undefined when it was lifted after `at`: an event that late changes nothing. `id`: for a new tombstone. */
  putTombstone(accountId: string, at: number, id: string): Promise<Tombstone | undefined>
  /** Holders of this shard whose records were written since this very tombstone. */
  readSettled(accountId: string, shard: number, tombstone: string): Promise<string[]>
  addSettled(accountId: string, shard: number, tombstone: string, owners: string[]): Promise<void>
  /** Every holder's record has been written since this very tombstone. */
  settleTombstone(accountId: string, tombstone: string): Promise<void>
  /** False unless this very tombstone stands, and is settled. */
  liftTombstone(accountId: string, tombstone: string, now: number): Promise<boolean>

  readIdentity(userIdentityId: string): Promise<IdentityItem | undefined>
  /** Writes `next` if the item still has `revision` (absent: if there is none). */
  putIdentity(userIdentityId: string, revision: string | undefined, next: IdentityItem): Promise<boolean>
}

export function accountTable(items: TableItems): AccountTable {
  const { read, update } = items

  async function readTombstone(accountId: string): Promise<Tombstone | undefined> {
    const item = await read(keys.account(accountId))
    const tombstone = item?.tombstone?.S
    return tombstone === undefined ? undefined : { tombstone, settled: item?.settled?.BOOL === true }
  }

  return {
    ...identityTable(items),
    readTombstone,

    async addHolder(accountId, owner) {
      await update(keys.holders(accountId, holderShard(owner)), 'ADD owners :owner', {
        values: { ':owner': { SS: [owner] } },
      })
    },

    async readHolders(accountId, shard) {
      return (await read(keys.holders(accountId, shard)))?.owners?.SS ?? []
    },

    async putTombstone(accountId, at, id) {
      const { partition, sort } = tableShape.due
      // Due until it is settled: cleanup goes on where time ran out.
      const { written, item } = await update(
        keys.account(accountId),
        `SET deleted_at = if_not_exists(deleted_at, :at), tombstone = if_not_exists(tombstone, :id), #shard = :shard, #due = if_not_exists(#due, :at)`,
        {
          if: 'attribute_not_exists(settled) AND (attribute_not_exists(lifted_at) OR lifted_at < :at)',
          names: { '#shard': partition, '#due': sort },
          values: { ':at': number(at), ':id': text(id), ':shard': number(dueShard(accountId)) },
        },
      )
      if (written) return { tombstone: item?.tombstone?.S ?? id, settled: false }
      return readTombstone(accountId)
    },

    async readSettled(accountId, shard, tombstone) {
      const item = await read(keys.settled(accountId, shard))
      return item?.tombstone?.S === tombstone ? (item.owners?.SS ?? []) : []
    },

    async addSettled(accountId, shard, tombstone, owners) {
      if (owners.length === 0) return
      const values = { ':tombstone': text(tombstone), ':owners': { SS: owners } }
      const item = keys.settled(accountId, shard)
      const change = 'SET tombstone = :tombstone ADD owners :owners'
      const same = 'attribute_not_exists(tombstone) OR tombstone = :tombstone'
      if ((await update(item, change, { if: same, values })).written) return
      // Of an earlier tombstone: these start again.
      await update(item, 'SET tombstone = :tombstone, owners = :owners', {
        if: 'tombstone <> :tombstone',
        values,
      })
    },

    async settleTombstone(accountId, tombstone) {
      const { partition, sort } = tableShape.due
      await update(keys.account(accountId), 'SET settled = :yes REMOVE #shard, #due', {
        if: 'tombstone = :tombstone',
        names: { '#shard': partition, '#due': sort },
        values: { ':tombstone': text(tombstone), ':yes': { BOOL: true } },
      })
    },

    async liftTombstone(accountId, tombstone, now) {
      const { written } = await update(
        keys.account(accountId),
        'SET lifted_at = :now REMOVE deleted_at, tombstone, settled',
        {
          if: 'tombstone = :tombstone AND settled = :yes',
          values: { ':tombstone': text(tombstone), ':yes': { BOOL: true }, ':now': number(now) },
        },
      )
      return written
    },
  }
}

function identityTable({ read, put }: TableItems): Pick<AccountTable, 'readIdentity' | 'putIdentity'> {
  async function readIdentity(userIdentityId: string): Promise<IdentityItem | undefined> {
    const item = await read(keys.identity(userIdentityId))
    const owner = item?.owner?.S
    const revision = item?.revision?.S
    return owner === undefined || revision === undefined ? undefined : { owner, revision }
  }

  return {
    readIdentity,

    async putIdentity(userIdentityId, revision, next) {
      const attributes = { owner: text(next.owner), revision: text(next.revision) }
      const condition =
        revision === undefined
          ? { if: 'attribute_not_exists(revision)' }
          : { if: 'revision = :read', values: { ':read': text(revision) } }
      const { written } = await put(keys.identity(userIdentityId), attributes, condition)
      // The answer to our own write may have been lost, and the write repeated.
      return written || (await readIdentity(userIdentityId))?.revision === next.revision
    },
  }
}
