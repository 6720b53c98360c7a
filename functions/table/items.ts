import type { TableClient } from '../aws/dynamodb.ts'
import { outage } from './outage.ts'
import { tableShape } from './shape.ts'
import type { Item } from './user-item.ts'

/** What all items of the table have in common: how one is read, and how one is written under a condition. */

export type TableItems = ReturnType<typeof tableItems>

export interface TableOptions {
  client: TableClient
  tableName: string
}

export function tableItems({ client, tableName: TableName }: TableOptions) {
  const key = (item: string) => ({ [tableShape.key]: { S: item } })

  return {
    client,
    TableName,
    key,

    /** Strongly consistent. */
    async read(item: string): Promise<Item | undefined> {
      const input = { TableName, Key: key(item), ConsistentRead: true }
      return (await client.getItem(input).catch(outage)).Item
    },

    /** Sends a conditional write; what was there instead when it is refused, where the engine tells. */
    async conditionally(
      write: () => Promise<unknown>,
    ): Promise<{ written: true } | { written: false; found: Item | undefined }> {
      try {
        await write()
        return { written: true }
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'ConditionalCheckFailedException')
          return outage(error)
        return { written: false, found: (error as { Item?: Item }).Item }
      }
    },
  }
}
