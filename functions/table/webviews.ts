import type { TableItems } from './items.ts'
import { keys, tableShape } from './keys.ts'
import { attributesFrom } from './values.ts'

/** Who made which Connect Webview, and which events have had their effect. */

export type WebviewStatus = 'pending' | 'connected' | 'failed'

/** Who made a Connect Webview with us, and how it went. */
export interface WebviewRecord {
  owner: string
  /** Epoch milliseconds. */
  made_at: number
  /** A login after this gives nothing. */
  expires_at: number
  /** What Seam said when it was asked last. */
  status?: WebviewStatus
  /** Why a login gave nothing. */
  reason?: string
}

type WebviewItem = WebviewRecord & { webview_status?: WebviewStatus; webview_reason?: string }

/** False when somebody else has made this Connect Webview. `expires`: epoch seconds, for the TTL. */
export async function putWebview(items: TableItems, id: string, record: WebviewRecord, expires: number) {
  const attributes = attributesFrom({ ...record, [tableShape.ttl]: expires })
  const condition = { if: 'attribute_not_exists(#owner)', names: { '#owner': 'owner' } }
  const { written, found } = await items.put(keys.webview(id), attributes, condition)
  // The answer to our own write may have been lost, and the write repeated.
  return written || (found ?? (await readWebview(items, id)))?.owner === record.owner
}

export async function readWebview({ read }: TableItems, id: string): Promise<WebviewRecord | undefined> {
  const found = await read<WebviewItem>(keys.webview(id))
  if (found?.owner === undefined) return undefined
  const { owner, made_at, expires_at, webview_status: status, webview_reason: reason } = found
  return { owner, made_at, expires_at, status, reason }
}

/** Only where there is a record: the TTL may have taken it, and a half one must not come back. */
const standing = { if: 'attribute_exists(#owner)', names: { '#owner': 'owner' } }

/** Takes the turn to ask Seam about it; false when another has taken it after `since`. Epoch milliseconds. */
export async function takeTurnToAsk({ update }: TableItems, id: string, now: number, since: number) {
  const { written } = await update(keys.webview(id), 'SET asked_at = :now', {
    ...standing,
    if: `${standing.if} AND (attribute_not_exists(asked_at) OR asked_at <= :since)`,
    values: { ':now': now, ':since': since },
  })
  return written
}

export async function noteWebviewStatus(
  { update }: TableItems,
  id: string,
  status: WebviewStatus,
  reason?: string,
) {
  const also = reason === undefined ? ' REMOVE webview_reason' : ', webview_reason = :reason'
  const values = { ':status': status, ':reason': reason }
  await update(keys.webview(id), `SET webview_status = :status${also}`, { ...standing, values })
}

/** Whether it has had its effect. Forgotten some time after `expires` (epoch seconds); effects may be repeated. */
export async function hasEvent({ read }: TableItems, eventId: string) {
  return (await read(keys.event(eventId))) !== undefined
}

export async function markEvent({ put }: TableItems, eventId: string, expires: number) {
  await put(keys.event(eventId), attributesFrom({ [tableShape.ttl]: expires }))
}
