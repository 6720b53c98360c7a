import { dueNames, outage, type TableItems } from './items.ts'
import { keys, nameIn, tableShape } from './keys.ts'
import { userFromValues } from './user-item.ts'
import { attributesFrom, type Item, valuesFrom } from './values.ts'

/** What cleanup and the operator need: who is due, everybody, the right to run, and the last report. */

/** `after`: where the next page starts; absent on the last. */
type PageOptions = { limit?: number; after?: Item | undefined }

/**
 * What is due at `now`, oldest first; may be stale, so read it again. `accountIds`: accounts that Seam has deleted, and
 * whose holders have not all been written since.
 */
export async function due(
  { client, tableName: TableName }: TableItems,
  shard: number,
  now: number,
  { after, limit = 100 }: PageOptions = {},
) {
  const input = {
    TableName,
    IndexName: tableShape.due.name,
    KeyConditionExpression: '#shard = :shard AND #due <= :now',
    ExpressionAttributeNames: dueNames,
    ExpressionAttributeValues: attributesFrom({ ':shard': shard, ':now': now }),
    Limit: limit,
    ExclusiveStartKey: after,
  }
  const { Items = [], LastEvaluatedKey } = await client.query(input).catch(outage)
  return { owners: namesIn(Items, 'user'), accountIds: namesIn(Items, 'account'), after: LastEvaluatedKey }
}

/** All owners, in no order: it costs by the whole table. */
export async function allOwners(items: TableItems, page: PageOptions = {}) {
  const { found, after } = await scanUsers(items, { limit: 1000, ...page }, '#item')
  return { owners: namesIn(found, 'user'), after }
}

/** All users, in no order. Strongly consistent, and at the price of `allOwners`: a scan reads whole items anyway. */
export async function allUsers(items: TableItems, page: PageOptions) {
  const { found, after } = await scanUsers(items, page)
  return { users: found.map((item) => userFromValues(valuesFrom(item))), after }
}

async function scanUsers(
  { client, tableName: TableName }: TableItems,
  { after, limit = 100 }: PageOptions,
  ProjectionExpression?: string,
) {
  const input = {
    TableName,
    ConsistentRead: true,
    ProjectionExpression,
    FilterExpression: 'begins_with(#item, :user)',
    ExpressionAttributeNames: { '#item': tableShape.key },
    ExpressionAttributeValues: attributesFrom({ ':user': keys.user('') }),
    Limit: limit,
    ExclusiveStartKey: after,
  }
  const { Items = [], LastEvaluatedKey } = await client.scan(input).catch(outage)
  return { found: Items, after: LastEvaluatedKey }
}

/** Takes the right to clean up until `until`; false while another run has it. */
export async function startRun({ read, update }: TableItems, run: string, now: number, until: number) {
  const change = 'SET lease_owner = :run, lease_until = :until'
  const { written, found } = await update(keys.cleanupRun(), change, {
    if: 'attribute_not_exists(lease_until) OR lease_until <= :now',
    values: { ':run': run, ':now': now, ':until': until },
  })
  // The answer to our own write may have been lost, and the write repeated.
  return written || (found ?? (await read(keys.cleanupRun())))?.lease_owner === run
}

/** Gives it back at `until`, with a report as JSON, unless another run has taken over. */
export async function endRun({ update }: TableItems, run: string, until: number, report: string) {
  await update(keys.cleanupRun(), 'SET lease_until = :until, last_report = :report', {
    if: 'lease_owner = :run',
    values: { ':run': run, ':until': until, ':report': report },
  })
}

/** `lease_until`: until when a run, or Seam's `Retry-After`, keeps others from starting; `last_report`: as JSON. */
export async function readRun({ read }: TableItems) {
  return (await read<{ lease_until?: number; last_report?: string }>(keys.cleanupRun())) ?? {}
}

function namesIn(items: Item[], kind: 'user' | 'account'): string[] {
  return items.flatMap((item) => nameIn(item[tableShape.key]?.S ?? '', kind) ?? [])
}
