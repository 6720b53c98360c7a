import type { TableOptions } from './items.ts'
import { outage } from './outage.ts'
import { tableShape } from './shape.ts'
import type { AccountHolders } from './table.ts'

/** What only an operator asks of the table; no other function has the right to. */

export interface OperatorTable {
  /** Who may hold a connected account: a superset of the truth, so read the users. */
  readHolders(connectedAccountId: string): Promise<AccountHolders>
  /**
   * Notes a client session that no record names, and returns when that was noted first (epoch milliseconds).
   * The note expires; without it the waiting merely starts anew.
   */
  noteOrphan(clientSessionId: string, now: number): Promise<number>
}

const orphanNoteKept = 30 * 86_400 // Seconds.

export function operatorTable(options: TableOptions): OperatorTable {
  const { client, tableName: TableName } = options
  const key = (item: string) => ({ [tableShape.key]: { S: item } })

  return {
    async readHolders(connectedAccountId) {
      const input = {
        TableName,
        Key: key(`account#${connectedAccountId}`),
        ConsistentRead: true,
      }
      const { Item } = await client.getItem(input).catch(outage)
      const deleted_at = Item?.deleted_at?.N
      return {
        owners: Item?.owners?.SS ?? [],
        ...(deleted_at !== undefined && { deleted_at: Number(deleted_at) }),
      }
    },

    async noteOrphan(clientSessionId, now) {
      const input = {
        TableName,
        Key: key(`orphan#${clientSessionId}`),
        UpdateExpression: `SET first_seen_at = if_not_exists(first_seen_at, :now), ${tableShape.ttl} = :expires`,
        ExpressionAttributeValues: {
          ':now': { N: String(now) },
          ':expires': { N: String(Math.ceil(now / 1000) + orphanNoteKept) },
        },
        ReturnValues: 'ALL_NEW' as const,
      }
      const { Attributes } = await client.updateItem(input).catch(outage)
      return Number(Attributes?.first_seen_at?.N ?? now)
    },
  }
}
