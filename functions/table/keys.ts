/**
 * The table's items: their prefixes, and which function may do what with them. The table's code and the IAM policies
 * both read this. PURE. An item's prefix comes first in the only key, so that IAM can limit a role to prefixes.
 */

/** Shards of one account's holders: a set in one item would be full at 18,000. */
export const holderShards = 64

export const keys = {
  user: (owner: string) => `user#${owner}`,
  webview: (connectWebviewId: string) => `webview#${connectWebviewId}`,
  event: (eventId: string) => `event#${eventId}`,
  account: (accountId: string) => `account#${accountId}`,
  holders: (accountId: string, shard: number) => `holders#${accountId}#${shard}`,
  /** Of one shard: holders whose records were written since the account's tombstone. */
  settled: (accountId: string, shard: number) => `settled#${accountId}#${shard}`,
  identity: (userIdentityId: string) => `identity#${userIdentityId}`,
  keySet: (issuerName: string) => `keys#${issuerName}`,
  budget: (what: string) => `budget#${what}`,
  orphan: (clientSessionId: string) => `orphan#${clientSessionId}`,
  cleanupRun: () => 'run#cleanup',
  settings: () => 'settings',
} as const

/** What is left of an item's key without its prefix; undefined when it is another kind of item. */
export function nameIn(item: string, kind: 'user' | 'account'): string | undefined {
  const prefix = keys[kind]('')
  return item.startsWith(prefix) ? item.slice(prefix.length) : undefined
}

/** 0–63: an owner is a hash already. */
export function holderShard(owner: string): number {
  return (Buffer.from(owner.slice(0, 4), 'base64url')[0] ?? 0) % holderShards
}

type Action = 'GetItem' | 'PutItem' | 'UpdateItem'
/** The functions, `functions/entries/<entry>.ts`. */
export type Entry = 'vend' | 'connect' | 'webhook' | 'identity-events' | 'cleanup' | 'admin'

const any = (kind: Exclude<keyof typeof keys, 'holders' | 'settled'>) => keys[kind]('*')
const holders = 'holders#*'
const settled = 'settled#*'
/** A role that writes a record, makes it due, or widens a session. */
const users: [Action[], string[]] = [
  ['GetItem', 'PutItem'],
  [any('user'), keys.settings()],
]

export const access: Record<Entry, [actions: Action[], items: string[]][]> = {
  // Key sets are a trust anchor, which nobody else may write.
  vend: [users, [['GetItem', 'PutItem'], [any('keySet')]], [['UpdateItem'], [any('budget')]]],
  connect: [
    users,
    [['GetItem'], [any('keySet'), any('account')]],
    [['GetItem', 'PutItem', 'UpdateItem'], [any('webview')]],
    [['UpdateItem'], [holders, any('budget')]],
  ],
  webhook: [
    users,
    [['GetItem'], [any('webview')]],
    [['GetItem', 'PutItem'], [any('event')]],
    [
      ['GetItem', 'UpdateItem'],
      [any('account'), holders, settled],
    ],
  ],
  'identity-events': [
    [['GetItem', 'PutItem'], [any('user')]],
    [['GetItem'], [any('keySet'), keys.settings()]],
  ],
  cleanup: [
    [['GetItem', 'PutItem'], [any('user')]],
    [['GetItem'], [keys.settings(), holders]],
    [
      ['GetItem', 'UpdateItem'],
      [keys.cleanupRun(), any('account'), settled],
    ],
  ],
  admin: [
    users,
    [['GetItem'], [any('keySet')]],
    [['GetItem', 'PutItem'], [any('identity')]],
    [
      ['GetItem', 'UpdateItem'],
      [any('account'), holders],
    ],
    [['UpdateItem'], [any('orphan')]],
  ],
}
