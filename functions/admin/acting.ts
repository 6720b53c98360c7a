import type { AccountKeeper } from '../accounts/accounts.ts'
import type { VerifyCaller } from '../caller/caller.ts'
import type { Configuration } from '../config.ts'
import type { Deadline } from '../deadline.ts'
import { deadlineIn } from '../deadline.ts'
import type { Audit } from '../log.ts'
import { sideBySide } from '../pacing.ts'
import type { Seam } from '../seam.ts'
import type { OperatorTable } from '../table/operator.ts'
import type { Table } from '../table/table.ts'
import type { Terms } from '../verdict.ts'
import type { WorkspaceKnower } from '../workspace.ts'

/** What a command acts with, made for one request. */
export interface Acting {
  keeper: AccountKeeper
  table: Pick<Table, 'readUser' | 'allOwners'> & OperatorTable
  seam: Pick<
    Seam,
    'list' | 'listConnectedAccounts' | 'knowsAccount' | 'listWithoutTokens' | 'whose' | 'delete'
  >
  workspace: WorkspaceKnower
  verifyCaller: VerifyCaller
  configuration: Configuration
  terms: Terms
  clock: () => number
  /** The whole request's. */
  deadline: Deadline
  audit: Audit
}

/** An act for one user ends before its lease does, however much time the request has. */
export function forOneUser({ deadline, terms, clock }: Acting): Deadline {
  const own = deadlineIn(terms.times.vend, clock)
  return { left: () => Math.min(own.left(), deadline.left()) }
}

const width = 16

/** Some at a time; their results in the order of the items. The first failure is thrown when all have ended (law 11). */
export async function gather<T, R>(items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const failures: unknown[] = []
  await sideBySide(items.entries(), width, async ([index, item]) => {
    if (failures.length > 0) return
    try {
      results[index] = await work(item)
    } catch (error) {
      failures.push(error)
    }
  })
  if (failures.length > 0) throw failures[0]
  return results
}
