import type { CompareAndSet } from '../../../functions/record/update.ts'
import type { User } from '../../../functions/record/user.ts'
import type { IdentityItem, Tombstone } from '../../../functions/table/accounts.ts'
import { dueShard, holderShard } from '../../../functions/table/keys.ts'
import type { Settings } from '../../../functions/table/small-items.ts'

/**
 * The table in memory: one compare-and-set, and what else single items can do. Each method is what happens there at
 * one instant. That the real table does the same is shown by differential.test.ts.
 */
export type ModelTable = ReturnType<typeof modelTable>

type Written = Awaited<ReturnType<CompareAndSet>>

export function modelTable(wrote: (before: User | undefined, after: User) => void) {
  let epoch = 0
  const users = new Map<string, User>()
  const orphans = new Map<string, number>()
  const holders = new Map<string, Set<string>>()
  const tombstones = new Map<string, Tombstone>()
  /** When an operator lifted the last tombstone. */
  const lifted = new Map<string, number>()
  /** By account and shard: of the tombstone that was walked last. */
  const settled = new Map<string, { tombstone: string; owners: readonly string[] }>()
  const identities = new Map<string, IdentityItem>()
  const budgets = new Map<string, number>()
  /** The index as it was a while ago, for readers that it has not reached yet. */
  let behind: Map<string, User> = new Map()
  let settings: Settings | undefined
  let run: { owner: string; until: number } | undefined

  function setOf(map: Map<string, Set<string>>, id: string): Set<string> {
    const found = map.get(id) ?? new Set()
    map.set(id, found)
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

    compareAndSet(owner: string, revision: string | undefined, next: User): Written {
      const found = users.get(owner)
      if (found?.revision !== revision) return { written: false, found }
      users.set(owner, next)
      wrote(found, next)
      return { written: true }
    },

    readSettings: () => settings,
    putSettings(wanted: Settings): Settings {
      settings ??= wanted
      return settings
    },

    addHolder(id: string, owner: string): void {
      setOf(holders, id).add(owner)
    },
    readHolders: (id: string, shard: number): string[] =>
      [...(holders.get(id) ?? [])].filter((owner) => holderShard(owner) === shard),
    removeHolder(id: string, owner: string): void {
      setOf(holders, id).delete(owner)
    },
    holds: (id: string, owner: string) => holders.get(id)?.has(owner) === true,
    readTombstone(id: string): Tombstone | undefined {
      const found = tombstones.get(id)
      return found && { ...found }
    },
    putTombstone(id: string, at: number, name: string): Tombstone | undefined {
      const standing = tombstones.get(id)
      if (standing !== undefined) return { ...standing }
      if ((lifted.get(id) ?? Number.NEGATIVE_INFINITY) >= at) return undefined
      tombstones.set(id, { tombstone: name, settled: false })
      return { tombstone: name, settled: false }
    },
    liftTombstone(id: string, tombstone: string, now: number): boolean {
      const found = tombstones.get(id)
      if (found?.tombstone !== tombstone || !found.settled) return false
      tombstones.delete(id)
      lifted.set(id, now)
      return true
    },
    readSettled(id: string, shard: number, tombstone: string): string[] {
      const found = settled.get(`${id} ${shard}`)
      return found?.tombstone === tombstone ? [...found.owners] : []
    },
    addSettled(id: string, shard: number, tombstone: string, owners: string[]): void {
      if (owners.length === 0) return
      const before = this.readSettled(id, shard, tombstone)
      settled.set(`${id} ${shard}`, { tombstone, owners: [...new Set([...before, ...owners])] })
    },
    settleTombstone(id: string, tombstone: string): void {
      const found = tombstones.get(id)
      if (found?.tombstone === tombstone) found.settled = true
    },
    /** In every shard of the index at once: there are few. */
    unsettled: () => [...tombstones].filter(([, { settled }]) => !settled).map(([id]) => id),

    readIdentity: (id: string) => identities.get(id),
    putIdentity(id: string, revision: string | undefined, next: IdentityItem): boolean {
      const found = identities.get(id)
      if (found?.revision !== revision) return found?.revision === next.revision
      identities.set(id, next)
      return true
    },

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
      const copied = (sets: Map<string, Set<string>>) =>
        [...sets].map(([id, owners]) => [id, new Set(owners)] as const)
      const held = copied(holders)
      const done = [...settled]
      const stones = [...tombstones].map(([id, one]) => [id, { ...one }] as const)
      const named = [...identities]
      const lifts = [...lifted]
      return () => {
        epoch++
        run = kept.run
        orphans.clear()
        refill(users, kept.users)
        refill(budgets, kept.budgets)
        refill(holders, held)
        refill(settled, done)
        refill(tombstones, stones)
        refill(identities, named)
        refill(lifted, lifts)
      }
    },
  }
}

function refill<V>(map: Map<string, V>, entries: Iterable<readonly [string, V]>): void {
  map.clear()
  for (const [key, value] of entries) map.set(key, value)
}
