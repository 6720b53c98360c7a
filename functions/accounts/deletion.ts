import { newTrace } from '../carrying-out.ts'
import type { Deadline } from '../deadline.ts'
import { sideBySide } from '../pacing.ts'
import type { Table } from '../table/table.ts'
import type { Times } from '../times.ts'
import { type User, unconfirmed, withdraw } from '../user.ts'
import type { RecordAlterer } from './altering.ts'

const most = {
  /** Records at once. */
  writes: 16,
  /** Calls at Seam at once. */
  calls: 4,
  /** Holders whose client sessions are ended at once; of more, cleaning up ends them, at its own pace. */
  holders: 50,
}

/** `finished` only when every holder's record has been written and every delete is confirmed. */
export type AccountDeleted = (
  accountId: string,
  deadline: Deadline,
) => Promise<{ owners: string[]; finished: boolean }>

/**
 * Seam has deleted an account: the tombstone first, then every holder's record, also where there is nothing to take,
 * so that a grant on its way is refused. Who has been written since the tombstone is noted beside it: repeated, the
 * act goes on where time ran out.
 */
export function accountDeleter(
  edges: { table: Pick<Table, 'readUser' | 'markAccountDeleted' | 'markSettled'>; clock: () => number },
  { altering, carried }: RecordAlterer,
  times: Times,
): AccountDeleted {
  const { table, clock } = edges

  return async function accountDeleted(accountId, deadline) {
    const { owners, settled_owners = [] } = await table.markAccountDeleted(accountId, clock())
    const settled = new Set(settled_owners)
    const unsettled = owners.filter((owner) => !settled.has(owner))
    const records = new Map<string, User | undefined>()
    /** One that fails is no reason to leave the rest. */
    const failures: unknown[] = []
    let finished = true

    const write = (user: User, now: number) => withdraw(user, [accountId], now)
    await each(unsettled, most.writes, async (owner) => {
      records.set(owner, (await altering(owner, { write, always: true }))?.user)
    })
    await table.markSettled(accountId, [...records.keys()])

    const few = owners.length <= most.holders
    if (finished)
      await each(owners, few ? most.calls : most.writes, async (owner) => {
        const user = records.has(owner) ? records.get(owner) : await table.readUser(owner)
        if (user === undefined || unconfirmed(user).length === 0) return
        if (!few || (await carried(user, deadline, newTrace())).trouble !== undefined) finished = false
      })
    if (failures.length > 0) throw failures[0]
    return { owners, finished }

    async function each(
      some: string[],
      width: number,
      work: (owner: string) => Promise<void>,
    ): Promise<void> {
      await sideBySide(some, width, async (owner) => {
        if (deadline.left() < 4 * times.dynamodb) finished = false
        else await work(owner).catch((error: unknown) => failures.push(error))
      })
    }
  }
}
