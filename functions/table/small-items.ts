import type { StoredKeySet } from '../caller/keys.ts'
import { type Item, number, type TableItems, text } from './items.ts'
import { keys } from './keys.ts'
import { tableShape } from './shape.ts'

/** Settings, budgets, orphans and key sets. */

export interface Settings {
  workspace_id: string
  /** `<deployment>-<8 random characters>`: no two tables share one. */
  key_prefix: string
}

const orphanNoteKept = 30 * 86_400 // Seconds.

export async function readSettings({ read }: TableItems): Promise<Settings | undefined> {
  return settingsFromItem(await read(keys.settings()))
}

/** Writes them if there are none, and returns those that stand. */
export async function putSettings({ read, put }: TableItems, settings: Settings): Promise<Settings> {
  const { workspace_id, key_prefix } = settings
  const attributes = { workspace_id: text(workspace_id), key_prefix: text(key_prefix) }
  const condition = { if: 'attribute_not_exists(workspace_id)' }
  const { written, item } = await put(keys.settings(), attributes, condition)
  if (written) return settings
  return settingsFromItem(item ?? (await read(keys.settings()))) ?? settings
}

function settingsFromItem(item: Item | undefined): Settings | undefined {
  const workspace_id = item?.workspace_id?.S
  const key_prefix = item?.key_prefix?.S
  return workspace_id === undefined || key_prefix === undefined ? undefined : { workspace_id, key_prefix }
}

/** Counts one more of `what` in this window; false when there were `limit` already. */
export async function takeFromBudget({ update }: TableItems, what: string, limit: number, expires: number) {
  const { written } = await update(keys.budget(what), `ADD taken :one SET ${tableShape.ttl} = :expires`, {
    if: 'attribute_not_exists(taken) OR taken < :limit',
    values: { ':one': number(1), ':limit': number(limit), ':expires': number(expires) },
  })
  return written
}

/**
 * Notes a client session that no record names, and returns when that was noted first (epoch milliseconds).
 * The note expires; without it the wait only starts again.
 */
export async function noteOrphan({ update }: TableItems, id: string, now: number) {
  const { item } = await update(
    keys.orphan(id),
    `SET first_seen_at = if_not_exists(first_seen_at, :now), ${tableShape.ttl} = :expires`,
    { values: { ':now': number(now), ':expires': number(Math.ceil(now / 1000) + orphanNoteKept) } },
  )
  return Number(item?.first_seen_at?.N ?? now)
}

export async function readKeySet({ read }: TableItems, name: string): Promise<StoredKeySet | undefined> {
  const item = await read(keys.keySet(name))
  return item?.key_set?.S === undefined ? undefined : JSON.parse(item.key_set.S)
}

export async function writeKeySet({ put }: TableItems, name: string, keySet: StoredKeySet) {
  await put(keys.keySet(name), { key_set: text(JSON.stringify(keySet)) })
}
