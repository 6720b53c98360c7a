/** Who lives in a fresh workspace: what each connected account brings along. */

/** A provider has devices of one type. */
const deviceTypes = {
  august: 'august_lock',
  schlage: 'schlage_lock',
  yale: 'yale_lock',
  ecobee: 'ecobee_thermostat',
  minut: 'minut_sensor',
} as const

type Provider = keyof typeof deviceTypes

export type DeviceWish = { name: string; device_type: (typeof deviceTypes)[Provider] }
export type AccountWish = {
  provider: string
  email: string
  devices: DeviceWish[]
  custom_metadata?: Record<string, string | boolean>
}

const account = (provider: Provider, email: string, ...names: string[]): AccountWish => ({
  provider,
  email,
  devices: names.map((name) => ({ name, device_type: deviceTypes[provider] })),
})

export const households: { sub: string; accounts: AccountWish[] }[] = [
  {
    sub: 'ada',
    accounts: [
      account('august', 'ada@example.com', 'Front Door', 'Garden Gate'),
      account('ecobee', 'ada@example.com', 'Living Room'),
    ],
  },
  { sub: 'grace', accounts: [account('schlage', 'grace@example.com', 'Harbour Office')] },
  {
    sub: 'alan',
    accounts: [
      account('yale', 'alan@example.com', 'Hut'),
      account('minut', 'alan@example.com', 'Hall Sensor'),
    ],
  },
]

/** Connected accounts that nobody has yet, to be granted by an operator or a test. */
export const spareAccounts: AccountWish[] = [
  account('august', 'guest-house@example.com', 'Guest House'),
  account('schlage', 'workshop@example.com', 'Workshop'),
]

/** What an account that a test adds is unless told otherwise. */
export const newcomer = account('august', 'newcomer@example.com', 'Side Door')

/** What a Connect Webview accepts unless told otherwise. */
export const providers = Object.keys(deviceTypes)

/** What a person's new account brings along. */
export function deviceOf(provider: string): DeviceWish {
  const device_type = provider in deviceTypes ? deviceTypes[provider as Provider] : 'august_lock'
  return { name: device_type.endsWith('_lock') ? 'New Door' : 'New Room', device_type }
}
