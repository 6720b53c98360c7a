import type { Mistake } from '../mistakes.ts'

/** These break no safety, but progress. */

const user = 'functions/user.ts'
const verdict = 'functions/verdict.ts'

export const progress: Mistake[] = [
  {
    name: "the lost answer to one's own write is read as somebody else's lease",
    breaks: 'own_lost_answer',
    patches: [
      [
        'functions/change.ts',
        'if (result.written || result.found?.revision === user.revision)',
        'if (result.written)',
      ],
    ],
  },
  {
    name: 'revisions are compared instead of accounts',
    breaks: 'no_churn',
    patches: [
      [
        user,
        'session_account_ids?: string[]\n',
        'session_account_ids?: string[]\n  session_revision?: string\n',
      ],
      [
        user,
        'session_account_ids: session.account_ids,',
        'session_account_ids: session.account_ids,\n    ...(user.revision && { session_revision: user.revision }),',
      ],
      [
        verdict,
        "if (!within(wanted, session.account_ids)) return { act: 'widen'",
        "if (!within(wanted, session.account_ids) || user.session_revision !== user.revision) return { act: 'widen'",
      ],
    ],
  },
]
