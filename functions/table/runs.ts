import { type Item, number, type TableItems, text } from './items.ts'
import { keys, nameIn } from './keys.ts'
import { outage } from './outage.ts'
import { tableShape } from './shape.ts'

/** What cleanup and the operator need: who is due, everybody, the right to run, and the last report. */

export interface OwnerPage {
  owners: string[]
  /** Where the next page starts; absent on the last. */
  after?: Item
}

export interface DuePage extends OwnerPage {
  /** Accounts that Seam has deleted, and whose holders have not all been written since. */
  accountIds: string[]
}

export interface RunTable {
  /** What is due at `now`, oldest first; may be stale, so read it again. */
  due(shard: number, now: number, page?: { after?: Item; limit?: number }): Promise<DuePage>
  /** All owners, in no order: it costs by the whole table. */
  allOwners(page?: { after?: Item; limit?: number }): Promise<OwnerPage>
  /** Takes the right to clean up until `until`; false while another run has it. */
  startRun(run: string, now: number, until: number): Promise<boolean>
  /** Gives it back at `until`, with a report as JSON, unless another run has taken over. */
  endRun(run: string, until: number, report: string): Promise<void>
  /** Until when a run, or Seam's `Retry-After`, keeps others from starting; epoch milliseconds. */
  runEndsAt(): Promise<number | undefined>
  /** The report of the last run that ended, as JSON. */
  readReport(): Promise<string | undefined>
}

export function runTable({ client, tableName: TableName, read, update }: TableItems): RunTable {
  return {
    async due(shard, now, { after, limit = 100 } = {}) {
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
    },

    async allOwners({ after, limit = 1000 } = {}) {
      const input = {
        TableName,
        ConsistentRead: true,
        ProjectionExpression: '#item',
        FilterExpression: 'begins_with(#item, :user)',
        ExpressionAttributeNames: { '#item': tableShape.key },
        ExpressionAttributeValues: { ':user': text(keys.user('')) },
        Limit: limit,
        ...(after !== undefined && { ExclusiveStartKey: after }),
      }
      const { Items = [], LastEvaluatedKey } = await client.scan(input).catch(outage)
      return ownerPage(Items, LastEvaluatedKey)
    },

    async startRun(run, now, until) {
      const { written, item } = await update(
        keys.cleanupRun(),
        'SET lease_owner = :run, lease_until = :until',
        {
          if: 'attribute_not_exists(lease_until) OR lease_until <= :now',
          values: { ':run': text(run), ':now': number(now), ':until': number(until) },
        },
      )
      // The answer to our own write may have been lost, and the write repeated.
      return written || (item ?? (await read(keys.cleanupRun())))?.lease_owner?.S === run
    },

    async endRun(run, until, report) {
      await update(keys.cleanupRun(), 'SET lease_until = :until, last_report = :report', {
        if: 'lease_owner = :run',
        values: { ':run': text(run), ':until': number(until), ':report': text(report) },
      })
    },

    async runEndsAt() {
      const until = (await read(keys.cleanupRun()))?.lease_until?.N
      return until === undefined ? undefined : Number(until)
    },

    async readReport() {
      return (await read(keys.cleanupRun()))?.last_report?.S
    },
  }
}

function namesIn(items: Item[], kind: 'user' | 'account'): string[] {
  return items.flatMap((item) => nameIn(item[tableShape.key]?.S ?? '', kind) ?? [])
}

function ownerPage(items: Item[], after: Item | undefined): OwnerPage {
  return { owners: namesIn(items, 'user'), ...(after !== undefined && { after }) }
}
