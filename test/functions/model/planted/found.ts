import type { Mistake } from '../mistakes.ts'

/** What this model has found in the real code. */

const carryingOut = 'functions/carrying-out.ts'
const vending = 'functions/vending.ts'

export const found: Mistake[] = [
  {
    name: 'withdrawing what is not there leaves a grant on its way',
    breaks: 'promise',
    patches: [
      [
        'functions/accounts/accounts.ts',
        'withdraw(user, accountIds, now), always: true }',
        'withdraw(user, accountIds, now) }',
      ],
    ],
  },
  {
    name: 'a record is made with its first accounts, and a deletion that comes before finds none',
    breaks: 'promise',
    patches: [
      [
        'functions/accounts/altering.ts',
        `const first = await change(fresh, fresh)
        if (!first.written) continue
        read = first.user`,
        'read = fresh',
      ],
    ],
  },
  {
    name: 'a bearer token that is signed out everywhere while it waits gets its client session all the same',
    breaks: 'promise',
    patches: [
      [
        vending,
        'const admit = (seen: User) => checkCaller(seen, caller, configuration)',
        'const admit = (_: User) => undefined',
      ],
    ],
  },
  {
    name: 'a list in another workspace settles what was let go of',
    breaks: 'forgotten',
    patches: [[carryingOut, 'if (keys.length > 0) await workspace.confirm(deadline)', '']],
  },
  {
    name: 'moving a user who is removed already leaves an enabling on its way',
    breaks: 'promise',
    rare: true,
    patches: [
      [
        'functions/accounts/accounts.ts',
        "(user.status === 'removed' ? user : setStatus(user, 'removed', now)),\n        always: true,",
        "(user.status === 'removed' ? user : setStatus(user, 'removed', now)),",
      ],
    ],
  },
]
