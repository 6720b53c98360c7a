import type { TableClient } from '../aws/dynamodb-sdk.ts'
import { Problem } from '../http/problem.ts'
import { tableShape } from './keys.ts'
import { attributesFrom, type Item, type Values, valuesFrom } from './values.ts'

/** What all items of the table have in common: how one is read, and how one is written under a condition. */

export interface Condition {
  /** A condition expression. */
  if?: string
  names?: Record<string, string>
  values?: Values
}

/** `found`: as it is after an update that was written, or what was there instead where the engine tells. */
export type Written = { written: boolean; found?: Values | undefined }

export type TableItems = ReturnType<typeof tableItems>

export const dueNames = { '#shard': tableShape.due.partition, '#due': tableShape.due.sort }

/** The condition of a compare-and-set: the item still has this revision, or there is none. */
export function atRevision(revision: string | undefined): Condition {
  if (revision === undefined) return { if: 'attribute_not_exists(revision)' }
  return { if: 'revision = :read', values: { ':read': revision } }
}

/** DynamoDB's trouble, told apart by name, never by message; the error itself goes no further, it may quote an item. */
export function outage(error: unknown): never {
  const reason = error instanceof Error ? error.name : 'unknown'
  const code = reason === 'TimeoutError' ? 'upstream_timeout' : 'upstream_unavailable'
  throw new Problem(code, { dependency: 'dynamodb', reason, retryAfter: 1 })
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
  const entries = Object.entries(functions).map(([name, act]) => [name, act.bind(undefined, items)])
  return Object.fromEntries(entries) as Bound<Functions>
}

export function tableItems(options: { client: TableClient; tableName: string }) {
  const { client, tableName: TableName } = options
  const Key = (item: string) => ({ [tableShape.key]: { S: item } })
  return {
    ...options,
    /** Strongly consistent. */
    async read<Found = Values>(item: string) {
      const input = { TableName, Key: Key(item), ConsistentRead: true }
      const { Item: found } = await client.getItem(input).catch(outage)
      return found && (valuesFrom(found) as Found)
    },
    async put(item: string, attributes: Item, condition: Condition = {}) {
      const input = { TableName, Item: { ...Key(item), ...attributes } }
      return conditionally(client.putItem({ ...input, ...conditionIn(condition) }))
    },
    async update(item: string, change: string, condition: Condition = {}) {
      const input = { TableName, Key: Key(item), UpdateExpression: change, ReturnValues: 'ALL_NEW' as const }
      return conditionally(client.updateItem({ ...input, ...conditionIn(condition) }))
    },
  }
}

function conditionIn({ if: ConditionExpression, names, values }: Condition) {
  return {
    ConditionExpression,
    ReturnValuesOnConditionCheckFailure: ConditionExpression === undefined ? undefined : ('ALL_OLD' as const),
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values && attributesFrom(values),
  }
}

async function conditionally(writing: Promise<unknown>): Promise<Written> {
  try {
    const { Attributes } = (await writing) as { Attributes?: Item }
    return { written: true, found: Attributes && valuesFrom(Attributes) }
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ConditionalCheckFailedException') return outage(error)
    const { Item: found } = error as { Item?: Item }
    return { written: false, found: found && valuesFrom(found) }
  }
}
