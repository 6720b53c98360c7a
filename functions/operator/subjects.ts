import { subjectOf } from '../caller/claims.ts'
import { ownerOf, subjectNamespace } from '../caller/owner.ts'
import type { Issuer } from '../config.ts'
import { Problem } from '../http/problem.ts'
import type { Subject } from '../record/user.ts'

/**
 * A subject taken apart, as the caller with this subject would be, so that a record can be made before they first
 * come. Throws `invalid_request` when no caller can have it.
 */
export function whoIs(subject: string, issuers: Issuer[]): Subject {
  const bar = subject.indexOf('|')
  const namespace = subject.slice(0, Math.max(0, bar))
  const sub = subject.slice(bar + 1)
  const issuer = issuers.find((one) => subjectNamespace(one) === namespace)
  if (issuer === undefined)
    throw new Problem('invalid_request', {
      detail: `A subject is "<namespace>|<value of its claim>", with one of these namespaces: ${[...new Set(issuers.map(subjectNamespace))].join(', ')}.`,
    })
  if (subjectOf({ sub }, { ...issuer, subjectClaim: '/sub' }) === undefined)
    throw new Problem('invalid_request', {
      detail:
        'No caller can have this subject: it is empty or too long, or has blanks or invisible characters.',
    })
  return { owner: ownerOf(subject), subject, iss: issuer.issuer, sub }
}
