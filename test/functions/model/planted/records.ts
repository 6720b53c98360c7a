import type { Mistake } from '../mistakes.ts'

/** In what is written to records, and in what order. */

const user = 'functions/user.ts'
const verdict = 'functions/verdict.ts'

export const records: Mistake[] = [
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
    name: 'the holders of an account shrink when it is withdrawn',
    breaks: 'holders',
    patches: [
      [
        'functions/table/accounts.ts',
        'export interface AccountTable {',
        'export interface AccountTable {\n  removeHolder(connectedAccountId: string, owner: string): Promise<void>',
      ],
      [
        'functions/table/accounts.ts',
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
        'functions/accounts/accounts.ts',
        "'readUser' | 'compareAndSet' | 'addHolder' |",
        "'readUser' | 'compareAndSet' | 'addHolder' | 'removeHolder' |",
      ],
      [
        'functions/accounts/accounts.ts',
        `withdraw: (owner: string, accountIds: string[], deadline: Deadline) =>
      alter(`,
        `withdraw: async (owner: string, accountIds: string[], deadline: Deadline) => {
      for (const id of accountIds) await table.removeHolder(id, owner)
      return alter(`,
      ],
      [
        'functions/accounts/accounts.ts',
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
        'functions/accounts/deletion.ts',
        'const { owners, settled_owners = [] } = await table.markAccountDeleted(accountId, clock())',
        'const { owners, settled_owners = [] } = await table.readHolders(accountId)',
      ],
      [
        'functions/accounts/deletion.ts',
        'await table.markSettled(accountId, [...records.keys()])',
        'await table.markAccountDeleted(accountId, clock())\n    await table.markSettled(accountId, [...records.keys()])',
      ],
      [
        'functions/accounts/deletion.ts',
        "Pick<Table, 'readUser' | 'markAccountDeleted' |",
        "Pick<Table, 'readUser' | 'readHolders' | 'markAccountDeleted' |",
      ],
      [
        'functions/accounts/accounts.ts',
        "'readUser' | 'compareAndSet' | 'addHolder' |",
        "'readUser' | 'readHolders' | 'compareAndSet' | 'addHolder' |",
      ],
      [
        'functions/table/accounts.ts',
        'export interface AccountTable {',
        'export interface AccountTable {\n  readHolders(connectedAccountId: string): Promise<AccountHolders>',
      ],
      [
        'functions/table/accounts.ts',
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
]
