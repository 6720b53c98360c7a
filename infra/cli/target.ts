import type { CleanupReport } from '../../functions/cleanup/report.ts'
import type { AccountAudit } from '../../functions/http/audit.ts'
import type { CallAdmin } from '../../functions/operator/client.ts'
import type { localFolder } from '../local/environment.ts'
import type { AwsEnvironment } from './aws/stack.ts'

/** What `--stack` and `--stage` say. */
export interface Target {
  stack?: string | undefined
  stage?: string | undefined
}

export type Environment = Parameters<typeof localFolder>[0] &
  AwsEnvironment &
  Partial<Record<'NO_COLOR' | 'TERM', string>>

/** The world that a command acts in. */
export interface Reach {
  callAdmin: CallAdmin
  /** The lines of the audit log in which an account stands, and perhaps others. */
  auditTrail(accountId: string): AsyncIterable<AccountAudit>
  /** One run beside the schedule. `tell`: how many records it has read, where that can be seen. */
  cleanUp(order: CleanupOrder, tell: (count: number) => void): Promise<CleanupReport>
  close(): void
}

/** As the cleanup function takes it. */
export interface CleanupOrder {
  dry_run: boolean
  all_users: boolean
  override_fuse: boolean
}
