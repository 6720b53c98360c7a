/** Who lives in a fresh workspace: what each connected account brings along. */

export type DeviceWish = {
  name: string
  device_type: 'august_lock' | 'schlage_lock' | 'yale_lock' | 'ecobee_thermostat' | 'minut_sensor'
}
export type AccountWish = {
  provider: string
  email: string
  devices: DeviceWish[]
  custom_metadata?: Record<string, string | boolean>
}

const account = (provider: string, email: string, ...devices: DeviceWish[]): AccountWish => ({
  provider,
  email,
  devices,
})

export const households: { sub: string; accounts: AccountWish[] }[] = [
  {
    sub: 'ada',
    accounts: [
      account(
        'august',
        'ada@example.com',
        { name: 'Front Door', device_type: 'august_lock' },
        { name: 'Garden Gate', device_type: 'august_lock' },
      ),
      account('ecobee', 'ada@example.com', { name: 'Living Room', device_type: 'ecobee_thermostat' }),
    ],
  },
  {
    sub: 'grace',
    accounts: [
      account('schlage', 'grace@example.com', { name: 'Harbour Office', device_type: 'schlage_lock' }),
    ],
  },
  {
    sub: 'alan',
    accounts: [
      account('yale', 'alan@example.com', { name: 'Hut', device_type: 'yale_lock' }),
      account('minut', 'alan@example.com', { name: 'Hall Sensor', device_type: 'minut_sensor' }),
    ],
  },
]

/** Connected accounts that nobody has yet, to be granted by an operator or a test. */
export const spareAccounts: AccountWish[] = [
  account('august', 'guest-house@example.com', { name: 'Guest House', device_type: 'august_lock' }),
  account('schlage', 'workshop@example.com', { name: 'Workshop', device_type: 'schlage_lock' }),
]

/** What an account that a test adds is unless told otherwise. */
export const newcomer = account('august', 'newcomer@example.com', {
  name: 'Side Door',
  device_type: 'august_lock',
})

/** What a Connect Webview accepts unless told otherwise. */
export const providers = ['august', 'schlage', 'yale', 'ecobee', 'minut']

/** What a person's new account brings along. */
export const deviceOf = (provider: string): DeviceWish => {
  const device_type = deviceTypes[provider] ?? 'august_lock'
  return { name: device_type.endsWith('_lock') ? 'New Door' : 'New Room', device_type }
}

const deviceTypes: Record<string, DeviceWish['device_type']> = {
  schlage: 'schlage_lock',
  yale: 'yale_lock',
  ecobee: 'ecobee_thermostat',
  minut: 'minut_sensor',
}
