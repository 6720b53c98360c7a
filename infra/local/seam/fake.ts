import { randomUUID } from 'node:crypto'
import { type IncomingMessage, Server, ServerResponse } from 'node:http'
import { createDatabase, type Database, Fake } from '@seamapi/fake-seam-connect'
import type { ClientSession } from '@seamapi/types/connect'

/** The collections that are kept between runs. Client sessions and Connect Webviews are not among them: ours are the only ones. */
const kept =
  '_counters workspaces api_keys connected_accounts devices access_codes action_attempts noise_thresholds events'.split(
    ' ',
  ) as (keyof Database)[]

/**
 * Seam's own in-memory server with one workspace in it, answering requests that are handed to it. It never listens:
 * by itself it would bind every interface of the machine.
 * @param saved what `snapshot` returned in an earlier run
 */
export async function startFake(url: string, clock: () => number, saved: unknown) {
  const database = createDatabase()
  if (saved !== undefined) database.setState(saved as Partial<Database>)
  const random = () => randomUUID().replaceAll('-', '')
  const { workspace_id } =
    database.workspaces[0] ??
    database.addWorkspace({
      workspace_id: randomUUID(),
      name: 'Local workspace',
      company_name: 'Local',
      publishable_key: `seam_pk_${random()}`,
      is_sandbox: true,
    })
  const { api_key_id, token: api_key = '' } =
    database.api_keys[0] ?? database.addApiKey({ workspace_id, token: `seam_${random()}` })

  // Without a port the fake would look for a free one first, and the borrowed `listen` would be gone when it needs it.
  const { server } = await withoutListening(() => new Fake(database).startServer({ port: 1, baseUrl: url }))
  if (server.listening) throw new Error('The fake Seam listens by itself, on every interface; it must not.')

  const workspace = () => {
    const [workspace] = database.workspaces
    if (workspace === undefined) throw new Error('The local Seam workspace is empty')
    return workspace
  }
  return { database, server, clock, workspace, workspace_id, api_key, api_key_id }
}

export type FakeSeam = Awaited<ReturnType<typeof startFake>>

export function updateWorkspace(fake: FakeSeam, is_publishable_key_auth_enabled: boolean): void {
  fake.database.setState({ workspaces: [{ ...fake.workspace(), is_publishable_key_auth_enabled }] })
}

export const accountsOf = ({ database }: FakeSeam) => database.connected_accounts

/** Every connected account, with the names of its devices. */
export const accountsShown = (fake: FakeSeam) =>
  accountsOf(fake).map(({ connected_account_id, provider = 'account', user_identifier }) => ({
    connected_account_id,
    provider,
    whose: user_identifier?.email ?? connected_account_id.slice(0, 8),
    devices: devicesOf(fake, connected_account_id).map(({ display_name }) => display_name),
  }))

export const knowsAccount = (fake: FakeSeam, connected_account_id: string): boolean =>
  byAccount(accountsOf(fake)).has(connected_account_id)

export const devicesOf = ({ database }: FakeSeam, connected_account_id: string) =>
  byAccount(database.devices).get(connected_account_id) ?? []

export const accountOfDevice = ({ database }: FakeSeam, device_id: string) =>
  database.devices.find((device) => device.device_id === device_id)?.connected_account_id

export const deviceOfAccessCode = ({ database }: FakeSeam, access_code_id: string) =>
  database.access_codes.find((code) => code.access_code_id === access_code_id)?.device_id

export function addAccount({ database, workspace_id, clock }: FakeSeam, wish: Partial<AccountWish>): string {
  const { provider, email, devices, custom_metadata = {} } = { ...newcomer, ...wish }
  const created_at = new Date(clock()).toISOString()
  const { connected_account_id } = database.addConnectedAccount({
    connected_account_id: randomUUID(),
    workspace_id,
    provider,
    user_identifier: { email },
    account_type: provider,
    custom_metadata,
    created_at,
  })
  const device_type = deviceTypeOf(provider)
  const [manufacturer, kind = ''] = device_type.split('_')
  const lock = kind === 'lock'
  for (const name of devices) {
    const { device_id } = database.addDevice({
      device_id: randomUUID(),
      workspace_id,
      connected_account_id,
      created_at,
      display_name: name,
      name,
      device_type,
      can_remotely_lock: lock,
      can_remotely_unlock: lock,
      can_program_online_access_codes: lock,
      properties: { ...kinds[kind]?.properties, manufacturer, image_url: picture },
    } as Parameters<typeof database.addDevice>[0])
    database.updateDevice({
      device_id,
      capabilities_supported: kinds[kind]?.capabilities,
    } as Parameters<typeof database.updateDevice>[0])
  }
  return connected_account_id
}

