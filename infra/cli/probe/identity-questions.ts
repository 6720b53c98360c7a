import { bearer } from '../send.ts'
import { call, getOrCreate, newKey, type Question, type Sandbox, said, Unanswered, vend } from './sandbox.ts'

/** What a user identity changes about a client session. */

const phoneSession = '/seam/mobile_sdk/v1/phone_sessions/get_or_create'

export const identityQuestions: Record<string, Question> = {
  identity_again: {
    local: 'the same',
    asks: 'Does get_or_create under one key and one user identity, sent twice, answer one client session?',
    async ask(sandbox) {
      const [key, wish] = [newKey(), { user_identity_id: await newIdentity(sandbox) }]
      const [first, second] = [await vend(sandbox, key, wish), await vend(sandbox, key, wish)]
      return first.client_session_id === second.client_session_id ? 'the same' : 'another'
    },
  },
  identity_changed: {
    local: 'takes it',
    asks: 'What does get_or_create do under the key of a live client session, with another user identity?',
    async ask(sandbox) {
      const [key, one, other] = [newKey(), await newIdentity(sandbox), await newIdentity(sandbox)]
      const { client_session_id } = await vend(sandbox, key, { user_identity_id: one })
      const reply = await call(sandbox, getOrCreate, { user_identifier_key: key, user_identity_id: other })
      const { client_session: after } = reply.body ?? {}
      if (after === undefined) return said(reply)
      if (after.client_session_id !== client_session_id) return 'makes another'
      return after.user_identity_id === other ? 'takes it' : 'keeps the old one'
    },
  },
  identity_and_accounts: {
    local: 'both',
    asks: 'Does a client session with accounts and a user identity reach what each of them reaches?',
    ask: reachOfBoth,
  },
  identity_phone: {
    local: 'ends it',
    asks: 'Does deleting a client session end the phone session that was made with its token?',
    async ask(sandbox) {
      const { token, client_session_id } = await vend(sandbox, newKey(), {
        user_identity_id: await newIdentity(sandbox),
      })
      const phone = {
        custom_sdk_installation_id: newKey(),
        phone_device_metadata: { operating_system: 'android', device_model: 'probe', os_version: '1' },
      }
      const made = await call(sandbox, phoneSession, phone, bearer(token))
      if (made.status !== 200) throw new Unanswered(`phone_sessions/get_or_create answers ${said(made)}`)
      await call(sandbox, '/client_sessions/delete', { client_session_id })
      const { status } = await call(sandbox, phoneSession, phone, bearer(token))
      return status === 401 ? 'ends it' : `the phone is answered ${status}`
    },
  },
  identity_twice: {
    local: 'independent',
    asks: 'Does deleting one of two client sessions of one user identity leave the other alone?',
    async ask(sandbox) {
      const wish = { user_identity_id: await newIdentity(sandbox) }
      const [first, second] = [await vend(sandbox, newKey(), wish), await vend(sandbox, newKey(), wish)]
      const { client_session_id } = first
      if (client_session_id === second.client_session_id) return 'one for both keys'
      await call(sandbox, '/client_sessions/delete', { client_session_id })
      const { status } = await call(sandbox, '/devices/list', {}, bearer(second.token))
      return status === 200 ? 'independent' : `the other answers ${status}`
    },
  },
  identity_unknown: {
    local: '404 user_identity_not_found',
    asks: 'How is a user identity refused that the workspace does not have?',
    async ask(sandbox) {
      const wish = { user_identifier_key: newKey(), user_identity_id: crypto.randomUUID() }
      return said(await call(sandbox, getOrCreate, wish), 'accepted')
    },
  },
}

/** A user identity that is deleted at the end. */
async function newIdentity(sandbox: Sandbox): Promise<string> {
  const reply = await call(sandbox, '/user_identities/create', { user_identity_key: newKey() })
  const { user_identity_id } = reply.body?.user_identity ?? {}
  if (user_identity_id === undefined) throw new Unanswered(`user_identities/create answers ${said(reply)}`)
  sandbox.undo.set(`user identity ${user_identity_id}`, ['/user_identities/delete', { user_identity_id }])
  return user_identity_id
}

async function reachOfBoth(sandbox: Sandbox): Promise<string> {
  const { body } = await call(sandbox, '/devices/list')
  const devices: { device_id: string; connected_account_id: string }[] = body?.devices ?? []
  const [first] = devices
  const second = devices.find((one) => one.connected_account_id !== first?.connected_account_id)
  if (first === undefined || second === undefined)
    throw new Unanswered('the workspace needs two connected accounts with devices')
  const user_identity_id = await newIdentity(sandbox)
  const { device_id } = second
  const granted = await call(sandbox, '/user_identities/grant_access_to_device', {
    user_identity_id,
    device_id,
  })
  if (granted.status !== 200) throw new Unanswered(`grant_access_to_device answers ${said(granted)}`)
  const { token } = await vend(sandbox, newKey(), {
    user_identity_id,
    connected_account_ids: [first.connected_account_id],
  })
  const reached: { device_id: string }[] =
    (await call(sandbox, '/devices/list', {}, bearer(token))).body?.devices ?? []
  const reaches = (id: string) => reached.some((one) => one.device_id === id)
  if (reaches(first.device_id)) return reaches(device_id) ? 'both' : 'the accounts'
  return reaches(device_id) ? 'the identity' : 'nothing'
}
