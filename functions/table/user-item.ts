import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Ended, User } from '../user.ts'
import { tableShape } from './shape.ts'

/** A user's record as an item of the table, and back. PURE. */

export type Item = Record<string, AttributeValue>

export const userItem = (owner: string) => `user#${owner}`

const texts = [
  'revision',
  'owner',
  'subject',
  'iss',
  'sub',
  'status',
  'user_identifier_key',
  'client_session_id',
  'sealed_token',
  'lease_owner',
] as const
const numbers = [
  'schema',
  'generation',
  'not_before',
  'access_until',
  'session_created_at',
  'session_expires_at',
  'lease_until',
  'creations',
  'creations_since',
  'reported_dead_at',
  'attempts',
  'due_at',
] as const
/** String sets; DynamoDB has no empty ones, so an empty set is absent. */
const sets = ['connected_account_ids', 'session_account_ids'] as const

export function itemFromUser(user: User): Item {
  const item: Item = { [tableShape.key]: { S: userItem(user.owner) } }
  for (const name of texts) if (user[name] !== undefined) item[name] = { S: user[name] }
  for (const name of numbers) if (user[name] !== undefined) item[name] = { N: String(user[name]) }
  for (const name of sets) if (user[name]?.length) item[name] = { SS: user[name] }
  if (user.unknown_account_ids !== undefined)
    item.unknown_account_ids = {
      M: Object.fromEntries(
        Object.entries(user.unknown_account_ids).map(([id, at]) => [id, { N: String(at) }]),
      ),
    }
  item.ended = { L: user.ended.map(itemFromEnded) }
  // Index writes cost: the shard stands in the record only while something is due.
  if (user.due_at !== undefined) item[tableShape.due.partition] = { N: String(dueShard(user.owner)) }
  return item
}

export function userFromItem(item: Item): User {
  const user: Record<string, unknown> = {}
  for (const name of texts) if (item[name]?.S !== undefined) user[name] = item[name].S
  for (const name of numbers) if (item[name]?.N !== undefined) user[name] = Number(item[name].N)
  user.connected_account_ids = [...(item.connected_account_ids?.SS ?? [])].sort()
  if (user.client_session_id !== undefined)
    user.session_account_ids = [...(item.session_account_ids?.SS ?? [])].sort()
  if (item.unknown_account_ids?.M !== undefined)
    user.unknown_account_ids = Object.fromEntries(
      Object.entries(item.unknown_account_ids.M).map(([id, at]) => [id, Number(at.N)]),
    )
  user.ended = (item.ended?.L ?? []).map(({ M }) => endedFromItem(M ?? {}))
  if (user.schema !== 1) throw new Error(`a user record has the format ${user.schema}; this version reads 1`)
  return user as unknown as User
}

function itemFromEnded(ended: Ended): AttributeValue {
  return {
    M: {
      user_identifier_key: { S: ended.user_identifier_key },
      ...(ended.client_session_id !== undefined && { client_session_id: { S: ended.client_session_id } }),
      at: { N: String(ended.at) },
      ...(ended.deleted_at !== undefined && { deleted_at: { N: String(ended.deleted_at) } }),
    },
  }
}

function endedFromItem(item: Item): Ended {
  return {
    user_identifier_key: item.user_identifier_key?.S ?? '',
    ...(item.client_session_id?.S !== undefined && { client_session_id: item.client_session_id.S }),
    at: Number(item.at?.N),
    ...(item.deleted_at?.N !== undefined && { deleted_at: Number(item.deleted_at.N) }),
  }
}

/** 0–15: an owner is a hash already, so its first byte spreads evenly. */
export function dueShard(owner: string): number {
  return (Buffer.from(owner.slice(0, 4), 'base64url')[0] ?? 0) % tableShape.due.shards
}
