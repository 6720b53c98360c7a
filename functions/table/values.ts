import type { AttributeValue } from '@aws-sdk/client-dynamodb'

/** Attributes of an item as plain values, and back. A list of texts is a set, which comes back in no order of ours. PURE. */

export type Item = Record<string, AttributeValue>
export type Values = Record<string, unknown>

export function attributesFrom(values: object): Item {
  const present = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present.map(([name, value]) => [name, attributeFrom(value)]))
}

function attributeFrom(value: unknown): AttributeValue {
  if (typeof value === 'string') return { S: value }
  if (typeof value === 'number') return { N: String(value) }
  if (typeof value === 'boolean') return { BOOL: value }
  if (!Array.isArray(value)) return { M: attributesFrom(value as object) }
  const isSet = value.length > 0 && value.every((one) => typeof one === 'string')
  return isSet ? { SS: value } : { L: value.map(attributeFrom) }
}

export function valuesFrom(item: Item): Values {
  return Object.fromEntries(Object.entries(item).map(([name, attribute]) => [name, valueFrom(attribute)]))
}

function valueFrom({ S, N, BOOL, SS, L, M }: AttributeValue): unknown {
  if (S !== undefined) return S
  if (N !== undefined) return Number(N)
  if (BOOL !== undefined) return BOOL
  if (SS !== undefined) return [...SS].sort()
  if (L !== undefined) return L.map(valueFrom)
  return valuesFrom(M ?? {})
}
