import { createHash, randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { CleanupReport } from '../../../functions/cleanup/report.ts'
import { type CleanUp, cleanUp } from '../../../functions/cleanup/run.ts'
import type { Order } from '../../../functions/cleanup/tally.ts'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import { updateUser } from '../../../functions/record/update.ts'
import { newUser, type Retired, type Session, type User } from '../../../functions/record/user.ts'
import { claim, grant } from '../../../functions/record/writes.ts'
import { newBreakers } from '../../../functions/seam/breaker.ts'
import { seamClient } from '../../../functions/seam/client.ts'
import { workspaceReader } from '../../../functions/seam/workspace.ts'
import { shared } from '../../../functions/session/binding.ts'
import { obtainToken } from '../../../functions/session/carry-out.ts'
import { newTrace, type SessionDeps } from '../../../functions/session/deps.ts'
import { sealingKeysFrom, tokenSealer } from '../../../functions/session/seal.ts'
import type { Terms } from '../../../functions/session/terms.ts'
import { type Table, vendingTable } from '../../../functions/table/table.ts'
import { times } from '../../../functions/times.ts'
import { createTable, localDynamoDbClient } from '../../../infra/local/dynamodb.ts'
import { startDynamoDbFaults } from '../../../infra/local/dynamodb-faults.ts'
import { type LocalSeam, startSeam } from '../../../infra/local/seam/workspace.ts'
import { type DynamoDb, type Engine, startDynamoDb } from '../../dynamodb.ts'
import { sharedSession, withShared } from '../keeper.ts'
import { patient } from '../patient.ts'
import { terms } from '../session/terms.ts'

export { terms }
export const longestAge = terms.longestAges.shared ?? 0

export const nothingHappened = { failed: 0, left_for_next_time: 0, held_back: 0, alarms: [] }

export async function many<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = []
  while (made.length < count) made.push(await make())
  return made
}

/** As fast as it goes. */
const unlimited = { callsPerSecond: Number.POSITIVE_INFINITY, concurrency: 8 }

interface Differently {
  terms?: Partial<Terms>
  rate?: { callsPerSecond: number; concurrency: number }
  /** Another workspace than the one everything was made in. */
  seam?: LocalSeam
  clock?: () => number
  fetch?: typeof fetch
  table?: Table
}

export type CleaningWorld = Awaited<ReturnType<typeof startCleaningWorld>>