/** The fake checks the token of a handed-over call itself, by its own clock: ours decided before about expiry. */
export function admit(
  { database, api_key_id }: FakeSeam,
  session: Omit<ClientSession, 'device_count'>,
): void {
  const { client_session_id, user_identifier_key } = session
  const others = database.client_sessions.filter((one) => one.client_session_id !== client_session_id)
  const admitted = { ...session, api_key_id, expires_at: '9999-12-31T23:59:59.999Z' }
  database.setState({
    client_sessions: [...others, { ...admitted, user_identifier_key: user_identifier_key ?? '' }],
  })
}

export const answerOf = (fake: FakeSeam, request: IncomingMessage, params: object): Promise<Response> =>
  new Promise((resolve) => {
    const response = new ServerResponse(request)
    const { end } = response
    response.end = (body?: unknown) => {
      const headers = { 'content-type': String(response.getHeader('content-type') ?? 'application/json') }
      resolve(new Response(String(body ?? '') || null, { status: response.statusCode, headers }))
      return Reflect.apply(end, response, [])
    }
    fake.server.emit('request', Object.assign(request, { body: params }), response)
  })

export const snapshotOf = ({ database }: FakeSeam) =>
  Object.fromEntries(kept.map((name) => [name, database[name]]))

/** `start` must call `listen` before it first awaits, as the fake does; several may start side by side. */
const withoutListening = <T>(start: () => T): T => {
  const prototype: { listen?: unknown } = Server.prototype
  prototype.listen = function (this: Server, _port: number, done: () => void) {
    queueMicrotask(done)
    return this
  }
  try {
    return start()
  } finally {
    // What is deleted is this borrowed one; the real `listen` is inherited from net.Server.
    delete prototype.listen
  }
}

/** By account; computed once, since a collection is replaced, never changed, when something changes. */
function byAccount<T extends { connected_account_id?: string | null | undefined }>(items: T[]) {
  const index = indexes.get(items) ?? Map.groupBy(items, (item) => item.connected_account_id ?? '')
  indexes.set(items, index)
  return index as Map<string, T[]>
}
const indexes = new WeakMap<object, Map<string, unknown[]>>()

/** Seam's own pictures would be asked from its site. */
const picture = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" stroke="#7c929c" stroke-width="1.5"><rect x="12" y="5" width="24" height="38" rx="7" fill="#e7edf0"/><circle cx="24" cy="17" r="5.5" fill="#fff"/><rect x="19" y="29" width="10" height="7" rx="2" fill="#b9c7cd"/></svg>',
)}`

/** What the elements show of a device of each kind: the end of its type. */
const kinds: Record<string, { capabilities: string[]; properties: object }> = {
  lock: { capabilities: ['lock', 'access_code'], properties: { locked: true } },
  sensor: { capabilities: ['noise_detection'], properties: { noise_level_decibels: 38 } },
  thermostat: {
    capabilities: ['thermostat'],
    properties: {
      is_cooling_available: true,
      is_heating_available: true,
      is_fan_running: false,
      fan_mode_setting: 'auto',
      temperature_celsius: 21,
      temperature_fahrenheit: 69.8,
      current_climate_setting: {
        automatic_heating_enabled: true,
        automatic_cooling_enabled: false,
        hvac_mode_setting: 'heat',
        manual_override_allowed: true,
        heating_set_point_celsius: 20,
      },
    },
  },
}

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

const households: Record<string, AccountWish[]> = {
  ada: [
    account('august', 'ada@example.com', 'Front Door', 'Garden Gate'),
    account('ecobee', 'ada@example.com', 'Living Room'),
  ],
  grace: [account('schlage', 'grace@example.com', 'Harbour Office')],
  alan: [account('yale', 'alan@example.com', 'Hut'), account('minut', 'alan@example.com', 'Hall Sensor')],
}

/** Connected accounts that nobody has yet, to be granted by an operator or a test. */
const spareAccounts: AccountWish[] = [
  account('august', 'guest-house@example.com', 'Guest House'),
  account('schlage', 'workshop@example.com', 'Workshop'),
]

/** What an account is unless told otherwise. */
const newcomer = account('august', 'newcomer@example.com', 'Side Door')

/** Who moves into a fresh workspace. */
export function settle(fake: FakeSeam) {
  updateWorkspace(fake, false)
  const settled = (accounts: AccountWish[]) => accounts.map((wish) => addAccount(fake, wish))
  return {
    users: Object.entries(households).map(([sub, accounts]) => ({
      sub,
      connected_account_ids: settled(accounts),
    })),
    spare_account_ids: settled(spareAccounts),
    connect_webviews: [],
    user_identities: [],
  }
}
