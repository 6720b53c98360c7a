import { accountOfDevice, deviceOfAccessCode, type FakeSeam } from './fake.ts'
import type { ClientSession, Seam } from './state.ts'
import { type Params, Refusal } from './wire.ts'

/**
 * What Seam's fake leaves open: whatever a client session token does has to stay within its connected accounts. A
 * call that names something outside finds it missing, and what an answer holds of others is left out.
 */

const named = (params: Params, one: string): string[] =>
  [params[one], params[`${one}s`]].flat().filter((value) => typeof value === 'string')

type Reach = { accounts: string[]; devices: string[] }

/** What a client session token may touch: its accounts, and what its identity was granted. */
export function reachOf({ kept }: Seam, session: ClientSession): Reach {
  const own = kept.user_identities.filter((one) => session.user_identity_ids.includes(one.user_identity_id))
  return { accounts: session.connected_account_ids, devices: own.flatMap(({ device_ids }) => device_ids) }
}

/** @throws Refusal when the call names a device, an access code or a connected account outside the accounts. */
export function keepCallWithin(fake: FakeSeam, { accounts, devices }: Reach, params: Params): void {
  const within = (account: string | undefined) => account !== undefined && accounts.includes(account)
  const codes = named(params, 'access_code_id').map((code) => deviceOfAccessCode(fake, code) ?? '')
  for (const device of [...named(params, 'device_id'), ...codes])
    if (!devices.includes(device) && !within(accountOfDevice(fake, device)))
      throw new Refusal(404, 'device_not_found', 'Device not found')
  if (!named(params, 'connected_account_id').every(within))
    throw new Refusal(404, 'connected_account_not_found', 'Connected account not found')
}

/** @throws Refusal when all that is answered is somebody else's */
export function keepAnswerWithin(fake: FakeSeam, { accounts, devices }: Reach, body: Params): Params {
  const within = (item: unknown) => {
    if (devices.includes(idIn(item, 'device_id') ?? '')) return true
    const account = accountOf(fake, item)
    return account === undefined || accounts.includes(account)
  }
  const kept = Object.entries(body).map(([name, member]) => {
    if (Array.isArray(member)) return [name, member.filter(within)]
    if (within(member)) return [name, member]
    throw new Refusal(404, `${name}_not_found`, 'Not found')
  })
  return Object.fromEntries(kept)
}

/** The connected account something belongs to; undefined when it belongs to nobody. */
function accountOf(fake: FakeSeam, item: unknown): string | undefined {
  const account = idIn(item, 'connected_account_id')
  if (account !== undefined) return account
  const device = idIn(item, 'device_id')
  if (device !== undefined) return accountOfDevice(fake, device) ?? 'a device that is gone'
  // Events that tell how others' client sessions and logins went.
  return (idIn(item, 'client_session_id') ?? idIn(item, 'connect_webview_id')) && 'an account of nobody'
}

function idIn(item: unknown, name: string): string | undefined {
  const id: unknown = typeof item === 'object' && item !== null ? Reflect.get(item, name) : undefined
  return typeof id === 'string' ? id : undefined
}
