import * as z from 'zod/v4-mini'
import * as changeOf from '../accounts/changes.ts'
import { liftDeletion } from '../accounts/deleted.ts'
import type { Acting } from './acting.ts'
import * as changing from './changing.ts'
import { forSubject } from './changing.ts'
import type { CommandName, Params, Result } from './client.ts'
import { explainToken } from './explaining.ts'
import { exportUsers, importUsers } from './importing.ts'
import * as looking from './looking.ts'
import * as unrecorded from './unrecorded.ts'
import * as words from './words.ts'

/** What the admin function can do: a row per command, with what it takes. The contract says what each means. */

interface Row<C extends CommandName> {
  takes: z.ZodMiniType<Params<C>>
  run(acting: Acting, params: Params<C>): Promise<Result<C>>
}

const { subject, accountId, flag, cursor: after, pageSize: limit } = words
const one = z.strictObject({ subject })
const granting = { subject, access_until: z.optional(z.nullable(words.instant)), unverified: flag }
const takesAccounts = { connected_account_ids: words.someAccountIds }
const statuses = z.enum(['active', 'disabled', 'removed'])
/** Each user is looked at by itself, so that one bad line does not hold up the others. */
const users = z
  .array(z.custom<Params<'import'>['users'][number]>((user) => typeof user === 'object' && user !== null))
  .check(z.maxLength(200))

export const commands: { [C in CommandName]: Row<C> } = {
  show: { takes: one, run: looking.showUser },
  list: {
    takes: z.strictObject({
      status: z.optional(statuses),
      connected_account_id: z.optional(accountId),
      after,
      limit,
    }),
    run: looking.listUsers,
  },
  grant: { takes: z.strictObject({ ...granting, ...takesAccounts }), run: changing.grant },
  withdraw: {
    takes: z.strictObject({ subject, ...takesAccounts }),
    run: forSubject(({ connected_account_ids }) => changeOf.withdraw(connected_account_ids)),
  },
  set: { takes: z.strictObject({ ...granting, connected_account_ids: words.accountIds }), run: changing.set },
  set_identity: {
    takes: z.strictObject({ subject, user_identity_id: z.nullable(words.identityId) }),
    run: changing.setIdentity,
  },
  disable: { takes: one, run: forSubject(changeOf.disable) },
  enable: { takes: one, run: forSubject(changeOf.enable) },
  remove: { takes: one, run: forSubject(changeOf.remove) },
  move: { takes: z.strictObject({ from: subject, to: subject }), run: changing.move },
  sessions: { takes: one, run: looking.showSessions },
  end_session: { takes: one, run: forSubject(changeOf.endSessions) },
  end_token: { takes: z.strictObject({ token: words.clientSessionToken }), run: unrecorded.endFoundToken },
  sign_out_everywhere: { takes: one, run: forSubject(changeOf.signOutEverywhere) },
  accounts: { takes: z.strictObject({ unassigned: flag }), run: looking.listAccounts },
  lift_deletion: {
    takes: z.strictObject({ connected_account_id: accountId }),
    run: (acting, { connected_account_id }) => liftDeletion(acting, connected_account_id, acting.deadline),
  },
  import: { takes: z.strictObject({ users, replace: flag, dry_run: flag }), run: importUsers },
  export: { takes: z.strictObject({ after, limit }), run: exportUsers },
  orphans: { takes: z.strictObject({ delete: flag }), run: unrecorded.listOrphans },
  drain: { takes: z.strictObject({ after }), run: unrecorded.drainPage },
  explain: { takes: z.strictObject({ token: words.token }), run: explainToken },
}
