import * as z from 'zod/v4-mini'
import type { ImportedUser, ImportResult, Params, Result } from '../admin-client.ts'
import { ownerOf } from '../caller/owner.ts'
import { Problem } from '../problem.ts'
import { newUser, type User, unconfirmed } from '../user.ts'
import { type Acting, forOneUser, gather } from './acting.ts'
import { untilWish } from './changing.ts'
import { pageOfUsers } from './looking.ts'
import { fate, iso, without } from './showing.ts'
import { whoIs } from './subjects.ts'
import { accountIds, instant } from './words.ts'

/** Users in and out, a piece at a time. What a record says already costs one read: an import may be run again. */

const line = z.strictObject({
  subject: z.string(),
  connected_account_ids: accountIds,
  status: z.optional(z.enum(['active', 'disabled'])),
  access_until: z.optional(z.nullable(instant)),
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
  { replace = false, dry_run = false }: Params<'import'>,
): Promise<ImportResult> {
  const { subject } = imported
  const { times } = acting.terms
  if (acting.deadline.left() < times.vend) return { subject, outcome: 'not_done' }
  try {
    const parsed = line.safeParse(imported)
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      throw new Problem('invalid_request', {
        detail: `${issue?.path.join('.') || 'line'}: ${issue?.message}`,
      })
    }
    const who = whoIs(subject, acting.configuration.issuers)
    const found = await acting.table.readUser(who.owner)
    const difference = between(found ?? newUser(who, acting.clock()), imported, replace)
    const outcome = found === undefined ? 'created' : isNothing(difference) ? 'unchanged' : 'changed'
    // An earlier run may have died between the record and Seam.
    const unfinished = found !== undefined && unconfirmed(found).length > 0
    if (dry_run || (outcome === 'unchanged' && !unfinished)) return { subject, outcome, ...difference }

    const { connected_account_ids: ids, status, access_until } = imported
    const wish = { ...untilWish(access_until), ...(status !== undefined && { status }) }
    const hold = replace ? acting.keeper.set : acting.keeper.grant
    const done = await hold(who, ids, forOneUser(acting), wish)
    const { deletedAccountIds: deleted } = done
    return {
      subject,
      outcome,
      ...difference,
      ...(deleted.length > 0 && {
        granted: without(difference.granted, deleted),
        detail: `not granted, because Seam has deleted them: ${deleted.join(', ')}`,
      }),
      client_session: fate(done),
      ...(done.trouble !== undefined && { will_be_retried: true }),
    }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    if (error.status >= 500) return { subject, outcome: 'not_done' }
    return { subject, outcome: 'refused', detail: error.details.detail ?? error.code }
  }
}

interface Difference {
  granted: string[]
  withdrawn: string[]
  changes: string[]
}

function between(user: User, imported: ImportedUser, replace: boolean): Difference {
  const { connected_account_ids: ids, status = user.status, access_until } = imported
  const until =
    access_until === undefined ? user.access_until : (untilWish(access_until).access_until ?? undefined)
  return {
    granted: without([...new Set(ids)], user.connected_account_ids),
    withdrawn: replace ? without(user.connected_account_ids, ids) : [],
    changes: [
      ...(status === user.status ? [] : [`status: ${user.status} → ${status}`]),
      ...(until === user.access_until ? [] : [`access_until: ${shown(user.access_until)} → ${shown(until)}`]),
    ],
  }
}

const shown = (until: number | undefined) => (until === undefined ? 'none' : iso(until))

const isNothing = ({ granted, withdrawn, changes }: Difference) =>
  granted.length + withdrawn.length + changes.length === 0

export async function exportUsers(acting: Acting, params: Params<'export'>): Promise<Result<'export'>> {
  const { users, after } = await pageOfUsers(acting, params)
  return { users: users.flatMap(exported), ...(after !== undefined && { after }) }
}

function exported({ subject, connected_account_ids, status, access_until }: User): ImportedUser[] {
  if (status === 'removed') return []
  return [
    {
      subject,
      connected_account_ids,
      status,
      access_until: access_until === undefined ? null : iso(access_until),
    },
  ]
}
