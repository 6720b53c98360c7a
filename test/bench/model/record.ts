import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { newUser } from '../../../functions/record/user.ts'
import { claim, commit, grant } from '../../../functions/record/writes.ts'
import type { Item } from '../../../functions/table/items.ts'
import { itemFromUser } from '../../../functions/table/user-item.ts'
import { times } from '../../../functions/times.ts'

/** Bytes that DynamoDB counts for the record of a user with a live client session and so many connected accounts. */
export function recordBytes(accounts: number): number {
  const uuid = '00000000-0000-4000-8000-000000000000'
  const owner = 'x'.repeat(22)
  const now = 1_764_000_000_000
  const ids = Array.from({ length: accounts }, (_, i) => `${uuid.slice(0, -4)}${String(i).padStart(4, '0')}`)
  // As Auth0 names people.
  const sub = 'auth0|0123456789abcdef01234567'
  const who = { owner, subject: `main|${sub}`, iss: 'https://tenant.eu.auth0.com/', sub }
  const claimed = claim(grant(newUser(who, now), ids, now), 'shared', {
    lease_owner: uuid,
    now,
    times,
    asked_until: now,
    newKey: { key: `production-01234567_${owner}_${uuid}`, generation: 1 },
  })
  const sealed_token = 'x'.repeat(260)
  const session = {
    client_session_id: uuid,
    created_at: now,
    expires_at: now,
    sealed_token,
  }
  return sizeOf(itemFromUser({ ...commit(claimed, 'shared', session, ids), revision: uuid, due_at: now }))
}

/** By the developer guide, "DynamoDB item sizes and formats". */
function sizeOf(item: Item): number {
  return Object.entries(item).reduce((size, [name, value]) => size + name.length + sizeOfValue(value), 0)
}

function sizeOfValue({ S, N, SS, L, M }: AttributeValue): number {
  if (S !== undefined) return S.length
  if (N !== undefined) return Math.ceil(N.length / 2) + 1
  if (SS !== undefined) return SS.reduce((size, text) => size + text.length, 0)
  const overhead = 3
  if (L !== undefined) return L.reduce((size, value) => size + 1 + sizeOfValue(value), overhead)
  return overhead + sizeOf(M ?? {})
}
