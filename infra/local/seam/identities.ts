import { randomUUID } from 'node:crypto'
import * as z from 'zod/v4-mini'
import { accountOfDevice, devicesOf } from './fake.ts'
import { apiKey, route } from './route.ts'
import type { ClientSession, UserIdentity } from './rows.ts'
import type { Reach } from './scope.ts'
import { type Seam, timeNow } from './state.ts'
import { found } from './wire.ts'

const text = z.optional(z.nullable(z.string()))
const created = z.object({ user_identity_key: text, full_name: text })
const named = z.object({ user_identity_id: z.string() })
const granted = z.object({ user_identity_id: z.string(), device_id: z.string() })

export const userIdentityRoutes = [
  route('/user_identities/create', apiKey, created, (seam, body) => ({
    user_identity: shown(addIdentity(seam, body)),
  })),
  route('/user_identities/get', apiKey, named, (seam, { user_identity_id }) => ({
    user_identity: shown(identityOf(seam, user_identity_id)),
  })),
  route('/user_identities/delete', apiKey, named, (seam, { user_identity_id }) => {
    seam.identities.splice(seam.identities.indexOf(identityOf(seam, user_identity_id)), 1)
    seam.changes++
  }),
  route('/user_identities/list', apiKey, z.object({}), ({ identities }) => ({
    user_identities: identities.map(shown),
  })),
  route('/user_identities/grant_access_to_device', apiKey, granted, (seam, body) => {
    const identity = identityOf(seam, body.user_identity_id)
    found(accountOfDevice(seam.fake, body.device_id), 'device')
    if (!identity.device_ids.includes(body.device_id)) identity.device_ids.push(body.device_id)
    seam.changes++
  }),
]

function addIdentity(seam: Seam, given: z.infer<typeof created>): UserIdentity {
  const identity: UserIdentity = {
    user_identity_id: randomUUID(),
    workspace_id: seam.fake.workspace_id,
    user_identity_key: given.user_identity_key ?? null,
    full_name: given.full_name ?? null,
    created_at: timeNow(seam),
    device_ids: [],
  }
  seam.identities.push(identity)
  seam.changes++
  return identity
}

/** With one device of an account that nobody has, granted to the identity alone. */
export function identityFor(seam: Seam, user_identity_key: string): string {
  const known = seam.identities.find((one) => one.user_identity_key === user_identity_key)
  if (known !== undefined) return known.user_identity_id
  const identity = addIdentity(seam, { user_identity_key })
  const [device] = devicesOf(seam.fake, seam.spare_account_ids[0] ?? '')
  if (device !== undefined) identity.device_ids.push(device.device_id)
  return identity.user_identity_id
}

const shown = ({ device_ids, ...identity }: UserIdentity) => identity

/** @throws Refusal when there is none */
export function identityOf({ identities }: Seam, user_identity_id: string): UserIdentity {
  return found(
    identities.find((one) => one.user_identity_id === user_identity_id),
    'user identity',
  )
}

/** What a client session token reaches: its accounts, and what its identity was granted. */
export function reachOf({ identities }: Seam, session: ClientSession): Reach {
  const own = identities.filter((one) => session.user_identity_ids.includes(one.user_identity_id))
  return { accounts: session.connected_account_ids, devices: own.flatMap(({ device_ids }) => device_ids) }
}
