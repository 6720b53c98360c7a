import type { AccountKeeper } from '../../../functions/accounts/accounts.ts'
import type { Acting } from '../../../functions/admin/acting.ts'
import { endFoundToken, listOrphans } from '../../../functions/admin/unrecorded.ts'
import type { Orphan, Params, Result } from '../../../functions/admin-client.ts'
import type { Caller } from '../../../functions/caller/caller.ts'
import type { Order } from '../../../functions/cleaning/cleaning-up.ts'
import type { CleanupReport } from '../../../functions/cleaning/report.ts'
import { type Configuration, readConfiguration } from '../../../functions/config.ts'
import { deadlineIn } from '../../../functions/deadline.ts'
import type { Audit } from '../../../functions/log.ts'
import type { Seam } from '../../../functions/seam.ts'
import { cleanupTime, times } from '../../../functions/times.ts'
import type { Vended } from '../../../functions/vending.ts'
import { type Terms, termsOf } from '../../../functions/verdict.ts'
import type { Act, Surroundings } from './edges.ts'
import type { Protocol } from './protocol.ts'
import { offers } from './scenario.ts'

/** The real acts, put together for one act at a time over the model's edges. */

const issuer = 'https://issuer.example'

const configurations = offers.map(({ lifetimeSeconds, longestAgeSeconds, creationsPerHour }) =>
  readConfiguration({
    deployment: 'model',
    issuers: [{ name: 'main', issuer, audiences: ['model'] }],
    allowedOrigins: ['https://app.example'],
    unknownSubjects: 'provision',
    clientSession: { lifetimeSeconds, longestAgeSeconds },
    limits: { creationsPerHour },
    // A real schedule's pace would only stretch the virtual time of a run.
    cleanup: { callsPerSecond: 100, concurrency: 4 },
  }),
)

const made = new Map<number, { configuration: Configuration; terms: Terms }>()

/** A deployment of this offer, as of this generation. */
export function deployed(offer: number, generation: number) {
  const id = offer * 1000 + generation
  let found = made.get(id)
  if (found === undefined) {
    const configuration = { ...(configurations[offer] as Configuration), generation }
    found = { configuration, terms: termsOf(configuration, times) }
    made.set(id, found)
  }
  return found
}

/** Two by two in different shards of the index. */
const owners = ['AAAAAAAAAAAAAAAAAAAAAA', 'AQAAAAAAAAAAAAAAAAAAAA', 'AgAAAAAAAAAAAAAAAAAAAA']

export interface Person extends Caller {
  owner: string
}

export function person(user: number): Person {
  const [main] = (configurations[0] as Configuration).issuers
  const sub = `user-${user}`
  return {
    issuer: main as Configuration['issuers'][number],
    iss: issuer,
    sub,
    subject: `main|${sub}`,
    owner: owners[user] as string,
    token_sha256: '',
  }
}

export type Machine = ReturnType<typeof machineOf>

export function machineOf(protocol: Protocol, around: Surroundings, act: Act, offer: number) {
  const { configuration, terms } = deployed(offer, act.process.generation)
  const { userChanger, verdictCarrier, tokenVendor, signerOut, accountKeeper, cleaner } = protocol
  const edges = protocol.edgesOf(around, act)
  const { table, clock, uuid } = edges
  const change = userChanger({ compareAndSet: table.compareAndSet, uuid }, terms)
  const judging = () => {
    act.judgedAt = clock()
    return act.judgedAt
  }
  const carryOut = verdictCarrier({ ...edges, clock: judging, readUser: table.readUser, change }, terms)
  const acting = { table, change, carryOut, clock }
  const deadline = () => deadlineIn(times.vend, clock)

  return {
    terms,
    async vend(
      caller: Person,
      staleClientSessionId?: string,
    ): Promise<{ vended?: Vended; error?: unknown; audit: Audit }> {
      const audit: Audit = { what: 'vend', request_id: '' }
      const vend = tokenVendor(acting, terms, configuration)
      const stale = staleClientSessionId === undefined ? {} : { staleClientSessionId }
      try {
        return { vended: await vend({ caller, ...stale, deadline: deadline(), audit }), audit }
      } catch (error) {
        return { error, audit }
      }
    },
    async signOut(caller: Person): Promise<{ error?: unknown; audit: Audit }> {
      const audit: Audit = { what: 'sign_out', request_id: '' }
      try {
        await signerOut(acting, configuration)({ caller, deadline: deadline(), audit })
        return { audit }
      } catch (error) {
        return { error, audit }
      }
    },
    /** The act of an operator or a webhook; it has a little longer. */
    async keep<T>(
      work: (keeper: AccountKeeper, deadline: ReturnType<typeof deadlineIn>) => Promise<T>,
    ): Promise<{ value?: T; error?: unknown }> {
      const keeper = accountKeeper(acting, terms, configuration.limits)
      try {
        return { value: await work(keeper, deadline()) }
      } catch (error) {
        return { error }
      }
    },
    cleanUp(how: Omit<Order, 'deadline'>): Promise<CleanupReport> {
      const within = cleanupTime(configuration.cleanup.everyMinutes, times)
      const cleanUp = cleaner({ ...edges, seam: edges.seam as Seam }, terms, configuration.cleanup)
      return cleanUp({ ...how, deadline: deadlineIn(within, clock) })
    },
    async orphans(params: Params<'orphans'>): Promise<Orphan[]> {
      return (await listOrphans(operating(), params)).orphans
    },
    endToken: (token: string): Promise<Result<'end_token'>> => endFoundToken(operating(), { token }),
  }

  /** What an operator's commands act with, as far as those here need it. */
  function operating(): Acting {
    const keeper = accountKeeper(acting, terms, configuration.limits)
    const parts = { ...edges, keeper, terms, configuration, audit: { what: 'admin', request_id: '' } }
    return { ...parts, deadline: deadlineIn(times.cleanup, clock) } as unknown as Acting
  }
}
