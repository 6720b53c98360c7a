import * as z from 'zod/v4-mini'
import { areToldApart, issuerWarnings, subjectFaults } from './caller/issuer-risks.ts'
import { eventIssuer, subjectNamespace } from './caller/owner.ts'
import { isAppScheme, isSafeAddress, originFault } from './http/addresses.ts'
import { times, timingFaults } from './times.ts'

/**
 * The configuration, `tokenVending` of a stage in token-vending.json: one schema for the stack, the local world and the commands;
 * functions carry what it gave. Every message names the field and says what to change.
 */

const asymmetric = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const

const whole = (least: number, most: number, unit: string) =>
  z
    .int({ error: `give a whole number of ${unit} from ${least} to ${most}` })
    .check(
      z.gte(least, { error: `give at least ${least} ${unit}` }),
      z.lte(most, { error: `give at most ${most} ${unit}` }),
    )

const text = z
  .string({ error: ({ input }) => (input === undefined ? 'is missing; add it' : 'give a text in quotes') })
  .check(z.minLength(1, { error: 'this text must not be empty' }))

const addressForm =
  'give an https:// address without user, query or fragment, its host a DNS name or an IP address (plain http only for loopback addresses)'
const httpsAddress = text.check(z.refine((address) => isSafeAddress(address), { error: addressForm }))

const pointer = text.check(
  z.regex(/^(\/([^/~]|~0|~1)+)+$/, { error: 'give a JSON pointer to a claim, such as "/sub"' }),
)

const scalar = z.union([z.string(), z.number(), z.boolean()], {
  error: 'give a text, a number, true or false',
})

const claimRule = z.union(
  [
    z.strictObject({ claim: pointer, equals: scalar }),
    z.strictObject({ claim: pointer, oneOf: z.array(scalar).check(z.minLength(1)) }),
    z.strictObject({ claim: pointer, contains: scalar }),
  ],
  { error: 'give { "claim": "/pointer" } with exactly one of "equals", "oneOf" (a list) or "contains"' },
)

const unknownSubjects = z.enum(['reject', 'provision'], { error: 'choose "reject" or "provision"' })

const shortName = text.check(
  z.regex(/^[a-z0-9-]{1,32}$/, { error: 'use 1 to 32 of the characters a-z, 0-9 and -' }),
)

