import type { IdentityDeps } from '../accounts/identity.ts'
import type { VerifyCaller } from '../caller/caller.ts'
import type { Configuration } from '../config.ts'
import type { Audit } from '../http/audit.ts'
import { type Deadline, earlier } from '../http/deadline.ts'
import type { Seam } from '../seam/client.ts'
import type { Table } from '../table/table.ts'

/** What a command acts with, made for one request. */
export interface Acting extends IdentityDeps {
  table: IdentityDeps['table'] & Pick<Table, 'allOwners' | 'noteOrphan' | 'liftTombstone'>
  seam: IdentityDeps['seam'] & Pick<Seam, 'listConnectedAccounts' | 'listWithoutTokens' | 'whose'>
  verifyCaller: VerifyCaller
  configuration: Configuration
  /** The whole request's. */
  deadline: Deadline
  audit: Audit
}

/** An act for one user ends before its lease does, however much time the request has. */
export function forOneUser({
  deadline,
  terms,
  clock,
}: Pick<Acting, 'deadline' | 'terms' | 'clock'>): Deadline {
  return earlier(deadline, terms.times.vend, clock)
}
