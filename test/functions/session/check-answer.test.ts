import { expect, test } from 'vitest'
import type { ClientSession } from '../../../functions/seam/client.ts'
import { answerFault } from '../../../functions/session/check-answer.ts'

const now = Date.UTC(2030, 0, 1)
const hour = 3_600_000
const isoTime = (ms: number) => new Date(ms).toISOString()

const asked = {
  user_identifier_key: 'key',
  connected_account_ids: ['a', 'b'],
  expires_at: now + hour,
  workspace_id: 'ours',
  session: undefined,
  now,
}
const recorded = { ...asked, session: { client_session_id: 's1', expires_at: now + hour / 2 } }
const good: ClientSession = {
  client_session_id: 's1',
  token: 'seam_cst1',
  user_identifier_key: 'key',
  connected_account_ids: ['b', 'a'],
  workspace_id: 'ours',
  created_at: isoTime(now),
  expires_at: isoTime(now + hour),
}

test.each<[string, Partial<ClientSession>, string | undefined]>([
  ['what was asked for, in any order', {}, undefined],
  ['another key', { user_identifier_key: 'other' }, 'other_key'],
  ['no key', { user_identifier_key: null }, 'other_key'],
  ['another workspace', { workspace_id: 'theirs' }, 'other_workspace'],
  ['an expiry that is now', { expires_at: isoTime(now) }, 'expired_already'],
  ['an expiry in a moment', { expires_at: isoTime(now + 1) }, undefined],
  ['an expiry that is no time', { expires_at: 'soon' }, 'expired_already'],
  ['a second more than asked for', { expires_at: isoTime(now + hour + 1000) }, undefined],
  ['more than that', { expires_at: isoTime(now + hour + 1001) }, 'expires_too_late'],
  ['an account less', { connected_account_ids: ['a'] }, 'other_accounts'],
  ['an account more', { connected_account_ids: ['a', 'b', 'c'] }, 'other_accounts'],
  ['another account', { connected_account_ids: ['a', 'c'] }, 'other_accounts'],
  ['one account twice', { connected_account_ids: ['a', 'a'] }, 'other_accounts'],
  ['an account twice beside all others', { connected_account_ids: ['a', 'b', 'b'] }, undefined],
  ['an identity that was not asked for', { user_identity_id: 'i' }, 'other_identity'],
  ['one in the deprecated list', { user_identity_ids: ['i'] }, 'other_identity'],
  ['no identity, said in both ways', { user_identity_id: null, user_identity_ids: [] }, undefined],
])('a new client session with %s', (_, wrong, fault) => {
  expect(answerFault({ ...good, ...wrong }, asked)).toBe(fault)
})

test.each<[string, Partial<ClientSession>, string | undefined]>([
  ['as asked for', { user_identity_id: 'i', user_identity_ids: ['i'] }, undefined],
  ['in the deprecated list alone', { user_identity_ids: ['i'] }, undefined],
  ['left out', {}, 'other_identity'],
  ['of another', { user_identity_id: 'j' }, 'other_identity'],
  ['and another beside it', { user_identity_id: 'i', user_identity_ids: ['i', 'j'] }, 'other_identity'],
])('a user identity %s', (_, wrong, fault) => {
  expect(answerFault({ ...good, ...wrong }, { ...asked, user_identity_id: 'i' })).toBe(fault)
})

test.each<[string, Partial<ClientSession>, string | undefined]>([
  ['its own id', {}, undefined],
  ['another id', { client_session_id: 's2' }, 'other_id'],
  ['a second less than it had', { expires_at: isoTime(now + hour / 2 - 1000) }, undefined],
  ['less than that', { expires_at: isoTime(now + hour / 2 - 1001) }, 'shortened'],
])('a recorded client session with %s', (_, wrong, fault) => {
  expect(answerFault({ ...good, ...wrong }, recorded)).toBe(fault)
})