const issuer = z.strictObject({
  /** Short and stable: it is part of every subject. */
  name: shortName,
  /** Exactly the `iss` of its tokens, to the last slash. Where discovery has to find the keys, an https:// address. */
  issuer: text.check(
    z.regex(/^[^\s\p{Cc}\p{Cf}\p{Cs}\p{DI}]+$/u, {
      error: 'give the "iss" of its tokens: a text without blanks',
    }),
  ),
  audiences: z
    .array(text, { error: 'list the audiences whose tokens are meant for this service' })
    .check(
      z.minLength(1, { error: 'list at least one audience; an empty list would mean nobody, never all' }),
    ),
  algorithms: z._default(
    z
      .array(
        z.enum(asymmetric, {
          error: `use only ${asymmetric.join(', ')}: with a shared secret (HS256) whoever can verify a token can also make one`,
        }),
      )
      .check(z.minLength(1, { error: 'list at least one algorithm' })),
    ['RS256'],
  ),
  /** Where its keys are; absent: what its discovery document says. */
  jwksUri: z.optional(
    text.check(
      z.refine((address) => isSafeAddress(address, { query: true }), {
        error: addressForm.replace(', query', ''),
      }),
    ),
  ),
  /** The `typ` header its tokens must carry, e.g. `at+jwt` (RFC 9068). */
  typ: z.optional(text),
  clockToleranceSeconds: z._default(whole(0, 60, 'seconds'), 5),
  /** Tokens issued longer ago than this are refused, and so are tokens without `iat`. */
  maxTokenAgeSeconds: z.optional(whole(60, 31_536_000, 'seconds')),
  /** The claim that carries the audience, for access tokens without `aud` (Cognito `/client_id`, Clerk `/azp`). */
  audienceClaim: z._default(pointer, '/aud'),
  subjectClaim: z._default(pointer, '/sub'),
  /** Says yes to a subject that can change hands, such as an e-mail address. */
  acceptMutableSubject: z.optional(z.boolean({ error: 'give true or false' })),
  /** Two issuers may share one on purpose, when both carry the app's own user id. */
  subjectNamespace: z.optional(shortName),
  claimRules: z._default(z.array(claimRule), []),
  unknownSubjects: z.optional(unknownSubjects),
  /** The claim that names one login, such as `/sid`: each login then has a client session of its own. */
  sessionClaim: z.optional(pointer),
  /** Step-up (RFC 9470): how long ago the user may have signed in, and as which of these alternatives. */
  maxAuthAgeSeconds: z.optional(whole(30, 31_536_000, 'seconds')),
  acrValues: z.optional(
    z
      .array(
        text.check(
          z.regex(/^[!#-[\]-~]+$/, { error: 'use printable ASCII without blanks, quotes or backslashes' }),
        ),
      )
      .check(z.minLength(1, { error: 'list at least one value, or leave it out' })),
  ),
  authTimeClaim: z._default(pointer, '/auth_time'),
  /** A list counts when it holds one of the values. */
  acrClaim: z._default(pointer, '/acr'),
  /** As `clientSession.longestAgeSeconds`, for this issuer's logins: a phone is disturbed by each replacement. */
  longestAgeSeconds: z.optional(whole(60, 2_592_000, 'seconds')),
  /** What it may tell at `POST /identity-events`; absent: nothing. */
  events: z.optional(
    z.strictObject({
      /** The `aud` of its events: for most providers the client id of the page. */
      audiences: z
        .array(text)
        .check(z.minLength(1, { error: 'list at least one audience, such as the client id of your page' })),
      kinds: z
        .array(
          z.enum(['backchannel-logout', 'security-events'], {
            error: 'choose "backchannel-logout", "security-events" or both',
          }),
        )
        .check(z.minLength(1, { error: 'list at least one kind, or leave out "events"' })),
      /** The `iss` of its events where it differs, as Google’s does by a slash. */
      issuer: z.optional(text),
    }),
  ),
})

const origin = text.check(
  z.refine((value) => originFault(value) === undefined, {
    error: ({ input }) => originFault(String(input)),
  }),
)

const configuration = z.strictObject({
  /** Part of every `user_identifier_key`. */
  deployment: shortName,
  issuers: z
    .array(issuer, { error: 'list the identity providers whose tokens are accepted' })
    .check(z.minLength(1, { error: 'list at least one issuer; an empty list would mean nobody, never all' })),
  allowedOrigins: z
    .array(origin, { error: 'list the origins of the pages that may call this service' })
    .check(z.minLength(1, { error: 'list at least one origin, such as "https://app.example"' })),
  /** Schemes of native apps, such as `acme-app:`, to which a Connect Webview may lead back. */
  allowedRedirects: z._default(
    z.array(
      text.check(
        z.refine(isAppScheme, {
          error:
            'give the scheme of your own app with its colon, such as "acme-app:"; pages belong into "allowedOrigins"',
        }),
      ),
      { error: 'list schemes of your apps, such as "acme-app:"' },
    ),
    [],
  ),
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
  const parsed = configuration.safeParse(input, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `unknown: ${issue.keys.join(', ')}; remove it or correct the spelling`
        : issue.input === undefined
          ? 'is missing; add it'
          : undefined,
  })
  if (!parsed.success)
    throw new ConfigurationError(faultLines(parsed.error.issues.map(({ path, message }) => [path, message])))
  const faults: Fault[] = []
  const { clientSession, issuers, seamEndpoint } = parsed.data
  const lifetime = clientSession.lifetimeSeconds * 1000
  for (const fault of timingFaults(times, lifetime))
    faults.push([['clientSession', 'lifetimeSeconds'], fault])
  if (clientSession.longestAgeSeconds < clientSession.lifetimeSeconds)
    faults.push([['clientSession', 'longestAgeSeconds'], 'must be at least lifetimeSeconds'])
  for (const [i, settings] of issuers.entries()) {
    const { name, issuer, jwksUri, longestAgeSeconds } = settings
    if (longestAgeSeconds !== undefined && longestAgeSeconds < clientSession.lifetimeSeconds)
      faults.push([['issuers', i, 'longestAgeSeconds'], 'must be at least clientSession.lifetimeSeconds'])
    if (issuers.findIndex((other) => other.name === name) < i)
      faults.push([['issuers', i, 'name'], `${name} is the name of another issuer; give each its own`])
    const twin = issuers
      .slice(0, i)
      .find((other) => other.issuer === issuer && !areToldApart(other, settings))
    if (twin !== undefined)
      faults.push([
        ['issuers', i, 'issuer'],
        `is also the one of ${twin.name}, and a token may fit both; list it once with all its audiences, or tell the two apart by "audiences", or by "equals" or "oneOf" of one claim`,
      ])
    if (jwksUri === undefined && !isSafeAddress(issuer))
      faults.push([
        ['issuers', i, 'issuer'],
        `${addressForm}; it may be any text without blanks if "jwksUri" says where the keys are`,
      ])
    for (const [field, fault] of subjectFaults(settings)) faults.push([['issuers', i, field], fault])
    if (issuers.slice(0, i).some((other) => shareEvents(other, settings)))
      faults.push([['issuers', i, 'events'], 'another issuer has an audience of these; list each once'])
  }
  const refusePlain = (path: PropertyKey[], address = '') => {
    if (!loopback && address.startsWith('http:'))
      faults.push([path, 'plain http is for the local world only; give an https:// address'])
  }
  for (const [i, { issuer, jwksUri }] of issuers.entries()) {
    refusePlain(['issuers', i, jwksUri === undefined ? 'issuer' : 'jwksUri'], jwksUri ?? issuer)
  }
  refusePlain(['seamEndpoint'], seamEndpoint)
  if (faults.length > 0) throw new ConfigurationError(faultLines(faults))
  return parsed.data
}

function shareEvents(one: Issuer, other: Issuer): boolean {
  const { audiences = [] } = other.events ?? {}
  const shared = one.events?.audiences.some((audience) => audiences.includes(audience)) ?? false
  return shared && eventIssuer(one) === eventIssuer(other)
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

function faultLines(faults: Fault[]): string {
  return faults
    .map(
      ([path, message]) =>
        `tokenVending${path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('')}: ${message}`,
    )
    .join('\n')
}
