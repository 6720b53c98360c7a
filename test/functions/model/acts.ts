import type { liftDeletion } from '../../../functions/accounts/deleted.ts'
import type { Caller } from '../../../functions/caller/caller.ts'
import type { CleanupReport } from '../../../functions/cleanup/report.ts'
import type { Order } from '../../../functions/cleanup/tally.ts'
import { type Configuration, readConfiguration } from '../../../functions/config.ts'
import type { Audit } from '../../../functions/http/audit.ts'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import type { Acting } from '../../../functions/operator/acting.ts'
import type { Orphan, Params, Result } from '../../../functions/operator/client.ts'
import { endFoundToken, listOrphans } from '../../../functions/operator/unrecorded.ts'
import type { Seam } from '../../../functions/seam/client.ts'
import { bindingOf } from '../../../functions/session/binding.ts'
import { type Terms, termsOf } from '../../../functions/session/terms.ts'
import { cleanupTime, times } from '../../../functions/times.ts'
import type { VendResult } from '../../../functions/vending/vend.ts'
import type { Keeper } from '../keeper.ts'
import { type Act, owners, type Surroundings } from './edges.ts'
import type { Protocol } from './protocol.ts'
import { offers } from './scenario.ts'

/** The real acts, put together for one act at a time over the model's edges. */

const issuer = 'https://issuer.example'

const configurations = offers.map(({ lifetimeSeconds, longestAgeSeconds, creationsPerHour, logins }) =>
  readConfiguration({
    deployment: 'model',
    issuers: [
      { name: 'main', issuer, audiences: ['model'], ...(logins !== undefined && { sessionClaim: '/sid' }) },
    ],
    allowedOrigins: ['https://app.example'],
    unknownSubjects: 'provision',
    clientSession: { lifetimeSeconds, longestAgeSeconds },
    limits: { creationsPerHour, ...(logins !== undefined && { sessionsPerUser: logins }) },
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

export interface Person extends Caller {
  owner: string
}

export function person(user: number, { sid = 0, offer = 0 } = {}): Person {
  const [main] = (configurations[offer] as Configuration).issuers as [Configuration['issuers'][number]]
  const sub = `user-${user}`
  return {
    issuer: main,
    iss: issuer,
    sub,
    subject: `main|${sub}`,
    owner: owners[user] as string,
    binding: bindingOf({ sid: `sid-${sid}` }, main) ?? '',
    token_sha256: '',
  }
}

export type Machine = ReturnType<typeof machineOf>

export function machineOf(protocol: Protocol, around: Surroundings, act: Act, offer: number) {
  const { configuration, terms: right } = deployed(offer, act.process.generation)
  const terms = protocol.termsOf(right)
  const edges = protocol.edgesOf(around, act)
  const deps = {
    ...edges,
    terms,
    configuration,
    accountsPerUser: configuration.limits.accountsPerUser,
    breakers: act.process.breakers,
  }
  const deadline = () => deadlineIn(times.vend, edges.clock)
  async function told<T>(audit: Audit, work: () => Promise<T>) {
    try {
      return { value: await work(), audit }
    } catch (error) {
      return { error, audit }
    }
  }

  return {
    terms,
    bindingOfSid: protocol.bindingOfSid,
    vend(
      caller: Person,
      staleClientSessionId?: string,
    ): Promise<{ value?: VendResult; error?: unknown; audit: Audit }> {
      const audit: Audit = { what: 'vend', request_id: '' }
      const stale = staleClientSessionId === undefined ? {} : { staleClientSessionId }
      act.binding = caller.binding
      return told(audit, () => protocol.vend(deps, { caller, ...stale, deadline: deadline(), audit }))
    },
    signOut(caller: Person, all: boolean): Promise<{ error?: unknown; audit: Audit }> {
      const audit: Audit = { what: 'sign_out', request_id: '' }
      const act = all ? protocol.signOutEverywhere : protocol.signOut
      return told(audit, () => act(deps, { caller, deadline: deadline(), audit }))
    },
    /** The act of an operator or a webhook. */
    async keep<T>(
      work: (keeper: Keeper, deadline: ReturnType<typeof deadlineIn>, deps: KeepDeps) => Promise<T>,
    ): Promise<{ value?: T; error?: unknown }> {
      try {
        return { value: await work(protocol.keeperOf(deps), deadline(), deps) }
      } catch (error) {
        return { error }
      }
    },
    cleanUp(how: Omit<Order, 'deadline'>): Promise<CleanupReport> {
      const within = cleanupTime(configuration.cleanup.everyMinutes, times)
      const cleaning = { ...edges, seam: edges.seam as Seam, terms, rate: configuration.cleanup }
      return protocol.cleanUp(cleaning, { ...how, deadline: deadlineIn(within, edges.clock) })
    },
    async orphans(params: Params<'orphans'>): Promise<Orphan[]> {
      return (await listOrphans(operating(), params)).orphans
    },
    endToken: (token: string): Promise<Result<'end_token'>> => endFoundToken(operating(), { token }),
  }

  /** What an operator's commands act with, as far as those here need it. */
  function operating(): Acting {
    const parts = { ...deps, audit: { what: 'admin', request_id: '' } }
    return { ...parts, deadline: deadlineIn(times.cleanup, edges.clock) } as unknown as Acting
  }
}

export type KeepDeps = Parameters<Protocol['keeperOf']>[0] & Parameters<typeof liftDeletion>[0]