/** A table and a Seam workspace with a clock that stands still but for `advance` and who sleeps; users with client sessions, and who cleans up after them. */
export async function startCleaningWorld(options: { engine?: Engine; terms?: Partial<Terms> } = {}) {
  let now = Date.now()
  const clock = () => now
  const engine: DynamoDb = await startDynamoDb(options.engine ? { engine: options.engine } : {})
  const dynamoDb = await startDynamoDbFaults({ endpoint: engine.endpoint })
  const client = localDynamoDbClient(dynamoDb.endpoint, { maxAttempts: 2 })
  const tableName = `cleaning-${randomUUID()}`
  await createTable(client, tableName)
  const table = vendingTable({ client, tableName })
  const seam = await startSeam({ clock })
  const worldTerms = { ...terms, ...options.terms }

  const sleep = async (ms: number) => {
    const until = now + ms
    await setImmediate()
    now = Math.max(now, until)
  }
  const edges = { clock, uuid: randomUUID, random: Math.random, sleep }
  const seamEdge = (to: LocalSeam, through: typeof fetch = fetch) =>
    seamClient({ endpoint: to.url, apiKey: async () => to.apiKey, times: patient, fetch: through })
  const workspace = workspaceReader({ table, seam: seamEdge(seam), uuid: randomUUID, deployment: 'test' })
  const keys = sealingKeysFrom(JSON.stringify({ current: randomUUID() }))
  const deps: SessionDeps = {
    ...edges,
    table,
    seam: seamEdge(seam),
    seal: tokenSealer(async () => keys),
    workspace,
    terms: worldTerms,
    breakers: newBreakers(),
  }
  const soon = () => deadlineIn(patient.vend, clock)
  const settings = await workspace.settings(soon())
  const accounts = seam.users[0]?.connected_account_ids ?? []

  function another(how: Differently = {}): CleanUp {
    const cleanupDeps = {
      ...edges,
      clock: how.clock ?? clock,
      table: how.table ?? table,
      seam: seamEdge(how.seam ?? seam, how.fetch),
      terms: { ...worldTerms, ...how.terms },
      rate: how.rate ?? unlimited,
    }
    return (order) => cleanUp(cleanupDeps, order)
  }

  /** A record, not written yet. */
  function person(): User {
    const sub = randomUUID()
    const owner = createHash('sha256').update(sub).digest().subarray(0, 16).toString('base64url')
    return grant(
      newUser({ owner, subject: `main|${sub}`, iss: 'https://issuer.example', sub }, clock()),
      [...accounts],
      clock(),
    )
  }

  /** Writes what a pure write makes of the record as it stands. */
  async function alter(owner: string, write: (user: User, now: number) => User): Promise<User> {
    const user = await table.readUser(owner)
    if (user === undefined) throw new Error('no such user')
    const changed = await updateUser(deps, user, write(user, clock()))
    if (!changed.written) throw new Error('somebody else has written')
    return changed.user
  }

  return {
    seam,
    table,
    dynamoDb,
    client,
    tableName,
    engine,
    deps,
    clock,
    settings,
    person,
    alter,
    another,
    advance: (ms: number) => {
      now += ms
    },

    /** A user with a live client session, made as every other. */
    async signedIn(user: User = person()): Promise<User> {
      const act = { binding: shared, deadline: soon(), trace: newTrace() }
      await obtainToken(deps, user, act)
      return (await table.readUser(user.owner)) as User
    },

    /** Written as it is: as a restore, or a process that was killed, would leave it. */
    async record(user: User): Promise<User> {
      return (await updateUser(deps, user, user)).user as User
    },

    /** Whoever claimed a key at `at`, and was never heard of again. */
    abandoned: async (user: User, key: string, at = clock()): Promise<User> => {
      const newKey = { key, generation: 1 }
      const by = { lease_owner: 'gone', now: at, times, newKey, asked_until: at + worldTerms.lifetime }
      return (await updateUser(deps, user, claim(user, shared, by))).user as User
    },

    /** A client session under this key at Seam, as a call that arrived late makes it; its id. */
    async atSeam(user_identifier_key: string): Promise<string> {
      const made = await seamEdge(seam).getOrCreate(
        {
          user_identifier_key,
          connected_account_ids: [...accounts],
          expires_at: clock() + worldTerms.lifetime,
        },
        soon(),
      )
      return made.client_session_id
    },

    read: async (user: User) => await table.readUser(user.owner),

    /** Client sessions that open anything. */
    liveIds: () =>
      new Set(
        seam
          .sessions()
          .filter(({ live }) => live)
          .map(({ client_session_id }) => client_session_id),
      ),

    /** Whether this client session opens anything. */
    lives: (id: string | undefined) =>
      seam.sessions().some(({ client_session_id, live }) => client_session_id === id && live),

    async clean(order: Partial<Order> = {}, how: Differently = {}): Promise<CleanupReport> {
      return another(how)({ deadline: deadlineIn(times.cleanup, how.clock ?? clock), ...order })
    },

    callsAtSeam: (path?: string) =>
      Object.entries(seam.counts)
        .filter(([name]) => path === undefined || name === path)
        .reduce((sum, [, { received }]) => sum + received, 0),
    requestsToTable: () => Object.values(dynamoDb.counts).reduce((sum, { received }) => sum + received, 0),

    async close() {
      client.destroy()
      await Promise.all([seam.close(), dynamoDb.close()])
      await engine.close()
    },
  }
}

export const idOf = (user: User | undefined) => sharedSession(user).client_session_id
export const keyOf = (user: User | undefined) => sharedSession(user).user_identifier_key

/** As if the client session had been made so long ago. */
export const aged = (user: User, created_at: number, more: Partial<Session> = {}): User =>
  withShared(user, { created_at, ...more })

export function entry(user_identifier_key: string, at: number, more: Partial<Retired> = {}): Retired {
  const expires_at = at + terms.lifetime
  return { user_identifier_key, binding: shared, at, expires_at, tries: 0, next_at: at, ...more }
}
