import * as z from 'zod/v4-mini'
import { grantAccounts } from '../accounts/acts.ts'
import type { ChangeResult } from '../accounts/change.ts'
import { setUserIdentity } from '../accounts/identity.ts'
import { ownerOf } from '../caller/owner.ts'
import { Problem } from '../http/problem.ts'
import { newUser, pending, type Subject, type User } from '../record/user.ts'
import { gather } from '../seam/rate-limit.ts'
import { type Acting, forOneUser, whoIs } from './acting.ts'
import { untilMs } from './changing.ts'
import type { ImportedUser, ImportResult, Params, Result } from './client.ts'
import { pageOfUsers } from './looking.ts'
import { fate, iso, isoOf, without } from './showing.ts'
import { accountIds, identityId, instant } from './words.ts'

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
  { replace = false, dry_run }: Params<'import'>,
): Promise<Omit<ImportResult, 'subject'>> {
  checkLine(imported)
  const who = whoIs(acting, imported.subject)
  const found = await acting.table.readUser(who.owner)
  const difference = between(found ?? newUser(who, acting.clock()), imported, replace)
  const outcome =
    found === undefined ? 'created' : Object.values(difference).flat().length === 0 ? 'unchanged' : 'changed'
  // An earlier run may have died between the record and Seam.
  const unfinished = found !== undefined && pending(found, acting.terms.times, acting.clock()).length > 0
  if (dry_run || (outcome === 'unchanged' && !unfinished)) return { outcome, ...difference }

  const done = await holdImported(acting, who, imported, replace)
  const { deletedAccountIds: deleted } = done
  return {
    outcome,
    ...difference,
    granted: without(difference.granted, deleted),
    detail:
      deleted.length > 0 ? `not granted, because Seam has deleted them: ${deleted.join(', ')}` : undefined,
    client_session: fate(done),
    will_be_retried: done.failure && true,
  }
}

function checkLine(imported: ImportedUser): void {
  const parsed = line.safeParse(imported)
  if (parsed.success) return
  const [issue] = parsed.error.issues
  throw new Problem('invalid_request', { detail: `${issue?.path.join('.') || 'line'}: ${issue?.message}` })
}

async function holdImported(
  acting: Acting,
  who: Subject,
  imported: ImportedUser,
  replace: boolean,
): Promise<ChangeResult> {
  const { connected_account_ids: ids, status, access_until, not_before, user_identity_id } = imported
  const changes = {
    replace,
    status,
    access_until: untilMs(access_until),
    not_before: not_before === undefined ? undefined : Date.parse(not_before),
  }
  const held = await grantAccounts(acting, who, ids, forOneUser(acting), changes)
  if (user_identity_id === undefined || (user_identity_id ?? undefined) === held.user.user_identity_id)
    return held
  const identified = await setUserIdentity(acting, who, user_identity_id ?? undefined, forOneUser(acting))
  const { deletedAccountIds } = held
  return { ...identified, deletedAccountIds, failure: identified.failure ?? held.failure }
}

interface Difference {
  granted: string[]
  withdrawn: string[]
  changes: string[]
}

function between(user: User, imported: ImportedUser, replace: boolean): Difference {
  const { connected_account_ids: ids, status, access_until, not_before, user_identity_id } = imported
  const before = fieldsOf(user)
  const after = {
    // An imported user is active again, as after a grant.
    status: status ?? (user.status === 'removed' ? 'active' : user.status),
    access_until: access_until === undefined ? before.access_until : access_until && iso(access_until),
    not_before: isoOf(Math.max(user.not_before ?? 0, Date.parse(not_before ?? '') || 0) || undefined),
    user_identity_id: user_identity_id === undefined ? before.user_identity_id : user_identity_id,
  }
  const fields = Object.keys(after) as (keyof typeof after)[]
  const said = fields.map((field) => [field, before[field] ?? 'none', after[field] ?? 'none'])
  return {
    granted: without([...new Set(ids)], user.connected_account_ids),
    withdrawn: replace ? without(user.connected_account_ids, ids) : [],
    changes: said
      .filter(([, from, to]) => from !== to)
      .map(([field, from, to]) => `${field}: ${from} → ${to}`),
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
