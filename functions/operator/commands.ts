import * as z from 'zod/v4-mini'
import type { Acting } from './acting.ts'
import {
  disable,
  enable,
  endAllSessions,
  grant,
  liftAccountDeletion,
  move,
  remove,
  set,
  setIdentity,
  signOutEverywhere,
  withdraw,
} from './changing.ts'
import type { CommandName, Params, Result } from './client.ts'
import { drainPage } from './draining.ts'
import { explainToken } from './explaining.ts'
import { exportUsers, importUsers } from './importing.ts'
import { listAccounts, listUsers, showSessions, showUser } from './looking.ts'
import { endFoundToken, listOrphans } from './unrecorded.ts'
import {
  accountId,
  accountIds,
  clientSessionToken,
  cursor,
  identityId,
  instant,
  pageSize,
  someAccountIds,
  subject,
  token,
} from './words.ts'

/** What the admin function can do: a row per command, with what it takes. The contract says what each means. */

interface Row<C extends CommandName> {
  takes: z.ZodMiniType<Params<C>>
  run(acting: Acting, params: Params<C>): Promise<Result<C>>
}

const one = z.strictObject({ subject })
const until = z.optional(z.nullable(instant))
const unverified = z.optional(z.boolean())

export const commands: { [C in CommandName]: Row<C> } = {
  show: { takes: one, run: showUser },
  list: {
    takes: z.strictObject({
      status: z.optional(z.enum(['active', 'disabled', 'removed'])),
      connected_account_id: z.optional(accountId),
      after: z.optional(cursor),
      limit: z.optional(pageSize),
    }),
    run: listUsers,
  },
  grant: {
    takes: z.strictObject({
      subject,
      connected_account_ids: someAccountIds,
      access_until: until,
      unverified,
    }),
    run: grant,
  },
  withdraw: {
    takes: z.strictObject({ subject, connected_account_ids: someAccountIds }),
    run: withdraw,
  },
  set: {
    takes: z.strictObject({ subject, connected_account_ids: accountIds, access_until: until, unverified }),
    run: set,
  },
  set_identity: {
    takes: z.strictObject({ subject, user_identity_id: z.nullable(identityId) }),
    run: setIdentity,
  },
  disable: { takes: one, run: disable },
  enable: { takes: one, run: enable },
  remove: { takes: one, run: remove },
  move: { takes: z.strictObject({ from: subject, to: subject }), run: move },
  sessions: { takes: one, run: showSessions },
  end_session: { takes: one, run: endAllSessions },
  end_token: { takes: z.strictObject({ token: clientSessionToken }), run: endFoundToken },
  sign_out_everywhere: { takes: one, run: signOutEverywhere },
  accounts: { takes: z.strictObject({ unassigned: z.optional(z.boolean()) }), run: listAccounts },
  lift_deletion: { takes: z.strictObject({ connected_account_id: accountId }), run: liftAccountDeletion },
  import: {
    takes: z.strictObject({
      // Each is looked at by itself, so that one bad line does not hold up the others.
      users: z.array(z.custom<Params<'import'>['users'][number]>(isObject)).check(z.maxLength(200)),
      replace: z.optional(z.boolean()),
      dry_run: z.optional(z.boolean()),
    }),
    run: importUsers,
  },
  export: {
    takes: z.strictObject({ after: z.optional(cursor), limit: z.optional(pageSize) }),
    run: exportUsers,
  },
  orphans: { takes: z.strictObject({ delete: z.optional(z.boolean()) }), run: listOrphans },
  drain: { takes: z.strictObject({ after: z.optional(cursor) }), run: drainPage },
  explain: { takes: z.strictObject({ token }), run: explainToken },
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
