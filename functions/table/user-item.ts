import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { User } from '../record/user.ts'
import type { Item } from './items.ts'
import { keys } from './keys.ts'
import { tableShape } from './shape.ts'

/** A user's record as an item of the table, and back. PURE. */

/** Absent in the item when they are empty: DynamoDB has no empty set, and most records have few of these. */
const collections = {
  connected_account_ids: [],
  sessions: {},
  retired: [],
  logins: {},
  withdrawn: {},
  ended: {},
  recent: {},
} as const satisfies Partial<User>

export function itemFromUser(user: User): Item {
  const item: Item = { [tableShape.key]: { S: keys.user(user.owner) } }
  for (const [name, value] of Object.entries(user)) {
    const isEmpty = name in collections && Object.keys(value).length === 0
    if (!isEmpty && value !== undefined) item[name] = attributeFrom(value)
  }
  // Index writes cost: the shard is in the record only while something is due.
  if (user.due_at !== undefined) item[tableShape.due.partition] = { N: String(dueShard(user.owner)) }
  return item
}

/** @throws Error for a record of another format */
export function userFromItem(item: Item): User {
  if (item.schema?.N !== '2')
    throw new Error(
      `a user record has the format ${item.schema?.N}; this version reads 2. In the local world delete the folder .local; a deployed table has no other format`,
    )
  const { [tableShape.key]: _key, [tableShape.due.partition]: _shard, ...attributes } = item
  return { ...structuredClone(collections), ...(valuesFrom(attributes) as object) } as unknown as User
}

type Value = string | number | readonly string[] | readonly object[] | object

function attributeFrom(value: Value): AttributeValue {
  if (typeof value === 'string') return { S: value }
  if (typeof value === 'number') return { N: String(value) }
  if (!Array.isArray(value)) return { M: attributesFrom(value) }
  const isSet = value.length > 0 && value.every((one) => typeof one === 'string')
  return isSet ? { SS: value } : { L: value.map(attributeFrom) }
}

function attributesFrom(value: object): Item {
  const present = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(present.map(([name, member]) => [name, attributeFrom(member)]))
}

/** Sets come back in no order of ours. */
function valueFrom({ S, N, SS, L, M }: AttributeValue): unknown {
  if (S !== undefined) return S
  if (N !== undefined) return Number(N)
  if (SS !== undefined) return [...SS].sort()
  if (L !== undefined) return L.map(valueFrom)
  return valuesFrom(M ?? {})
}

function valuesFrom(item: Item): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).map(([name, attribute]) => [name, valueFrom(attribute)]))
}

/** 0–15: an owner is a hash already, so its first byte spreads evenly. */
export function dueShard(owner: string): number {
  return (Buffer.from(owner.slice(0, 4), 'base64url')[0] ?? 0) % tableShape.due.shards
}
