import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { TableClient } from '../aws/dynamodb.ts'
import { outage } from './outage.ts'
import { tableShape } from './shape.ts'

/** What all items of the table have in common: how one is read, and how one is written under a condition. */

export type Item = Record<string, AttributeValue>

export interface TableOptions {
  client: TableClient
  tableName: string
}

export interface Condition {
  /** A condition expression. */
  if?: string
  names?: Record<string, string>
  values?: Item
}

/** `item`: as it is after an update that was written, or what was there instead where the engine tells. */
export type Written = { written: boolean; item?: Item }

export interface TableItems extends TableOptions {
  /** Strongly consistent. */
  read(item: string): Promise<Item | undefined>
  put(item: string, attributes: Item, condition?: Condition): Promise<Written>
  update(item: string, change: string, condition?: Condition): Promise<Written>
}

export const text = (value: string): AttributeValue => ({ S: value })
export const number = (value: number): AttributeValue => ({ N: String(value) })

/** The condition of a compare-and-set: the item still has this revision, or there is none. */
export function atRevision(revision: string | undefined): Condition {
  if (revision === undefined) return { if: 'attribute_not_exists(revision)' }
  return { if: 'revision = :read', values: { ':read': text(revision) } }
}

/** The functions of one module, with the items handed in. */
export type Bound<Functions> = {
  [Name in keyof Functions]: Functions[Name] extends (
    items: TableItems,
    ...given: infer Given
  ) => infer Result
    ? (...given: Given) => Result
    : never
}

export function bound<Functions extends Record<string, (items: TableItems, ...given: never[]) => unknown>>(
  items: TableItems,
  functions: Functions,
): Bound<Functions> {
  const entries = Object.entries(functions).map(([name, act]) => [
    name,
    (...given: never[]) => act(items, ...given),
  ])
  return Object.fromEntries(entries) as Bound<Functions>
}

export function tableItems(options: TableOptions): TableItems {
  const { client, tableName: TableName } = options
  const Key = (item: string) => ({ [tableShape.key]: { S: item } })
  return {
    ...options,
    async read(item) {
      return (await client.getItem({ TableName, Key: Key(item), ConsistentRead: true }).catch(outage)).Item
    },
    put: (item, attributes, condition = {}) =>
      conditionally(() =>
        client.putItem({ TableName, Item: { ...Key(item), ...attributes }, ...conditionIn(condition) }),
      ),
    update: (item, UpdateExpression, condition = {}) =>
      conditionally(() =>
        client.updateItem({
          TableName,
          Key: Key(item),
          UpdateExpression,
          ReturnValues: 'ALL_NEW',
          ...conditionIn(condition),
        }),
      ),
  }
}

function conditionIn({ if: expression, names, values }: Condition) {
  return {
    ...(expression !== undefined && {
      ConditionExpression: expression,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    }),
    ...(names !== undefined && { ExpressionAttributeNames: names }),
    ...(values !== undefined && { ExpressionAttributeValues: values }),
  }
}

async function conditionally(write: () => Promise<unknown>): Promise<Written> {
  try {
    const { Attributes } = (await write()) as { Attributes?: Item }
    return { written: true, ...(Attributes && { item: Attributes }) }
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ConditionalCheckFailedException') return outage(error)
    const { Item: item } = error as { Item?: Item }
    return { written: false, ...(item && { item }) }
  }
}
