import type { TableItems } from './items.ts'
import { outage } from './outage.ts'
import { tableShape } from './shape.ts'
import type { AccountHolders } from './table.ts'
import type { Item } from './user-item.ts'

/** How accounts get there: who holds which, who made which Connect Webview, and which events have had their effect. */

export interface AccountTable {
  /** Adds an owner unless the account is deleted; says whether it is. */
  addHolder(connectedAccountId: string, owner: string): Promise<'added' | 'deleted'>
  /** The tombstone, and everybody who may hold the account. */
  markAccountDeleted(connectedAccountId: string, now: number): Promise<AccountHolders>
  /** Notes owners whose records have been written since the tombstone: no grant on its way can reach them any more. */
  markSettled(connectedAccountId: string, owners: string[]): Promise<void>
}

export interface WebviewTable {
  /** False when somebody else has made this Connect Webview. `expires`: epoch seconds, for the broom. */
  putWebview(connectWebviewId: string, webview: WebviewRecord, expires: number): Promise<boolean>
  readWebview(connectWebviewId: string): Promise<WebviewRecord | undefined>
  /** Takes the turn to ask Seam about it; false when another has taken it after `since`. Epoch milliseconds. */
  takeTurnToAsk(connectWebviewId: string, now: number, since: number): Promise<boolean>
  noteWebviewStatus(connectWebviewId: string, status: WebviewStatus): Promise<void>

  /** Whether it has had its effect. Forgotten some time after `expires` (epoch seconds); effects may be repeated. */
  hasEvent(eventId: string): Promise<boolean>
  markEvent(eventId: string, expires: number): Promise<void>
}

/** Who made a Connect Webview with us, and how it went. */
export interface WebviewRecord {
  owner: string
  /** Epoch milliseconds. A login after this gives nothing. */
  expires_at: number
  /** What Seam said when it was asked last. */
  status?: WebviewStatus
}

export type WebviewStatus = 'pending' | 'connected' | 'failed'

const accountItem = (connectedAccountId: string) => `account#${connectedAccountId}`
const webviewItem = (connectWebviewId: string) => `webview#${connectWebviewId}`
const eventItem = (eventId: string) => `event#${eventId}`

export function accountTable({
  client,
  TableName,
  key,
  read,
  conditionally,
}: TableItems): AccountTable & WebviewTable {
  /** Only where there is a record: the broom may have taken it, and a half one must not come back. */
  const updateWebview = (connectWebviewId: string, change: string, values: Item, condition = '') =>
    conditionally(() =>
      client.updateItem({
        TableName,
        Key: key(webviewItem(connectWebviewId)),
        UpdateExpression: change,
        ConditionExpression: `attribute_exists(#owner)${condition}`,
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: values,
      }),
    )

  return {
    async addHolder(connectedAccountId, owner) {
      const { written } = await conditionally(() =>
        client.updateItem({
          TableName,
          Key: key(accountItem(connectedAccountId)),
          UpdateExpression: 'ADD owners :owner',
          ConditionExpression: 'attribute_not_exists(deleted_at)',
          ExpressionAttributeValues: { ':owner': { SS: [owner] } },
        }),
      )
      return written ? 'added' : 'deleted'
    },

    async markAccountDeleted(connectedAccountId, now) {
      const input = {
        TableName,
        Key: key(accountItem(connectedAccountId)),
        UpdateExpression: 'SET deleted_at = if_not_exists(deleted_at, :now)',
        ExpressionAttributeValues: { ':now': { N: String(now) } },
        ReturnValues: 'ALL_NEW' as const,
      }
      const { Attributes } = await client.updateItem(input).catch(outage)
      return {
        owners: Attributes?.owners?.SS ?? [],
        deleted_at: Number(Attributes?.deleted_at?.N ?? now),
        settled_owners: Attributes?.settled_owners?.SS ?? [],
      }
    },

    async markSettled(connectedAccountId, owners) {
      if (owners.length === 0) return
      const input = {
        TableName,
        Key: key(accountItem(connectedAccountId)),
        UpdateExpression: 'ADD settled_owners :owners',
        ExpressionAttributeValues: { ':owners': { SS: owners } },
      }
      await client.updateItem(input).catch(outage)
    },

    async putWebview(connectWebviewId, { owner, expires_at }, expires) {
      const item = webviewItem(connectWebviewId)
      const result = await conditionally(() =>
        client.putItem({
          TableName,
          Item: {
            ...key(item),
            owner: { S: owner },
            expires_at: { N: String(expires_at) },
            [tableShape.ttl]: { N: String(expires) },
          },
          ConditionExpression: 'attribute_not_exists(#owner)',
          ExpressionAttributeNames: { '#owner': 'owner' },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      )
      if (result.written) return true
      // The answer to our own write may have been lost, and the write repeated.
      return (result.found ?? (await read(item)))?.owner?.S === owner
    },

    async readWebview(connectWebviewId) {
      const item = await read(webviewItem(connectWebviewId))
      if (item?.owner?.S === undefined) return undefined
      const status = item.webview_status?.S as WebviewStatus | undefined
      return { owner: item.owner.S, expires_at: Number(item.expires_at?.N), ...(status && { status }) }
    },

    async takeTurnToAsk(connectWebviewId, now, since) {
      const { written } = await updateWebview(
        connectWebviewId,
        'SET asked_at = :now',
        { ':now': { N: String(now) }, ':since': { N: String(since) } },
        ' AND (attribute_not_exists(asked_at) OR asked_at <= :since)',
      )
      return written
    },

    async noteWebviewStatus(connectWebviewId, status) {
      await updateWebview(connectWebviewId, 'SET webview_status = :status', { ':status': { S: status } })
    },

    async hasEvent(eventId) {
      return (await read(eventItem(eventId))) !== undefined
    },

    async markEvent(eventId, expires) {
      const Item = { ...key(eventItem(eventId)), [tableShape.ttl]: { N: String(expires) } }
      await client.putItem({ TableName, Item }).catch(outage)
    },
  }
}
