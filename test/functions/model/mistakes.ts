import type { Progress } from './progress.ts'
import type { Invariant } from './watch.ts'

/**
 * Mistakes that somebody may make in good faith, as patches to the real source. Each must compile and must break what
 * it names: a test that cannot see them does not protect from them.
 */
export interface Mistake {
  name: string
  /** By which invariant, or which test of progress, it is found out. */
  breaks: Invariant | Progress
  patches: Patch[]
}

/** `file` of the copy, `from` found in it exactly once. */
export type Patch = [file: string, from: string, to: string]

const user = 'functions/user.ts'
const verdict = 'functions/verdict.ts'
const carryingOut = 'functions/carrying-out.ts'
const vending = 'functions/vending.ts'

export const mistakes: Mistake[] = [
  {
    name: 'the key is kept after letting go',
    breaks: 'let_go',
    patches: [
      [
        user,
        'return { ...rest, ended: [...user.ended, ...entries] }',
        'return { ...rest, user_identifier_key, ended: [...user.ended, ...entries] }',
      ],
    ],
  },
  {
    name: 'deleted before it is let go of',
    breaks: 'let_go',
    patches: [
      [
        carryingOut,
        "await (verdict.act === 'end' ? write(letGo(user, now)) : call(verdict, now))",
        `if (verdict.act === 'end') {
          if (user.client_session_id !== undefined) await deleteSession(user.client_session_id)
          await write(letGo(user, now))
        } else await call(verdict, now)`,
      ],
    ],
  },
  {
    name: 'the lease is given back when nobody knows what came of the call, and the old key used again',
    breaks: 'let_go',
    patches: [
      [
        carryingOut,
        'const key = fresh ? await newKey(user.owner) : undefined',
        'const old = user.user_identifier_key ?? user.ended.at(-1)?.user_identifier_key\n        const key = fresh ? (old ?? (await newKey(user.owner))) : undefined',
      ],
      [
        carryingOut,
        'if (unknown === undefined) throw error',
        `if (unknown === undefined) {
          await write(letGo(user, clock()))
          throw error
        }`,
      ],
    ],
  },
  {
    name: 'no intent: the key is written down with the commit',
    breaks: 'intent',
    patches: [[carryingOut, 'if (!(await write(claim(base, by)))) return', 'user = claim(base, by)']],
  },
  {
    name: "Seam's answer is not checked",
    breaks: 'own',
    patches: [
      [
        carryingOut,
        "if (answer.user_identifier_key !== asked.user_identifier_key) return 'other_key'",
        "if (asked.now > 0) return undefined\n  if (answer.user_identifier_key !== asked.user_identifier_key) return 'other_key'",
      ],
    ],
  },
  {
    name: 'a refused write is written all the same',
    breaks: 'forgotten',
    patches: [
      [
        'functions/change.ts',
        'return { written: false, user: result.found }',
        'await edges.compareAndSet(read.owner, result.found?.revision, user)\n    return { written: true, user }',
      ],
    ],
  },
  {
    name: '`ended` is forgotten before the delete is confirmed',
    breaks: 'forgotten',
    patches: [
      [
        carryingOut,
        'while (unconfirmed(user).length > 0) {',
        'while (asked && unconfirmed(user).length > 0) {',
      ],
      [
        user,
        `(entry.client_session_id === undefined || entry.deleted_at !== undefined) &&
      now >= entry.at + times.grace,`,
        'now >= entry.at + times.grace,',
      ],
    ],
  },
  {
    name: '`ended` is forgotten as soon as the delete is confirmed',
    breaks: 'forgotten',
    patches: [
      [
        user,
        'return { ...user, ended }',
        'const gone = new Set(ended.filter((entry) => entry.deleted_at !== undefined))\n  return { ...user, ended: ended.filter((entry) => !gone.has(entry)) }',
      ],
    ],
  },
  {
    name: 'a client session is reused while it is being replaced',
    breaks: 'handed',
    patches: [
      [
        carryingOut,
        "const base = verdict.act === 'replace' ? letGo(user, now) : user",
        "const base = verdict.act === 'replace' ? { ...user, ...letGo(user, now) } : user",
      ],
    ],
  },
  {
    name: 'the change first, and the letting go is left to the verdict',
    breaks: 'scope',
    patches: [
      [
        user,
        'return { ...letGo(user, now), connected_account_ids: kept }',
        'return { ...(now > 0 ? user : letGo(user, now)), connected_account_ids: kept }',
      ],
    ],
  },
  {
    name: 'an act that is repeated reports success, though its delete has never reached Seam',
    breaks: 'promise',
    patches: [
      [
        vending,
        `if (user === undefined) return
    checkCaller`,
        `if (user?.user_identifier_key === undefined) return
    checkCaller`,
      ],
    ],
  },
  {
    name: 'a new key is called while an old id is unconfirmed',
    breaks: 'unconfirmed',
    patches: [
      [
        carryingOut,
        'const confirmed = makes ? await deleteUnconfirmed(user) : new Set<string>()',
        'const confirmed = makes ? new Set<string>() : await deleteUnconfirmed(user)',
      ],
    ],
  },
  {
    name: 'a key whose client session has expired is dropped without an entry in `ended`',
    breaks: 'forgotten',
    patches: [
      [
        user,
        'if (user_identifier_key === undefined) return user\n  const ids',
        'if (user_identifier_key === undefined) return user\n  if ((_expires ?? now) < now) return rest\n  const ids',
      ],
    ],
  },
  {
    name: 'an earlier end of access shortens the client session in place',
    breaks: 'scope',
    patches: [
      [user, '= earlier ? letGo(user, now) : user\n', '= earlier && now < 0 ? letGo(user, now) : user\n'],
      [
        verdict,
        "if (session.expires_at > (user.access_until ?? Number.POSITIVE_INFINITY)) return 'access_ended'",
        '',
      ],
      [
        verdict,
        `return Math.max(
    session.expires_at,
    Math.min(newExpiry(user, terms, now), session.created_at + terms.longestAge),
  )`,
        'return Math.min(newExpiry(user, terms, now), session.created_at + terms.longestAge)',
      ],
      [
        verdict,
        "if (session.expires_at - now > terms.refreshMargin) return outright('reuse', 'live')",
        "if (session.expires_at > renewed) return outright('extend', 'access_ended')\n  if (session.expires_at - now > terms.refreshMargin) return outright('reuse', 'live')",
      ],
    ],
  },
  {
    name: 'handed out straight after the commit',
    breaks: 'handed',
    patches: [
      [
        carryingOut,
        `} catch (error) {
        if (!(error instanceof Problem) || !verdict.mayWait) throw error`,
        `const session = recordedSession(user)
        const token =
          recorded && session
            ? await seal.open(session.sealed_token, session.client_session_id, deadline)
            : undefined
        if (token !== undefined) {
          const settings = await workspace.settings(deadline)
          return { handedOut: true, user, token, refreshIn: 1, settings, isNew }
        }
      } catch (error) {
        if (!(error instanceof Problem) || !verdict.mayWait) throw error`,
      ],
    ],
  },
  {
    name: "a stranger's id is put into `ended`",
    breaks: 'strangers',
    patches: [
      [
        carryingOut,
        'const ours = answer.user_identifier_key === asking.user_identifier_key',
        'const ours = answer.user_identifier_key !== undefined',
      ],
    ],
  },
  {
    name: 'the holders of an account shrink when it is withdrawn',
    breaks: 'holders',
    patches: [
      [
        'functions/table-accounts.ts',
        'export interface AccountTable {',
        'export interface AccountTable {\n  removeHolder(connectedAccountId: string, owner: string): Promise<void>',
      ],
      [
        'functions/table-accounts.ts',
        'async markSettled(connectedAccountId, owners) {',
        `async removeHolder(connectedAccountId, owner) {
      const command = new UpdateItemCommand({
        TableName,
        Key: key(accountItem(connectedAccountId)),
        UpdateExpression: 'DELETE owners :owners',
        ExpressionAttributeValues: { ':owners': { SS: [owner] } },
      })
      await client.send(command).catch(outage)
    },

    async markSettled(connectedAccountId, owners) {`,
      ],
      [
        'functions/accounts.ts',
        "'readUser' | 'compareAndSet' | 'addHolder' |",
        "'readUser' | 'compareAndSet' | 'addHolder' | 'removeHolder' |",
      ],
      [
        'functions/accounts.ts',
        `withdraw: (owner: string, accountIds: string[], deadline: Deadline) =>
      alter(`,
        `withdraw: async (owner: string, accountIds: string[], deadline: Deadline) => {
      for (const id of accountIds) await table.removeHolder(id, owner)
      return alter(`,
      ],
      [
        'functions/accounts.ts',
        'withdraw(user, accountIds, now), always: true }),',
        'withdraw(user, accountIds, now), always: true })\n    },',
      ],
      ['test/functions/model/edges.ts', "  | 'addHolder'\n", "  | 'addHolder'\n  | 'removeHolder'\n"],
      [
        'test/functions/model/edges.ts',
        'markSettled: (account, owners) =>',
        "removeHolder: (account, owner) => atTable('removeHolder', () => table.removeHolder(account, owner)),\n    markSettled: (account, owners) =>",
      ],
      [
        'test/functions/model/table.ts',
        'markSettled(id: string, owners: string[]): void {',
        'removeHolder(id: string, owner: string): void {\n      accountHolders(id).owners.delete(owner)\n    },\n    markSettled(id: string, owners: string[]): void {',
      ],
    ],
  },
  {
    name: 'the tombstone is written after the walk',
    breaks: 'promise',
    patches: [
      [
        'functions/account-deletion.ts',
        'const { owners, settled_owners = [] } = await table.markAccountDeleted(accountId, clock())',
        'const { owners, settled_owners = [] } = await table.readHolders(accountId)',
      ],
      [
        'functions/account-deletion.ts',
        'await table.markSettled(accountId, [...records.keys()])',
        'await table.markAccountDeleted(accountId, clock())\n    await table.markSettled(accountId, [...records.keys()])',
      ],
      [
        'functions/account-deletion.ts',
        "Pick<Table, 'readUser' | 'markAccountDeleted' |",
        "Pick<Table, 'readUser' | 'readHolders' | 'markAccountDeleted' |",
      ],
      [
        'functions/accounts.ts',
        "'readUser' | 'compareAndSet' | 'addHolder' |",
        "'readUser' | 'readHolders' | 'compareAndSet' | 'addHolder' |",
      ],
      [
        'functions/table-accounts.ts',
        'export interface AccountTable {',
        'export interface AccountTable {\n  readHolders(connectedAccountId: string): Promise<AccountHolders>',
      ],
      [
        'functions/table-accounts.ts',
        'async markSettled(connectedAccountId, owners) {',
        `async readHolders(connectedAccountId) {
      const item = await read(accountItem(connectedAccountId))
      return { owners: item?.owners?.SS ?? [], settled_owners: item?.settled_owners?.SS ?? [] }
    },

    async markSettled(connectedAccountId, owners) {`,
      ],
      ['test/functions/model/edges.ts', "  | 'addHolder'\n", "  | 'addHolder'\n  | 'readHolders'\n"],
      [
        'test/functions/model/edges.ts',
        'markSettled: (account, owners) =>',
        "readHolders: (account) => atTable('readHolders', () => table.readHolders(account)),\n    markSettled: (account, owners) =>",
      ],
      [
        'test/functions/model/table.ts',
        'markSettled(id: string, owners: string[]): void {',
        'readHolders(id: string): AccountHolders {\n      const { owners, settled } = accountHolders(id)\n      return { owners: [...owners], settled_owners: [...settled] }\n    },\n    markSettled(id: string, owners: string[]): void {',
      ],
    ],
  },
  {
    name: 'a record is removed before `ended` is empty',
    breaks: 'forgotten',
    patches: [[user, ' && user.ended.length === 0\n', '\n']],
  },

  // What this model has found.
  {
    name: 'withdrawing what is not there leaves a grant on its way',
    breaks: 'promise',
    patches: [
      [
        'functions/accounts.ts',
        'withdraw(user, accountIds, now), always: true }',
        'withdraw(user, accountIds, now) }',
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

  // These break no safety, but progress.
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
