import type { User } from '../record/user.ts'
import { type Item, number, type TableItems, text } from './items.ts'
import { keys, nameIn } from './keys.ts'
import { outage } from './outage.ts'
import { tableShape } from './shape.ts'
import { userFromItem } from './user-item.ts'

/** What cleanup and the operator need: who is due, everybody, the right to run, and the last report. */

export interface OwnerPage {
  owners: string[]
  /** Where the next page starts; absent on the last. */
  after?: Item
}

export interface UserPage {
  users: User[]
  after?: Item
}

export interface DuePage extends OwnerPage {
  /** Accounts that Seam has deleted, and whose holders have not all been written since. */
  accountIds: string[]
}

export interface PageOptions {
  after?: Item
  limit?: number
}

/** What is due at `now`, oldest first; may be stale, so read it again. */
export async function due(
  { client, tableName: TableName }: TableItems,
  shard: number,
  now: number,
  { after, limit = 100 }: PageOptions = {},
): Promise<DuePage> {
  const { name, partition, sort } = tableShape.due
  const input = {
    TableName,
    IndexName: name,
    KeyConditionExpression: '#shard = :shard AND #due <= :now',
    ExpressionAttributeNames: { '#shard': partition, '#due': sort },
    ExpressionAttributeValues: { ':shard': number(shard), ':now': number(now) },
    Limit: limit,
    ...(after !== undefined && { ExclusiveStartKey: after }),
  }
  const { Items = [], LastEvaluatedKey } = await client.query(input).catch(outage)
  return { ...ownerPage(Items, LastEvaluatedKey), accountIds: namesIn(Items, 'account') }
}

/** All owners, in no order: it costs by the whole table. */
export async function allOwners(items: TableItems, page: PageOptions = {}): Promise<OwnerPage> {
  const { Items, after } = await scanUsers(items, { limit: 1000, ...page }, '#item')
  return ownerPage(Items, after)
}

/** All users, in no order. Strongly consistent, and at the price of `allOwners`: a scan reads whole items anyway. */
export async function allUsers(items: TableItems, page: PageOptions): Promise<UserPage> {
  const { Items, after } = await scanUsers(items, page)
  return { users: Items.map(userFromItem), ...(after !== undefined && { after }) }
}

async function scanUsers(
  { client, tableName: TableName }: TableItems,
  { after, limit = 100 }: PageOptions,
  projection?: string,
): Promise<{ Items: Item[]; after: Item | undefined }> {
  const input = {
    TableName,
    ConsistentRead: true,
    ...(projection !== undefined && { ProjectionExpression: projection }),
    FilterExpression: 'begins_with(#item, :user)',
    ExpressionAttributeNames: { '#item': tableShape.key },
    ExpressionAttributeValues: { ':user': text(keys.user('')) },
    Limit: limit,
    ...(after !== undefined && { ExclusiveStartKey: after }),
  }
  const { Items = [], LastEvaluatedKey } = await client.scan(input).catch(outage)
  return { Items, after: LastEvaluatedKey }
}

/** Takes the right to clean up until `until`; false while another run has it. */
export async function startRun({ read, update }: TableItems, run: string, now: number, until: number) {
  const change = 'SET lease_owner = :run, lease_until = :until'
  const { written, item } = await update(keys.cleanupRun(), change, {
    if: 'attribute_not_exists(lease_until) OR lease_until <= :now',
    values: { ':run': text(run), ':now': number(now), ':until': number(until) },
  })
  // The answer to our own write may have been lost, and the write repeated.
  return written || (item ?? (await read(keys.cleanupRun())))?.lease_owner?.S === run
}

/** Gives it back at `until`, with a report as JSON, unless another run has taken over. */
export async function endRun({ update }: TableItems, run: string, until: number, report: string) {
  await update(keys.cleanupRun(), 'SET lease_until = :until, last_report = :report', {
    if: 'lease_owner = :run',
    values: { ':run': text(run), ':until': number(until), ':report': text(report) },
  })
}

/** Until when a run, or Seam's `Retry-After`, keeps others from starting; epoch milliseconds. */
export async function runEndsAt({ read }: TableItems): Promise<number | undefined> {
  const until = (await read(keys.cleanupRun()))?.lease_until?.N
  return until === undefined ? undefined : Number(until)
}

/** The report of the last run that ended, as JSON. */
export async function readReport({ read }: TableItems): Promise<string | undefined> {
  return (await read(keys.cleanupRun()))?.last_report?.S
}

function namesIn(items: Item[], kind: 'user' | 'account'): string[] {
  return items.flatMap((item) => nameIn(item[tableShape.key]?.S ?? '', kind) ?? [])
}

function ownerPage(items: Item[], after: Item | undefined): OwnerPage {
  return { owners: namesIn(items, 'user'), ...(after !== undefined && { after }) }
}
