import type { KeyStore } from '../caller/keys.ts'
import type { CompareAndSet } from '../change.ts'
import type { User } from '../user.ts'
import { type AccountTable, accountTable, type WebviewTable } from './accounts.ts'
import { type TableOptions, tableItems } from './items.ts'
import { outage } from './outage.ts'
import { tableShape } from './shape.ts'
import { type Item, itemFromUser, userFromItem, userItem } from './user-item.ts'

/** The records: the only place that knows DynamoDB. Single-item conditional writes only, see the README. */

export interface Settings {
  workspace_id: string
  /** `<deployment>-<8 random characters>`: no two tables share one. */
  key_prefix: string
}

/** Who holds a connected account: a superset of the truth, it only grows. Readers look at the user. */
export interface AccountHolders {
  owners: string[]
  /** Seam has deleted the account. */
  deleted_at?: number
  /** Whose records have been written since then. */
  settled_owners?: string[]
}

export interface Table extends KeyStore, AccountTable {
  /** Strongly consistent. */
  readUser(owner: string): Promise<User | undefined>
  compareAndSet: CompareAndSet
  readSettings(): Promise<Settings | undefined>
  /** Writes them if there are none, and returns those that stand. */
  putSettings(settings: Settings): Promise<Settings>
  /** Counts one more of `what` in this window; false when there were `limit` already. */
  takeFromBudget(what: string, limit: number, expires: number): Promise<boolean>
  /** Owners whose `due_at` is not after `now`, oldest first; may be stale, so read the user again. */
  dueOwners(shard: number, now: number, page?: { after?: Item; limit?: number }): Promise<OwnerPage>
  /** All owners, in no order: for the runbook after a restore only, it costs by the whole table. */
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

export interface OwnerPage {
  owners: string[]
  /** Where the next page starts; absent on the last. */
  after?: Item
}

export function vendingTable(options: TableOptions): Table & WebviewTable {
  const items = tableItems(options)
  const { client, TableName, key, read, conditionally } = items

  return {
    ...accountTable(items),

    async readUser(owner) {
      const item = await read(userItem(owner))
      return item === undefined ? undefined : userFromItem(item)
    },

    async compareAndSet(owner, revision, next) {
      const item = userItem(owner)
      const condition = {
        TableName,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
        ...(revision === undefined
          ? { ConditionExpression: 'attribute_not_exists(revision)' }
          : {
              ConditionExpression: 'revision = :read',
              ExpressionAttributeValues: { ':read': { S: revision } },
            }),
      }
      const result = await conditionally(() =>
        next === undefined
          ? client.deleteItem({ ...condition, Key: key(item) })
          : client.putItem({ ...condition, Item: itemFromUser(next) }),
      )
      if (result.written) return result
      // The portable engine refuses without telling what is there.
      const found = result.found ?? (await read(item))
      return { written: false, found: found && userFromItem(found) }
    },

    async readSettings() {
      return settingsFromItem(await read('settings'))
    },

    async putSettings(settings) {
      const result = await conditionally(() =>
        client.putItem({
          TableName,
          Item: {
            ...key('settings'),
            workspace_id: { S: settings.workspace_id },
            key_prefix: { S: settings.key_prefix },
          },
          ConditionExpression: 'attribute_not_exists(workspace_id)',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      )
      if (result.written) return settings
      return settingsFromItem(result.found ?? (await read('settings'))) ?? settings
    },

    async takeFromBudget(what, limit, expires) {
      const { written } = await conditionally(() =>
        client.updateItem({
          TableName,
          Key: key(`budget#${what}`),
          UpdateExpression: `ADD taken :one SET ${tableShape.ttl} = :expires`,
          ConditionExpression: 'attribute_not_exists(taken) OR taken < :limit',
          ExpressionAttributeValues: {
            ':one': { N: '1' },
            ':limit': { N: String(limit) },
            ':expires': { N: String(expires) },
          },
        }),
      )
      return written
    },

    async dueOwners(shard, now, { after, limit = 100 } = {}) {
      const { name, partition, sort } = tableShape.due
      const input = {
        TableName,
        IndexName: name,
        KeyConditionExpression: '#shard = :shard AND #due <= :now',
        ExpressionAttributeNames: { '#shard': partition, '#due': sort },
        ExpressionAttributeValues: { ':shard': { N: String(shard) }, ':now': { N: String(now) } },
        Limit: limit,
        ...(after !== undefined && { ExclusiveStartKey: after }),
      }
      const { Items = [], LastEvaluatedKey } = await client.query(input).catch(outage)
      return ownerPage(Items, LastEvaluatedKey)
    },

    async allOwners({ after, limit = 1000 } = {}) {
      const input = {
        TableName,
        ConsistentRead: true,
        ProjectionExpression: '#item',
        FilterExpression: 'begins_with(#item, :user)',
        ExpressionAttributeNames: { '#item': tableShape.key },
        ExpressionAttributeValues: { ':user': { S: userItem('') } },
        Limit: limit,
        ...(after !== undefined && { ExclusiveStartKey: after }),
      }
      const { Items = [], LastEvaluatedKey } = await client.scan(input).catch(outage)
      return ownerPage(Items, LastEvaluatedKey)
    },

    async startRun(run, now, until) {
      const result = await conditionally(() =>
        client.updateItem({
          TableName,
          Key: key(cleanupRun),
          UpdateExpression: 'SET lease_owner = :run, lease_until = :until',
          ConditionExpression: 'attribute_not_exists(lease_until) OR lease_until <= :now',
          ExpressionAttributeValues: {
            ':run': { S: run },
            ':now': { N: String(now) },
            ':until': { N: String(until) },
          },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      )
      if (result.written) return true
      // The answer to our own write may have been lost, and the write repeated.
      return (result.found ?? (await read(cleanupRun)))?.lease_owner?.S === run
    },

    async endRun(run, until, report) {
      await conditionally(() =>
        client.updateItem({
          TableName,
          Key: key(cleanupRun),
          UpdateExpression: 'SET lease_until = :until, last_report = :report',
          ConditionExpression: 'lease_owner = :run',
          ExpressionAttributeValues: {
            ':run': { S: run },
            ':until': { N: String(until) },
            ':report': { S: report },
          },
        }),
      )
    },

    async runEndsAt() {
      const until = (await read(cleanupRun))?.lease_until?.N
      return until === undefined ? undefined : Number(until)
    },

    async readReport() {
      return (await read(cleanupRun))?.last_report?.S
    },

    async readKeySet(name) {
      const item = await read(`keys#${name}`)
      if (item?.key_set?.S === undefined) return undefined
      return JSON.parse(item.key_set.S)
    },

    async writeKeySet(name, keySet) {
      const Item = { ...key(`keys#${name}`), key_set: { S: JSON.stringify(keySet) } }
      await client.putItem({ TableName, Item }).catch(outage)
    },
  }
}

const cleanupRun = 'run#cleanup'

function ownerPage(items: Item[], after: Item | undefined): OwnerPage {
  const owners = items.map((item) => (item[tableShape.key]?.S ?? '').slice(userItem('').length))
  return { owners, ...(after !== undefined && { after }) }
}

function settingsFromItem(item: Item | undefined): Settings | undefined {
  const workspace_id = item?.workspace_id?.S
  const key_prefix = item?.key_prefix?.S
  return workspace_id === undefined || key_prefix === undefined ? undefined : { workspace_id, key_prefix }
}
