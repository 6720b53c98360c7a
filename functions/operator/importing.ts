import * as z from 'zod/v4-mini'
import { type Changes, grantAccounts, granted } from '../accounts/acts.ts'
import { setUserIdentity } from '../accounts/identity.ts'
import { ownerOf } from '../caller/owner.ts'
import { Problem } from '../http/problem.ts'
import { newUser, pending, type User } from '../record/user.ts'
import { missing } from '../record/writes.ts'
import { gather } from '../seam/rate-limit.ts'
import { type Acting, forOneUser, whoIs } from './acting.ts'
import { untilMs } from './changing.ts'
import type { ImportedUser, ImportResult, Params, Result } from './client.ts'
import { pageOfUsers } from './looking.ts'
import { fate, isoOf } from './showing.ts'
import { accountIds, firstIssue, identityId, instant } from './words.ts'

/** Users in and out, a piece at a time. What a record says already costs one read: an import may be run again. */

const line = z.strictObject({
  subject: z.string(),
  connected_account_ids: accountIds,
  status: z.optional(z.enum(['active', 'disabled'])),
  access_until: z.optional(z.nullable(instant)),
  not_before: z.optional(instant),
  user_identity_id: z.optional(z.nullable(identityId)),
})

export async function importUsers(acting: Acting, params: Params<'import'>): Promise<Result<'import'>> {
  const results: ImportResult[] = []
  // Lines about one user in their order, users side by side.
  const byOwner = Map.groupBy(params.users.entries(), ([, { subject }]) => ownerOf(String(subject)))
  await gather([...byOwner.values()], async (lines) => {
    for (const [index, user] of lines) results[index] = await importOne(acting, user, params)
  })
  return { results }
}

async function importOne(
  acting: Acting,
  imported: ImportedUser,
  how: Params<'import'>,
): Promise<ImportResult> {
  const { subject } = imported
  if (acting.deadline.left() < acting.terms.times.vend) return { subject, outcome: 'not_done' }
  try {
    return { subject, ...(await importLine(acting, imported, how)) }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    if (error.status >= 500) return { subject, outcome: 'not_done' }
    return { subject, outcome: 'refused', detail: error.details.detail ?? error.code }
  }
}

async function importLine(
  acting: Acting,
  imported: ImportedUser,
  { replace, dry_run }: Params<'import'>,
): Promise<Omit<ImportResult, 'subject'>> {
  const parsed = line.safeParse(imported)
  if (!parsed.success) throw new Problem('invalid_request', { detail: firstIssue(parsed.error, 'line') })
  const { connected_account_ids: ids, status, access_until, not_before, user_identity_id } = imported
  const who = whoIs(acting, imported.subject)
  const changes: Changes = {
    replace,
    status,
    access_until: untilMs(access_until),
    not_before: not_before === undefined ? undefined : Date.parse(not_before),
  }
  const now = acting.clock()
  const found = await acting.table.readUser(who.owner)
  const before = found ?? newUser(who, now)
  const after = granted(before, ids, changes, now)
  const identity = user_identity_id === undefined ? before.user_identity_id : (user_identity_id ?? undefined)
  const difference = between(before, { ...after, user_identity_id: identity })
  const isUnchanged = Object.values(difference).flat().length === 0
  const outcome = found === undefined ? 'created' : isUnchanged ? 'unchanged' : 'changed'
  // An earlier run may have died between the record and Seam.
  const isUnfinished = found !== undefined && pending(found, acting.terms.times, now).length > 0
  if (dry_run || (outcome === 'unchanged' && !isUnfinished)) return { outcome, ...difference }

  const held = await grantAccounts(acting, who, ids, forOneUser(acting), changes)
  const { deletedAccountIds: deleted } = held
  const isIdentified = user_identity_id === undefined || identity === held.user.user_identity_id
  const done = isIdentified ? held : await setUserIdentity(acting, who, identity, forOneUser(acting))
  const failure = done.failure ?? held.failure
  return {
    outcome,
    ...difference,
    granted: missing(difference.granted, deleted),
    detail:
      deleted.length > 0 ? `not granted, because Seam has deleted them: ${deleted.join(', ')}` : undefined,
    client_session: fate({ ...done, failure }),
    will_be_retried: failure && true,
  }
}

function between(before: User, after: User) {
  const [from, to] = [fieldsOf(before), fieldsOf(after)]
  const fields = Object.keys(to) as (keyof typeof to)[]
  return {
    granted: missing(after.connected_account_ids, before.connected_account_ids),
    withdrawn: missing(before.connected_account_ids, after.connected_account_ids),
    changes: fields
      .filter((field) => from[field] !== to[field])
      .map((field) => `${field}: ${from[field] ?? 'none'} → ${to[field] ?? 'none'}`),
  }
}

function fieldsOf({ status, access_until, not_before, user_identity_id }: User) {
  return { status, access_until: isoOf(access_until), not_before: isoOf(not_before), user_identity_id }
}

export async function exportUsers(acting: Acting, params: Params<'export'>): Promise<Result<'export'>> {
  const { users, after } = await pageOfUsers(acting, params)
  return { users: users.flatMap(exported), after }
}

function exported(user: User): ImportedUser[] {
  const { status, access_until, ...fields } = fieldsOf(user)
  if (status === 'removed') return []
  const { subject, connected_account_ids } = user
  return [{ subject, connected_account_ids, status, access_until: access_until ?? null, ...fields }]
}
