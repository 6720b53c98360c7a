import type { FakeSeam } from './fake.ts'
import { type Answer, type Call, json, Refusal } from './wire.ts'

/**
 * What Seam's fake leaves open: whatever a client session token does has to stay within its connected accounts. A
 * call that names something outside finds it missing, and what an answer holds of others is left out.
 */

type Reach = Pick<FakeSeam, 'accountOfDevice' | 'deviceOfAccessCode'>

const named = (params: Record<string, unknown>, one: string): string[] =>
  [params[one], params[`${one}s`]].flat().filter((value) => typeof value === 'string')

/** @throws Refusal when the call names a device, an access code or a connected account outside the accounts. */
export const keepCallWithin = ({ params }: Call, accounts: string[], reach: Reach): void => {
  const within = (account: string | undefined) => account !== undefined && accounts.includes(account)
  const codes = named(params, 'access_code_id').map((code) => reach.deviceOfAccessCode(code) ?? '')
  for (const device of [...named(params, 'device_id'), ...codes])
    if (!within(reach.accountOfDevice(device))) throw new Refusal(404, 'device_not_found', 'Device not found')
  if (!named(params, 'connected_account_id').every(within))
    throw new Refusal(404, 'connected_account_not_found', 'Connected account not found')
}

export const keepAnswerWithin = (answer: Answer, accounts: string[], reach: Reach): Answer => {
  if (answer.status !== 200 || answer.body === '') return answer
  const within = (item: unknown) => {
    const account = accountOf(item, reach)
    return account === undefined || accounts.includes(account)
  }
  const body: Record<string, unknown> = JSON.parse(answer.body)
  for (const [name, member] of Object.entries(body)) {
    if (Array.isArray(member)) body[name] = member.filter(within)
    else if (!within(member)) throw new Refusal(404, `${name}_not_found`, 'Not found')
  }
  return json(200, body)
}

/** The connected account something belongs to; undefined when it belongs to nobody. */
const accountOf = (item: unknown, reach: Reach): string | undefined => {
  if (typeof item !== 'object' || item === null) return undefined
  if ('connected_account_id' in item && typeof item.connected_account_id === 'string')
    return item.connected_account_id
  if ('device_id' in item && typeof item.device_id === 'string')
    return reach.accountOfDevice(item.device_id) ?? 'a device that is gone'
  // Events that tell how others' client sessions and logins went.
  if ('client_session_id' in item || 'connect_webview_id' in item) return 'an account of nobody'
  return undefined
}
