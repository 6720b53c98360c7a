import { accountOfDevice, deviceOfAccessCode, type FakeSeam } from './fake.ts'
import { type Params, Refusal } from './wire.ts'

/**
 * What Seam's fake leaves open: whatever a client session token does has to stay within its connected accounts. A
 * call that names something outside finds it missing, and what an answer holds of others is left out.
 */

const named = (params: Params, one: string): string[] =>
  [params[one], params[`${one}s`]].flat().filter((value) => typeof value === 'string')

/** What a client session token may touch. */
export type Reach = { accounts: string[]; devices: string[] }

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
    if (devices.includes(deviceOf(item) ?? '')) return true
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

function deviceOf(item: unknown): string | undefined {
  const named = typeof item === 'object' && item !== null && 'device_id' in item ? item.device_id : undefined
  return typeof named === 'string' ? named : undefined
}

/** The connected account something belongs to; undefined when it belongs to nobody. */
const accountOf = (fake: FakeSeam, item: unknown): string | undefined => {
  if (typeof item !== 'object' || item === null) return undefined
  if ('connected_account_id' in item && typeof item.connected_account_id === 'string')
    return item.connected_account_id
  if ('device_id' in item && typeof item.device_id === 'string')
    return accountOfDevice(fake, item.device_id) ?? 'a device that is gone'
  // Events that tell how others' client sessions and logins went.
  if ('client_session_id' in item || 'connect_webview_id' in item) return 'an account of nobody'
  return undefined
}
