import type { CompareAndSet } from '../../../functions/change.ts'
import type { AccountHolders, Settings } from '../../../functions/table/table.ts'
import { dueShard } from '../../../functions/table/user-item.ts'
import type { User } from '../../../functions/user.ts'

/**
 * The table in memory: one compare-and-set, and what else single items can do. Each method is what happens there at
 * one instant. That the real table does the same is shown by differential.test.ts.
 */
export type ModelTable = ReturnType<typeof modelTable>

type Written = Awaited<ReturnType<CompareAndSet>>

export function modelTable(
  wrote: (before: User | undefined, after: User | undefined, owner: string) => void,
) {
  let epoch = 0
  const users = new Map<string, User>()
  const orphans = new Map<string, number>()
  const holders = new Map<string, { owners: Set<string>; settled: Set<string>; deleted_at?: number }>()
  const budgets = new Map<string, number>()
  /** The index as it was a while ago, for readers that it has not reached yet. */
  let behind: Map<string, User> = new Map()
  let settings: Settings | undefined
  let run: { owner: string; until: number } | undefined

  function accountHolders(id: string) {
    let found = holders.get(id)
    if (found === undefined) {
      found = { owners: new Set(), settled: new Set() }
      holders.set(id, found)
    }
    return found
  }

  const due = (from: Map<string, User>, shard: number, now: number) =>
    [...from.values()]
      .filter(({ owner, due_at }) => due_at !== undefined && due_at <= now && dueShard(owner) === shard)
      .sort((one, other) => (one.due_at ?? 0) - (other.due_at ?? 0))
      .map(({ owner }) => owner)

  return {
    users,
    read: (owner: string) => users.get(owner),

    compareAndSet(owner: string, revision: string | undefined, next: User | undefined): Written {
      const found = users.get(owner)
      if (found?.revision !== revision) return { written: false, found }
      if (next === undefined) users.delete(owner)
      else users.set(owner, next)
      wrote(found, next, owner)
      return { written: true }
    },

    readSettings: () => settings,
    putSettings(wanted: Settings): Settings {
      settings ??= wanted
      return settings
    },

    addHolder(id: string, owner: string): 'added' | 'deleted' {
      const found = accountHolders(id)
      if (found.deleted_at !== undefined) return 'deleted'
      found.owners.add(owner)
      return 'added'
    },
    markAccountDeleted(id: string, now: number): AccountHolders {
      const found = accountHolders(id)
      found.deleted_at ??= now
      return { owners: [...found.owners], deleted_at: found.deleted_at, settled_owners: [...found.settled] }
    },
    markSettled(id: string, owners: string[]): void {
      for (const owner of owners) accountHolders(id).settled.add(owner)
    },
    readHolders(id: string): AccountHolders {
      const { owners, settled } = accountHolders(id)
      return { owners: [...owners], settled_owners: [...settled] }
    },
    removeHolder(id: string, owner: string): void {
      accountHolders(id).owners.delete(owner)
    },
    holds: (id: string, owner: string) => holders.get(id)?.owners.has(owner) === true,

    takeFromBudget(what: string, limit: number): boolean {
      const taken = budgets.get(what) ?? 0
      if (taken >= limit) return false
      budgets.set(what, taken + 1)
      return true
    },

    /** The index falls behind from here on, for those who read it stale. */
    leaveIndexBehind(): void {
      behind = new Map(users)
    },
    dueOwners: (shard: number, now: number, stale: boolean) => due(stale ? behind : users, shard, now),
    allOwners: () => [...users.keys()],

    startRun(owner: string, now: number, until: number): boolean {
      if (run !== undefined && run.until > now) return run.owner === owner
      run = { owner, until }
      return true
    },
    endRun(owner: string, until: number): void {
      if (run?.owner === owner) run = { owner, until }
    },

    noteOrphan(id: string, now: number): number {
      const first = orphans.get(id) ?? now
      orphans.set(id, first)
      return first
    },

    /** Another table whenever it is restored: what is on its way to the one before never arrives in this one. */
    epoch: () => epoch,
    /** As a backup keeps it; call it to restore. Undefined before there are settings. */
    backup(): (() => void) | undefined {
      if (settings === undefined) return undefined
      const kept = { users: [...users], budgets: [...budgets], run }
      const held = [...holders].map(
        ([id, { owners, settled, ...rest }]) =>
          [id, { ...rest, owners: new Set(owners), settled: new Set(settled) }] as const,
      )
      return () => {
        epoch++
        run = kept.run
        orphans.clear()
        refill(users, kept.users)
        refill(budgets, kept.budgets)
        refill(holders, held)
      }
    },
  }
}

function refill<V>(map: Map<string, V>, entries: Iterable<readonly [string, V]>): void {
  map.clear()
  for (const [key, value] of entries) map.set(key, value)
}
