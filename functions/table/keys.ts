/**
 * The one table, defined once: its shape, its items, and which function may do what with them. The stack, the local
 * engine, the table's code and the IAM policies all read this. PURE.
 */

export const tableShape = {
  /** The only key: a string partition key whose prefix says what the item is, so that a role can be limited to prefixes. */
  key: 'item',
  /** Epoch seconds. DynamoDB may delete days late (law 10), so nothing is judged by it. */
  ttl: 'expires',
  /** Keys only and sparse: cleanup costs by what is due, never by how many users there are. */
  due: { name: 'due', partition: 'due_shard', sort: 'due_at', shards: 16 },
} as const

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

/** 0–63. */
export const holderShard = (owner: string) => shardOf(owner, holderShards)

/** 0–15. */
export const dueShard = (owner: string) => shardOf(owner, tableShape.due.shards)

/** An owner is a hash already, so its first byte spreads evenly. */
function shardOf(owner: string, shards: number): number {
  return (Buffer.from(owner.slice(0, 4), 'base64url')[0] ?? 0) % shards
}

type Action = 'GetItem' | 'PutItem' | 'UpdateItem'
/** The functions, `functions/entries/<entry>.ts`. */
export type Entry = 'vend' | 'connect' | 'webhook' | 'identity-events' | 'cleanup' | 'admin'

const any = (kind: Exclude<keyof typeof keys, 'holders' | 'settled'>) => keys[kind]('*')
const holders = 'holders#*'
const settled = 'settled#*'
const get: Action[] = ['GetItem']
const update: Action[] = ['UpdateItem']
const getAndPut: Action[] = ['GetItem', 'PutItem']
const getAndUpdate: Action[] = ['GetItem', 'UpdateItem']
type Right = [actions: Action[], items: string[]]
/** A role that writes a record, makes it due, or widens a session. */
const users: Right = [getAndPut, [any('user'), keys.settings()]]

export const access: Record<Entry, Right[]> = {
  // Key sets are a trust anchor, which nobody else may write.
  vend: [users, [getAndPut, [any('keySet')]], [update, [any('budget')]]],
  connect: [
    users,
    [get, [any('keySet'), any('account')]],
    [[...getAndPut, 'UpdateItem'], [any('webview')]],
    [update, [holders, any('budget')]],
  ],
  webhook: [
    users,
    [get, [any('webview')]],
    [getAndPut, [any('event')]],
    [getAndUpdate, [any('account'), holders, settled]],
  ],
  'identity-events': [
    [getAndPut, [any('user')]],
    [get, [any('keySet'), keys.settings()]],
  ],
  cleanup: [
    [getAndPut, [any('user')]],
    [get, [keys.settings(), holders]],
    [getAndUpdate, [keys.cleanupRun(), any('account'), settled]],
  ],
  admin: [
    users,
    [get, [any('keySet')]],
    [getAndPut, [any('identity')]],
    [getAndUpdate, [any('account'), holders]],
    [update, [any('orphan')]],
  ],
}
