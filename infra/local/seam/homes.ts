/** Who lives in a fresh workspace: what each connected account brings along. */

/** A provider has devices of one type. */
const deviceTypes: Record<string, string> = {
  august: 'august_lock',
  schlage: 'schlage_lock',
  yale: 'yale_lock',
  ecobee: 'ecobee_thermostat',
  minut: 'minut_sensor',
}

/** What a Connect Webview accepts unless told otherwise. */
export const providers = Object.keys(deviceTypes)

export const deviceTypeOf = (provider: string): string => deviceTypes[provider] ?? 'august_lock'

export type AccountWish = {
  provider: string
  email: string
  /** The names of its devices. */
  devices: string[]
  custom_metadata?: Record<string, string | boolean>
}

const account = (provider: string, email: string, ...devices: string[]): AccountWish => ({
  provider,
  email,
  devices,
})

export const households: Record<string, AccountWish[]> = {
  ada: [
    account('august', 'ada@example.com', 'Front Door', 'Garden Gate'),
    account('ecobee', 'ada@example.com', 'Living Room'),
  ],
  grace: [account('schlage', 'grace@example.com', 'Harbour Office')],
  alan: [account('yale', 'alan@example.com', 'Hut'), account('minut', 'alan@example.com', 'Hall Sensor')],
}

/** Connected accounts that nobody has yet, to be granted by an operator or a test. */
export const spareAccounts: AccountWish[] = [
  account('august', 'guest-house@example.com', 'Guest House'),
  account('schlage', 'workshop@example.com', 'Workshop'),
]

/** What an account that a test adds is unless told otherwise. */
export const newcomer = account('august', 'newcomer@example.com', 'Side Door')
