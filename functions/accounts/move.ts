import type { Deadline } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import type { Subject, User } from '../record/user.ts'
import { remove } from '../record/writes.ts'
import { grantAccounts } from './acts.ts'
import { type AccountDeps, type ChangeResult, changeUser } from './change.ts'
import * as changeOf from './changes.ts'

/**
 * A person's new login: `to` gets the accounts and the end date of `from`, which is then removed. Repeatable after a
 * crash at any point; a `from` that is removed already is only finished.
 */
export async function moveUser(
  deps: AccountDeps,
  from: string,
  to: Subject,
  deadline: Deadline,
): Promise<{ from: ChangeResult; to?: ChangeResult }> {
  let given: ChangeResult | undefined
  /** Of `to`, before the first round. */
  let own: string[] = []
  async function prepare(read: User): Promise<void> {
    if (read.status === 'removed') return
    await checkMove(deps, read, to.owner)
    // What an earlier round gave and `from` has lost since.
    const lost = (given?.user.connected_account_ids ?? []).filter(
      (id) => !own.includes(id) && !read.connected_account_ids.includes(id),
    )
    if (lost.length > 0) await changeUser(deps, to.owner, changeOf.withdraw(lost), deadline)
    const { connected_account_ids, access_until } = read
    const round = await grantAccounts(deps, to, connected_account_ids, deadline, { access_until })
    if (given === undefined) own = round.before?.connected_account_ids ?? []
    given = round
  }
  const write = (user: User, now: number) => (user.status === 'removed' ? user : remove(user, now))
  const removed = await changeUser(deps, from, { prepare, write }, deadline)
  return { from: removed, to: given }
}

async function checkMove(deps: AccountDeps, from: User, to: string): Promise<void> {
  if (to === from.owner) throw unmovable('a user cannot be moved to itself')
  if (from.status === 'disabled') throw unmovable('the user to move from is disabled; enable it first')
  if (from.user_identity_id !== undefined)
    throw unmovable(
      'the user to move from has a user identity; `set-identity` it to `none`, and give it to the new login once its old client sessions have settled, some minutes later',
    )
  const target = await deps.table.readUser(to)
  if (target === undefined) return
  if (target.status === 'disabled') throw unmovable('the user to move to is disabled; enable it first')
  if (target.status === 'removed') throw unmovable('the user to move to is removed; grant it something first')
  if (from.access_until !== undefined && target.access_until !== from.access_until)
    throw unmovable('their access ends at different times; give the user to move to the same `--until` first')
}

function unmovable(why: string): Problem {
  return new Problem('invalid_request', { detail: `Nothing was moved: ${why}.` })
}
