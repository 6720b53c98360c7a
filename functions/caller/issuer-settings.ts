import * as z from 'zod/v4-mini'
import { addressForm, isSafeAddress } from '../http/addresses.ts'

/** What `tokenVending.issuers` takes: one identity provider and its tokens. Every message says what to change. */

export function whole(least: number, most: number, unit: string) {
  const error = `give a whole number of ${unit} from ${least} to ${most}`
  return z.int({ error }).check(z.gte(least, { error }), z.lte(most, { error }))
}

export const text = z
  .string({ error: ({ input }) => (input === undefined ? 'is missing; add it' : 'give a text in quotes') })
  .check(z.minLength(1, { error: 'this text must not be empty' }))

export const httpsAddress = text.check(z.refine((address) => isSafeAddress(address), { error: addressForm }))

const textOf = (shape: RegExp, error: string) => text.check(z.regex(shape, { error }))

/** At least one: an empty list would mean nobody, never all. `least` says so, `what` where it is no list. */
const listOf = <Member extends z.core.SomeType>(member: Member, least: string, what?: string) =>
  z.array(member, what).check(z.minLength(1, { error: least }))

const pointer = textOf(/^(\/([^/~]|~0|~1)+)+$/, 'give a JSON pointer to a claim, such as "/sub"')

const scalar = z.union([z.string(), z.number(), z.boolean()], {
  error: 'give a text, a number, true or false',
})

export const claimRule = z.union(
  [
    z.strictObject({ claim: pointer, equals: scalar }),
    z.strictObject({ claim: pointer, oneOf: z.array(scalar).check(z.minLength(1)) }),
    z.strictObject({ claim: pointer, contains: scalar }),
  ],
  { error: 'give { "claim": "/pointer" } with exactly one of "equals", "oneOf" (a list) or "contains"' },
)

export const unknownSubjects = z.enum(['reject', 'provision'], { error: 'choose "reject" or "provision"' })

export const shortName = textOf(/^[a-z0-9-]{1,32}$/, 'use 1 to 32 of the characters a-z, 0-9 and -')

const someAudiences = listOf(
  text,
  'list at least one audience; an empty list would mean nobody, never all',
  'list the audiences whose tokens are meant for this service',
)

const algorithm = z.enum(
  ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
  {
    error: ({ values }) =>
      `use only ${values.join(', ')}: with a shared secret (HS256) whoever can verify a token can also make one`,
  },
)

const acr = textOf(/^[!#-[\]-~]+$/, 'use printable ASCII without blanks, quotes or backslashes')

const eventKinds = ['backchannel-logout', 'security-events'] as const
const eventKind = z.enum(eventKinds, { error: `choose of ${eventKinds.join(', ')}` })

export const issuer = z.strictObject({
  /** Short and stable: it is part of every subject. */
  name: shortName,
  /** Exactly the `iss` of its tokens, to the last slash. Where discovery has to find the keys, an https:// address. */
  issuer: textOf(/^[^\s\p{Cc}\p{Cf}\p{Cs}\p{DI}]+$/u, 'give the "iss" of its tokens: a text without blanks'),
  audiences: someAudiences,
  algorithms: z._default(listOf(algorithm, 'list at least one algorithm'), ['RS256']),
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
  acrValues: z.optional(listOf(acr, 'list at least one value, or leave it out')),
  authTimeClaim: z._default(pointer, '/auth_time'),
  /** A list counts when it holds one of the values. */
  acrClaim: z._default(pointer, '/acr'),
  /** As `clientSession.longestAgeSeconds`, for this issuer's logins: a phone is disturbed by each replacement. */
  longestAgeSeconds: z.optional(whole(60, 2_592_000, 'seconds')),
  /** What it may tell at `POST /identity-events`; absent: nothing. */
  events: z.optional(
    z.strictObject({
      /** The `aud` of its events: for most providers the client id of the page. */
      audiences: someAudiences,
      kinds: listOf(eventKind, 'list at least one, or leave out "events"'),
      /** The `iss` of its events where it differs, as Google’s does by a slash. */
      issuer: z.optional(text),
    }),
  ),
})

export type IssuerSettings = z.infer<typeof issuer>
