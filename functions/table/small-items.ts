import type { StoredKeySet } from '../caller/keys.ts'
import type { TableItems } from './items.ts'
import { keys, tableShape } from './keys.ts'
import { attributesFrom } from './values.ts'

/** Settings, budgets, orphans and key sets. */

export interface Settings {
  workspace_id: string
  /** `<deployment>-<8 random characters>`: no two tables share one. */
  key_prefix: string
}

const orphanNoteKept = 30 * 86_400 // Seconds.

export async function readSettings({ read }: TableItems): Promise<Settings | undefined> {
  const found = await read<Settings>(keys.settings())
  return found && { workspace_id: found.workspace_id, key_prefix: found.key_prefix }
}

/** Writes them if there are none, and returns those that stand. */
export async function putSettings(items: TableItems, settings: Settings): Promise<Settings> {
  const condition = { if: 'attribute_not_exists(workspace_id)' }
  const { written } = await items.put(keys.settings(), attributesFrom(settings), condition)
  return written ? settings : ((await readSettings(items)) ?? settings)
}

/** Counts one more of `what` in this window; false when there were `limit` already. */
export async function takeFromBudget({ update }: TableItems, what: string, limit: number, expires: number) {
  const { written } = await update(keys.budget(what), `ADD taken :one SET ${tableShape.ttl} = :expires`, {
    if: 'attribute_not_exists(taken) OR taken < :limit',
    values: { ':one': 1, ':limit': limit, ':expires': expires },
  })
  return written
}

/**
 * Notes a client session that no record names, and returns when that was noted first (epoch milliseconds).
 * The note expires; without it the wait only starts again.
 */
export async function noteOrphan({ update }: TableItems, id: string, now: number) {
  const change = `SET first_seen_at = if_not_exists(first_seen_at, :now), ${tableShape.ttl} = :expires`
  const values = { ':now': now, ':expires': Math.ceil(now / 1000) + orphanNoteKept }
  const { found } = await update(keys.orphan(id), change, { values })
  return Number(found?.first_seen_at ?? now)
}

export async function readKeySet({ read }: TableItems, name: string): Promise<StoredKeySet | undefined> {
  const found = await read<{ key_set: string }>(keys.keySet(name))
  return found && JSON.parse(found.key_set)
}

export async function writeKeySet({ put }: TableItems, name: string, keySet: StoredKeySet) {
  await put(keys.keySet(name), attributesFrom({ key_set: JSON.stringify(keySet) }))
}
