import type { Deadline } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import { type User, unconfirmed } from '../record/user.ts'
import { withdraw } from '../record/writes.ts'
import { gather, sideBySide } from '../seam/rate-limit.ts'
import { holderShards } from '../table/keys.ts'
import type { AccountTable } from '../table/table.ts'
import { type AccountDeps, type ChangeDeps, changeRecord, followUp, type RecordChange } from './change.ts'

/**
 * Seam has deleted an account: the tombstone first, then every holder's record, also where there is nothing to take,
 * so that a grant on its way is refused. Who has been written since the tombstone is noted per shard: repeated, or
 * walked by cleanup, the act goes on where time ran out.
 */

type WalkDeps = ChangeDeps & { table: AccountTable }

const most = {
  /** Shards, and records, at once. */
  atOnce: 16,
  /** Holders whose sessions are ended at once; of more, cleanup ends them, at its own rate. */
  holders: 50,
  /** Owners noted as settled in one write. */
  noted: 100,
}

const shards = Array.from({ length: holderShards }, (_, shard) => shard)

/**
 * `at`: epoch milliseconds, when Seam says that it happened. `finished`: every holder's record has been written, and
 * every delete is confirmed.
 */
export async function accountDeleted(
  deps: AccountDeps,
  accountId: string,
  at: number,
  deadline: Deadline,
): Promise<{ owners: string[]; finished: boolean }> {
  const standing = await deps.table.putTombstone(accountId, at, deps.uuid())
  // Lifted since: the event is about an earlier deletion.
  if (standing === undefined) return { owners: [], finished: true }
  const { users, owners, settled } = await walkTombstone(deps, accountId, standing.tombstone, deadline)
  if (!settled) return { owners, finished: false }
  const few = owners.length <= most.holders
  let finished = true
  await sideBySide(few ? owners : users.keys(), most.atOnce, async (owner) => {
    const user = users.get(owner) ?? (await deps.table.readUser(owner))
    if (user === undefined || unconfirmed(user).length === 0) return
    const ended = few && (await followUp(deps, user, deadline, { takes: true, widens: false }))
    if (!ended || ended.failure !== undefined) finished = false
  })
  return { owners, finished }
}

/**
 * Writes the records of all holders that were not written since this tombstone. `users`: those that this walk has
 * written. `settled`: every holder has been written since.
 */
export async function walkTombstone(
  deps: WalkDeps,
  accountId: string,
  tombstone: string,
  deadline: Deadline,
) {
  const users = new Map<string, User>()
  const failures: unknown[] = []
  let stands = true
  let late = false
  const walked = await gather(shards, async (shard) => {
    // After the tombstone: whoever is added later sees it.
    const owners = await deps.table.readHolders(accountId, shard)
    if (owners.length === 0) return owners
    const done = new Set(await deps.table.readSettled(accountId, shard, tombstone))
    const left = owners.filter((owner) => !done.has(owner))
    for (let start = 0; start < left.length && stands && !late; start += most.noted) {
      const written: string[] = []
      await sideBySide(left.slice(start, start + most.noted), most.atOnce / 4, async (owner) => {
        if (deadline.left() < 4 * deps.terms.times.dynamodb) late = true
        if (late || !stands) return
        try {
          const user = await takeAccount(deps, owner, accountId, tombstone, deadline)
          if (user !== undefined) users.set(owner, user)
          written.push(owner)
        } catch (error) {
          if (error instanceof Lifted) stands = false
          else failures.push(error)
        }
      })
      await deps.table.addSettled(accountId, shard, tombstone, written)
    }
    return owners
  })
  if (failures.length > 0) throw failures[0]
  if (stands && !late) await deps.table.settleTombstone(accountId, tombstone)
  return { owners: walked.flat(), users, settled: stands && !late }
}

class Lifted extends Error {}

/** The record first, then the account, then the write against that read; throws `Lifted` once the tombstone is. */
async function takeAccount(
  deps: WalkDeps,
  owner: string,
  accountId: string,
  tombstone: string,
  deadline: Deadline,
): Promise<User | undefined> {
  const change: RecordChange = {
    prepare: async () => {
      if ((await deps.table.readTombstone(accountId))?.tombstone !== tombstone) throw new Lifted()
    },
    write: (user, now) => withdraw(user, [accountId], now),
    act: 'account_deleted',
  }
  return (await changeRecord(deps, owner, change, deadline))?.user
}

/** By an operator, when Seam shows the account again: it may be granted from now on. Nobody gets it back by this. */
export async function liftDeletion(
  deps: Pick<AccountDeps, 'table' | 'seam' | 'clock'>,
  connected_account_id: string,
  deadline: Deadline,
): Promise<{ connected_account_id: string; outcome: 'lifted' | 'not_deleted' }> {
  const standing = await deps.table.readTombstone(connected_account_id)
  if (standing === undefined) return { connected_account_id, outcome: 'not_deleted' }
  if (!(await deps.seam.knowsAccount(connected_account_id, deadline)))
    throw new Problem('invalid_request', { detail: 'Seam does not show this account: it is still deleted.' })
  const lifted = await deps.table.liftTombstone(connected_account_id, standing.tombstone, deps.clock())
  if (!lifted)
    throw new Problem('busy', {
      reason: 'deletion_not_settled',
      detail: 'The deletion has not reached every holder yet; cleanup goes on.',
    })
  return { connected_account_id, outcome: 'lifted' }
}
