import type { KeyStore } from '../caller/keys.ts'
import { type AccountTable, accountTable } from './accounts.ts'
import { type Item, number, type TableItems, type TableOptions, tableItems, text } from './items.ts'
import { keys } from './keys.ts'
import { type RunTable, runTable } from './runs.ts'
import { tableShape } from './shape.ts'
import { type UserTable, userTable } from './users.ts'
import { type WebviewTable, webviewTable } from './webviews.ts'

/** The one table: single-item writes only. */

export interface Settings {
  workspace_id: string
  /** `<deployment>-<8 random characters>`: no two tables share one. */
  key_prefix: string
}

export interface Table extends KeyStore, UserTable, AccountTable, WebviewTable, RunTable {
  readSettings(): Promise<Settings | undefined>
  /** Writes them if there are none, and returns those that stand. */
  putSettings(settings: Settings): Promise<Settings>
  /** Counts one more of `what` in this window; false when there were `limit` already. */
  takeFromBudget(what: string, limit: number, expires: number): Promise<boolean>
  /**
   * Notes a client session that no record names, and returns when that was noted first (epoch milliseconds).
   * The note expires; without it the wait only starts again.
   */
  noteOrphan(clientSessionId: string, now: number): Promise<number>
}

export function vendingTable(options: TableOptions): Table {
  const items = tableItems(options)
  return {
    ...userTable(items),
    ...accountTable(items),
    ...webviewTable(items),
    ...runTable(items),
    ...otherItems(items),
  }
}

const orphanNoteKept = 30 * 86_400 // Seconds.

type OtherItems = Omit<Table, keyof (UserTable & AccountTable & WebviewTable & RunTable)>

function otherItems({ read, put, update }: TableItems): OtherItems {
  return {
    async readSettings() {
      return settingsFromItem(await read(keys.settings()))
    },

    async putSettings(settings) {
      const { written, item } = await put(
        keys.settings(),
        { workspace_id: text(settings.workspace_id), key_prefix: text(settings.key_prefix) },
        { if: 'attribute_not_exists(workspace_id)' },
      )
      if (written) return settings
      return settingsFromItem(item ?? (await read(keys.settings()))) ?? settings
    },

    async takeFromBudget(what, limit, expires) {
      const { written } = await update(keys.budget(what), `ADD taken :one SET ${tableShape.ttl} = :expires`, {
        if: 'attribute_not_exists(taken) OR taken < :limit',
        values: { ':one': number(1), ':limit': number(limit), ':expires': number(expires) },
      })
      return written
    },

    async noteOrphan(clientSessionId, now) {
      const { item } = await update(
        keys.orphan(clientSessionId),
        `SET first_seen_at = if_not_exists(first_seen_at, :now), ${tableShape.ttl} = :expires`,
        { values: { ':now': number(now), ':expires': number(Math.ceil(now / 1000) + orphanNoteKept) } },
      )
      return Number(item?.first_seen_at?.N ?? now)
    },

    async readKeySet(name) {
      const item = await read(keys.keySet(name))
      return item?.key_set?.S === undefined ? undefined : JSON.parse(item.key_set.S)
    },

    async writeKeySet(name, keySet) {
      await put(keys.keySet(name), { key_set: text(JSON.stringify(keySet)) })
    },
  }
}

function settingsFromItem(item: Item | undefined): Settings | undefined {
  const workspace_id = item?.workspace_id?.S
  const key_prefix = item?.key_prefix?.S
  return workspace_id === undefined || key_prefix === undefined ? undefined : { workspace_id, key_prefix }
}
