import { type AccountDeps, type ChangeResult, changeUser, type RecordChange } from '../accounts/change.ts'
import type { VerifyCaller } from '../caller/caller.ts'
import { subjectOf } from '../caller/claims.ts'
import { ownerOf, subjectNamespace } from '../caller/owner.ts'
import type { Configuration } from '../config.ts'
import type { Audit } from '../http/audit.ts'
import { type Deadline, earlier } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import type { Subject } from '../record/user.ts'
import type { Seam } from '../seam/client.ts'
import type { Table } from '../table/table.ts'

/** What a command acts with, made for one request. */
export interface Acting extends AccountDeps {
  table: AccountDeps['table'] & Pick<Table, 'allUsers' | 'noteOrphan'>
  seam: AccountDeps['seam'] & Pick<Seam, 'listConnectedAccounts' | 'listWithoutTokens' | 'whose'>
  verifyCaller: VerifyCaller
  configuration: Configuration
  /** The whole request's. */
  deadline: Deadline
  audit: Audit
}

/** An act for one user ends before its lease does, however much time the request has. */
export function forOneUser({ deadline, terms, clock }: Acting): Deadline {
  return earlier(deadline, terms.times.vend, clock)
}

export function change(acting: Acting, owner: string, how: RecordChange): Promise<ChangeResult> {
  return changeUser(acting, owner, how, forOneUser(acting))
}

/**
 * The subject as the caller with this subject would have it, so that a record can be made before they first come.
 * Throws `invalid_request` when no caller can have it.
 */
export function whoIs({ configuration: { issuers } }: Acting, subject: string): Subject {
  const bar = subject.indexOf('|')
  const namespace = subject.slice(0, Math.max(0, bar))
  const sub = subject.slice(bar + 1)
  const issuer = issuers.find((one) => subjectNamespace(one) === namespace)
  if (issuer === undefined) {
    const namespaces = [...new Set(issuers.map(subjectNamespace))].join(', ')
    throw new Problem('invalid_request', {
      detail: `A subject is "<namespace>|<value of its claim>", with one of these namespaces: ${namespaces}.`,
    })
  }
  if (subjectOf({ sub }, { ...issuer, subjectClaim: '/sub' }) === undefined)
    throw new Problem('invalid_request', {
      detail:
        'No caller can have this subject: it is empty or too long, or has blanks at its ends, line breaks or invisible characters.',
    })
  return { owner: ownerOf(subject), subject, iss: issuer.issuer, sub }
}
