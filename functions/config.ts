import * as z from 'zod/v4-mini'
import { issuerFaults, issuerWarnings } from './caller/issuer-risks.ts'
import {
  type claimRule,
  httpsAddress,
  issuer,
  shortName,
  text,
  unknownSubjects,
  whole,
} from './caller/issuer-settings.ts'
import { subjectNamespace } from './caller/owner.ts'
import { isAppScheme, originFault, plainForm } from './http/addresses.ts'
import { times, timingFaults } from './times.ts'

/**
 * The configuration, `tokenVending` of a stage in token-vending.json: one schema for the stack, the local world and the commands;
 * functions carry what it gave. Every message names the field and says what to change.
 */

const origin = text.check(
  z.refine((value) => originFault(value) === undefined, {
    error: ({ input }) => originFault(String(input)),
  }),
)

const appScheme = text.check(
  z.refine(isAppScheme, {
    error:
      'give the scheme of your own app with its colon, such as "acme-app:"; pages belong into "allowedOrigins"',
  }),
)

export const configuration = z.strictObject({
  /** Part of every `user_identifier_key`. */
  deployment: shortName,
  issuers: z
    .array(issuer, { error: 'list the identity providers whose tokens are accepted' })
    .check(z.minLength(1, { error: 'list at least one issuer; an empty list would mean nobody, never all' })),
  allowedOrigins: z
    .array(origin, { error: 'list the origins of the pages that may call this service' })
    .check(z.minLength(1, { error: 'list at least one origin, such as "https://app.example"' })),
  /** Schemes of native apps, such as `acme-app:`, to which a Connect Webview may lead back. */
  allowedRedirects: z._default(z.array(appScheme), []),
  /** Whether a subject without a record is refused or gets an empty one. */
  unknownSubjects: z._default(unknownSubjects, 'reject'),
  /** Raised after a restore of the table: client sessions of an earlier generation are retired. */
  generation: z._default(whole(1, 1_000_000, 'generations'), 1),
  clientSession: z.prefault(
    z.strictObject({
      lifetimeSeconds: z._default(whole(60, 86_400, 'seconds'), 3600),
      longestAgeSeconds: z._default(whole(60, 2_592_000, 'seconds'), 43_200),
    }),
    {},
  ),
  cleanup: z.prefault(
    z.strictObject({
      everyMinutes: z._default(whole(1, 60, 'minutes'), 5),
      callsPerSecond: z._default(whole(1, 100, 'calls'), 5),
      concurrency: z._default(whole(1, 50, 'calls'), 4),
    }),
    {},
  ),
  limits: z.prefault(
    z.strictObject({
      /** New client sessions per user and hour. */
      creationsPerHour: z._default(whole(1, 10_000, 'client sessions'), 30),
      /** New records per hour, against open sign-up. */
      newUsersPerHour: z._default(whole(1, 1_000_000, 'records'), 1000),
      connectWebviewsPerHour: z._default(whole(1, 1000, 'connect webviews'), 10),
      accountsPerUser: z._default(whole(1, 500, 'accounts'), 500),
      /** Client sessions at once, one for each login. */
      sessionsPerUser: z._default(whole(1, 32, 'client sessions'), 8),
      /** The stage throttle of the HTTP API. */
      requestsPerSecond: z._default(whole(1, 10_000, 'requests'), 50),
    }),
    {},
  ),
  seamEndpoint: z._default(
    httpsAddress.check(
      z.refine((address) => !address.endsWith('/'), { error: 'leave out the slash at its end' }),
    ),
    'https://connect.getseam.com',
  ),
})

export type Configuration = z.infer<typeof configuration>
export type Issuer = Configuration['issuers'][number]
export type ClaimRule = z.infer<typeof claimRule>
/** What a user writes: defaults left out. */
export type ConfigurationInput = z.input<typeof configuration>

/** The configuration cannot be used; `message` has one line per fault: where, and what to change. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
}

/**
 * The configuration with its defaults, or a `ConfigurationError` that lists every fault.
 * Plain http is accepted for loopback addresses only where `loopback` says so (the local world).
 */
export function readConfiguration(input: unknown, { loopback = false } = {}): Configuration {
  const settings = settingsBy(configuration, input, 'tokenVending')
  const faults: Fault[] = []
  const { clientSession, issuers, seamEndpoint } = settings
  const lifetime = clientSession.lifetimeSeconds * 1000
  for (const fault of timingFaults(times, lifetime))
    faults.push([['clientSession', 'lifetimeSeconds'], fault])
  if (clientSession.longestAgeSeconds < clientSession.lifetimeSeconds)
    faults.push([['clientSession', 'longestAgeSeconds'], 'must be at least lifetimeSeconds'])
  for (const [i, issuer] of issuers.entries()) {
    const { longestAgeSeconds } = issuer
    if (longestAgeSeconds !== undefined && longestAgeSeconds < clientSession.lifetimeSeconds)
      faults.push([['issuers', i, 'longestAgeSeconds'], 'must be at least clientSession.lifetimeSeconds'])
    for (const [field, fault] of issuerFaults(issuer, issuers.slice(0, i), loopback))
      faults.push([['issuers', i, field], fault])
  }
  if (!loopback && seamEndpoint.startsWith('http:')) faults.push([['seamEndpoint'], plainForm])
  if (faults.length > 0) throw new ConfigurationError(faultLines(faults, 'tokenVending'))
  return settings
}

/** What stands at `root` of the user's file. @throws ConfigurationError */
export function settingsBy<S extends z.ZodMiniType>(schema: S, input: unknown, root: string): z.output<S> {
  const parsed = schema.safeParse(input, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `unknown: ${issue.keys.join(', ')}; remove it or correct the spelling`
        : issue.input === undefined
          ? 'is missing; add it'
          : undefined,
  })
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path, message }): Fault => [path, message])
  throw new ConfigurationError(faultLines(faults, root))
}

/** What is allowed and may still be a mistake, in sentences. */
export function configurationWarnings({ issuers, unknownSubjects }: Configuration): string[] {
  const sharing = Object.entries(Object.groupBy(issuers, subjectNamespace)).filter(
    // One issuer's, by one claim, are the same people.
    ([, sharers = []]) => new Set(sharers.map((one) => `${one.issuer} ${one.subjectClaim}`)).size > 1,
  )
  const shared = sharing.map(
    ([namespace, sharers = []]) =>
      `the issuers ${sharers.map(({ name }) => name).join(', ')} share the subject namespace ${namespace}: a user of one is the user with the same subject at the other; keep it so only if all of them carry your own app's user id`,
  )
  return [...shared, ...issuers.flatMap((issuer) => issuerWarnings(issuer, unknownSubjects))]
}

type Fault = [path: PropertyKey[], message: string]

function faultLines(faults: Fault[], root: string): string {
  return faults.map(([path, message]) => `${z.core.toDotPath([root, ...path])}: ${message}`).join('\n')
}
