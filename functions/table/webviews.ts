import { type Condition, number, type TableItems, text } from './items.ts'
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

export interface WebviewTable {
  /** False when somebody else has made this Connect Webview. `expires`: epoch seconds, for the TTL. */
  putWebview(connectWebviewId: string, webview: WebviewRecord, expires: number): Promise<boolean>
  readWebview(connectWebviewId: string): Promise<WebviewRecord | undefined>
  /** Takes the turn to ask Seam about it; false when another has taken it after `since`. Epoch milliseconds. */
  takeTurnToAsk(connectWebviewId: string, now: number, since: number): Promise<boolean>
  noteWebviewStatus(connectWebviewId: string, status: WebviewStatus, reason?: string): Promise<void>

  /** Whether it has had its effect. Forgotten some time after `expires` (epoch seconds); effects may be repeated. */
  hasEvent(eventId: string): Promise<boolean>
  markEvent(eventId: string, expires: number): Promise<void>
}

export function webviewTable({ read, put, update }: TableItems): WebviewTable {
  /** Only where there is a record: the TTL may have taken it, and a half one must not come back. */
  const change = (connectWebviewId: string, expression: string, values: Condition['values'], also = '') =>
    update(keys.webview(connectWebviewId), expression, {
      if: `attribute_exists(#owner)${also}`,
      names: { '#owner': 'owner' },
      ...(values && { values }),
    })

  return {
    async putWebview(connectWebviewId, { owner, made_at, expires_at }, expires) {
      const item = keys.webview(connectWebviewId)
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
    },

    async readWebview(connectWebviewId) {
      const item = await read(keys.webview(connectWebviewId))
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
    },

    async takeTurnToAsk(connectWebviewId, now, since) {
      const values = { ':now': number(now), ':since': number(since) }
      const itsTurn = ' AND (attribute_not_exists(asked_at) OR asked_at <= :since)'
      return (await change(connectWebviewId, 'SET asked_at = :now', values, itsTurn)).written
    },

    async noteWebviewStatus(connectWebviewId, status, reason) {
      const values = { ':status': text(status), ...(reason && { ':reason': text(reason) }) }
      const also = reason === undefined ? ' REMOVE webview_reason' : ', webview_reason = :reason'
      await change(connectWebviewId, `SET webview_status = :status${also}`, values)
    },

    async hasEvent(eventId) {
      return (await read(keys.event(eventId))) !== undefined
    },

    async markEvent(eventId, expires) {
      await put(keys.event(eventId), { [tableShape.ttl]: number(expires) })
    },
  }
}
