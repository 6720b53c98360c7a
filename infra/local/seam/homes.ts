/** Who lives in a fresh workspace: what each connected account brings along. */

export type DeviceWish = {
  name: string
  device_type: 'august_lock' | 'schlage_lock' | 'yale_lock' | 'ecobee_thermostat' | 'minut_sensor'
}
export type AccountWish = { provider: string; email: string; devices: DeviceWish[] }

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
