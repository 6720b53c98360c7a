import { randomUUID } from 'node:crypto'
import * as z from 'zod/v4-mini'
import { accountOfDevice, devicesOf } from './fake.ts'
import { route } from './route.ts'
import type { ClientSession, UserIdentity } from './rows.ts'
import type { Reach } from './scope.ts'
import { dropFrom, type Seam, timeNow } from './state.ts'
import { found } from './wire.ts'

const text = z.optional(z.nullable(z.string()))
const created = z.object({ user_identity_key: text, full_name: text })
const named = z.object({ user_identity_id: z.string() })
const granted = z.extend(named, { device_id: z.string() })

const shown = ({ device_ids, ...identity }: UserIdentity) => identity

/** @throws Refusal when there is none */
export const identityOf = ({ kept }: Seam, user_identity_id: string): UserIdentity =>
  found(
    kept.user_identities.find((one) => one.user_identity_id === user_identity_id),
    'user_identity',
  )

export const userIdentityRoutes = [
  route('/user_identities/get', 'api_key', named, (seam, body) => ({
    user_identity: shown(identityOf(seam, body.user_identity_id)),
  })),
  route('/user_identities/list', 'api_key', z.object({}), ({ kept }) => ({
    user_identities: kept.user_identities.map(shown),
  })),
  route('/user_identities/create', 'api_key', created, (seam, body) => ({
    user_identity: shown(addIdentity(seam, body)),
  })),
  route('/user_identities/grant_access_to_device', 'api_key', granted, (seam, body) => {
    found(accountOfDevice(seam.fake, body.device_id), 'device')
    identityOf(seam, body.user_identity_id).device_ids.push(body.device_id)
  }),
  route('/user_identities/delete', 'api_key', named, (seam, body) => {
    dropFrom(seam.kept.user_identities, identityOf(seam, body.user_identity_id))
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
  seam.kept.user_identities.push(identity)
  return identity
}

/** With one device of an account that nobody has, granted to the identity alone. Made when it is first asked for. */
export function identityFor(seam: Seam, user_identity_key: string): string {
  const known = seam.kept.user_identities.find((one) => one.user_identity_key === user_identity_key)
  if (known !== undefined) return known.user_identity_id
  const { user_identity_id, device_ids } = addIdentity(seam, { user_identity_key })
  const [device] = devicesOf(seam.fake, seam.kept.spare_account_ids[0] ?? '')
  if (device !== undefined) device_ids.push(device.device_id)
  return user_identity_id
}

/** What a client session token reaches: its accounts, and what its identity was granted. */
export function reachOf({ kept }: Seam, session: ClientSession): Reach {
  const own = kept.user_identities.filter((one) => session.user_identity_ids.includes(one.user_identity_id))
  return { accounts: session.connected_account_ids, devices: own.flatMap(({ device_ids }) => device_ids) }
}
