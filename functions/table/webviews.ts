import { type Item, number, type TableItems, text, type Written } from './items.ts'
import { keys } from './keys.ts'
import { tableShape } from './shape.ts'

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

/** False when somebody else has made this Connect Webview. `expires`: epoch seconds, for the TTL. */
export async function putWebview(
  { read, put }: TableItems,
  id: string,
  { owner, made_at, expires_at }: WebviewRecord,
  expires: number,
) {
  const item = keys.webview(id)
  const { written, item: found } = await put(
    item,
    {
      owner: text(owner),
      made_at: number(made_at),
      expires_at: number(expires_at),
      [tableShape.ttl]: number(expires),
    },
    { if: 'attribute_not_exists(#owner)', names: { '#owner': 'owner' } },
  )
  // The answer to our own write may have been lost, and the write repeated.
  return written || (found ?? (await read(item)))?.owner?.S === owner
}

export async function readWebview({ read }: TableItems, id: string): Promise<WebviewRecord | undefined> {
  const item = await read(keys.webview(id))
  if (item?.owner?.S === undefined) return undefined
  const status = item.webview_status?.S as WebviewStatus | undefined
  const reason = item.webview_reason?.S
  return {
    owner: item.owner.S,
    made_at: Number(item.made_at?.N),
    expires_at: Number(item.expires_at?.N),
    ...(status && { status }),
    ...(reason && { reason }),
  }
}

/** Takes the turn to ask Seam about it; false when another has taken it after `since`. Epoch milliseconds. */
export async function takeTurnToAsk(items: TableItems, id: string, now: number, since: number) {
  const values = { ':now': number(now), ':since': number(since) }
  const itsTurn = ' AND (attribute_not_exists(asked_at) OR asked_at <= :since)'
  return (await change(items, id, 'SET asked_at = :now', values, itsTurn)).written
}

export async function noteWebviewStatus(
  items: TableItems,
  id: string,
  status: WebviewStatus,
  reason?: string,
) {
  const values = { ':status': text(status), ...(reason && { ':reason': text(reason) }) }
  const also = reason === undefined ? ' REMOVE webview_reason' : ', webview_reason = :reason'
  await change(items, id, `SET webview_status = :status${also}`, values)
}

/** Only where there is a record: the TTL may have taken it, and a half one must not come back. */
function change(
  { update }: TableItems,
  id: string,
  expression: string,
  values: Item,
  also = '',
): Promise<Written> {
  const condition = { if: `attribute_exists(#owner)${also}`, names: { '#owner': 'owner' }, values }
  return update(keys.webview(id), expression, condition)
}

/** Whether it has had its effect. Forgotten some time after `expires` (epoch seconds); effects may be repeated. */
export async function hasEvent({ read }: TableItems, eventId: string) {
  return (await read(keys.event(eventId))) !== undefined
}

export async function markEvent({ put }: TableItems, eventId: string, expires: number) {
  await put(keys.event(eventId), { [tableShape.ttl]: number(expires) })
}
