import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { newUser } from '../../../functions/record/user.ts'
import { claim, commit, grant } from '../../../functions/record/writes.ts'
import { shared } from '../../../functions/session/binding.ts'
import { itemFromUser } from '../../../functions/table/user-item.ts'
import type { Item } from '../../../functions/table/values.ts'
import { times } from '../../../functions/times.ts'
import { sum } from '../statistics.ts'

/** Bytes that DynamoDB counts for the record of a user with so many connected accounts and live client sessions. */
export function recordBytes(accounts: number, logins = 1): number {
  const uuid = '00000000-0000-4000-8000-000000000000'
  const owner = 'x'.repeat(22)
  const now = 1_764_000_000_000
  const ids = Array.from({ length: accounts }, (_, i) => `${uuid.slice(0, -4)}${String(i).padStart(4, '0')}`)
  // As Auth0 names people.
  const sub = 'auth0|0123456789abcdef01234567'
  const who = { owner, subject: `main|${sub}`, iss: 'https://tenant.eu.auth0.com/', sub }
  const answer = { client_session_id: uuid, sealed_token: 'x'.repeat(260), created_at: now, expires_at: now }
  // One login has the binding of all who have none of their own.
  const bindings =
    logins === 1 ? [shared] : Array.from({ length: logins }, (_, i) => `01234567.${i}${owner.slice(1)}`)
  const user = bindings.reduce(
    (before, binding) => {
      const newKey = { key: `production-01234567_${owner}_${uuid}`, generation: 1 }
      const claimed = claim(before, binding, { lease_owner: uuid, now, times, asked_until: now, newKey })
      return commit(claimed, binding, answer, ids)
    },
    grant(newUser(who, now), ids, now),
  )
  return sizeOf(itemFromUser({ ...user, revision: uuid, due_at: now }))
}

/** By the developer guide, "DynamoDB item sizes and formats". */
function sizeOf(item: Item): number {
  return sum(Object.entries(item).map(([name, value]) => name.length + sizeOfValue(value)))
}

function sizeOfValue({ S, N, SS, L, M }: AttributeValue): number {
  if (S !== undefined) return S.length
  if (N !== undefined) return Math.ceil(N.length / 2) + 1
  if (SS !== undefined) return sum(SS.map((text) => text.length))
  const overhead = 3
  if (L !== undefined) return overhead + sum(L.map((value) => 1 + sizeOfValue(value)))
  return overhead + sizeOf(M ?? {})
}
