import { addressForm, isSafeAddress, plainForm } from '../http/addresses.ts'
import type { IssuerSettings } from './issuer-settings.ts'

/** What is wrong with an issuer's settings, or may be, beyond what a schema can tell. PURE. */

type IssuerFault = [field: keyof IssuerSettings, message: string]

/** `earlier`: those that stand before it in the list. */
export function issuerFaults(
  settings: IssuerSettings,
  earlier: IssuerSettings[],
  loopback: boolean,
): IssuerFault[] {
  const { name, issuer, jwksUri } = settings
  const faults = subjectFaults(settings)
  if (earlier.some((other) => other.name === name))
    faults.push(['name', `${name} is the name of another issuer; give each its own`])
  const twin = earlier.find((other) => other.issuer === issuer && !areToldApart(other, settings))
  if (twin !== undefined)
    faults.push([
      'issuer',
      `is also the one of ${twin.name}, and a token may fit both; list it once with all its audiences, or tell the two apart by "audiences", or by "equals" or "oneOf" of one claim`,
    ])
  if (jwksUri === undefined && !isSafeAddress(issuer))
    faults.push([
      'issuer',
      `${addressForm}; it may be any text without blanks if "jwksUri" says where the keys are`,
    ])
  else if (!loopback && (jwksUri ?? issuer).startsWith('http:'))
    faults.push([jwksUri === undefined ? 'issuer' : 'jwksUri', plainForm])
  if (earlier.some((other) => shareEvents(other, settings)))
    faults.push(['events', 'another issuer has an audience of these; list each once'])
  return faults
}

function shareEvents(one: IssuerSettings, other: IssuerSettings): boolean {
  const { audiences = [] } = other.events ?? {}
  const shared = one.events?.audiences.some((audience) => audiences.includes(audience)) ?? false
  return shared && (one.events?.issuer ?? one.issuer) === (other.events?.issuer ?? other.issuer)
}

/** Where a claim stands and what it is called: `/user/email` and `/https:~1~1acme.example~1email` are both an `email`. */
function nameOf(pointer: string): { place: string; name: string } {
  const list = pointer.replace(/(\/\d+)+$/, '')
  const [place = ''] = /^.*(?:~1|[/:.#])/.exec(list) ?? []
  const name = list.slice(place.length).replace(/[^a-z]/gi, '')
  return { place, name: name.toLowerCase() }
}

const emailNames = /e?mails?(address(es)?)?$/
/** People change these, and some are given to the next person. */
const mutableNames =
  /^(preferredusername|username|upn|userprincipalname|uniquename|((display|full|given|family|first|last|nick|login|samaccount|common)?name)|login(hint)?|handle|phone(number)?)$/

/** Why the claim that names the user may name somebody else tomorrow; by field. */
function subjectFaults(issuer: IssuerSettings): IssuerFault[] {
  const { subjectClaim, acceptMutableSubject, claimRules } = issuer
  const { place, name } = nameOf(subjectClaim)
  const isEmail = emailNames.test(name)
  // What every object inherits is no claim: nobody can write into it, and nobody gets in by it.
  const isInherited = /\/(constructor|__proto__)\//.test(place)
  if (isInherited || !(isEmail || mutableNames.test(name))) return []
  const faults: IssuerFault[] = []
  if (acceptMutableSubject !== true)
    faults.push([
      'subjectClaim',
      `${subjectClaim} can change hands, and with it the doors; name a claim that stays with the user, such as "/sub", or set "acceptMutableSubject": true`,
    ])
  const verified = [`${place}email_verified`, `${place}emailVerified`]
  const isVerified = claimRules.some(
    (rule) => 'equals' in rule && rule.equals === true && verified.includes(rule.claim),
  )
  if (isEmail && !isVerified)
    faults.push([
      'claimRules',
      `anybody can claim an e-mail address that nobody has verified; add { "claim": "${verified[0]}", "equals": true }`,
    ])
  return faults
}

/**
 * Whether audience or claim rules tell the tokens of two issuers with one `iss` apart. A token may still name the audiences
 * of both, see `issuerOf`.
 */
function areToldApart(one: IssuerSettings, other: IssuerSettings): boolean {
  // An `aud` counts wherever the audience stands.
  const isSamePlace = one.audienceClaim === other.audienceClaim
  const isComparable = isSamePlace || [one.audienceClaim, other.audienceClaim].includes('/aud')
  const isExclusive = (ours: unknown[], theirs: unknown[]) =>
    ours.length > 0 && theirs.length > 0 && !ours.some((value) => theirs.includes(value))
  if (isComparable && isExclusive(one.audiences, other.audiences)) return true
  return one.claimRules.some((rule) =>
    other.claimRules.some(
      (theirs) => theirs.claim === rule.claim && isExclusive(exactValues(rule), exactValues(theirs)),
    ),
  )
}

/** None for `contains`: a list may contain anything else as well. */
function exactValues(rule: IssuerSettings['claimRules'][number]): unknown[] {
  if ('equals' in rule) return [rule.equals]
  return 'oneOf' in rule ? rule.oneOf : []
}

/** Anyone can have an account there, and gets tokens for the same client. */
const worldwide = [
  'https://accounts.google.com',
  'https://appleid.apple.com',
  'https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0',
  'https://www.facebook.com',
  'https://access.line.me',
  'https://id.twitch.tv/oauth2',
  'https://www.linkedin.com/oauth',
  'https://slack.com',
  'https://gitlab.com',
  'https://token.actions.githubusercontent.com',
]

/** Claims, and the header `typ`, that tell an access token from an id token or a logout token. */
const kindClaims = ['/token_use', '/typ', '/token_type', '/scp', '/scope', '/role', '/drn']

/** What is allowed and may still be a mistake: sentences whose second half, after a semicolon, says what to do. */
export function issuerWarnings(
  issuer: IssuerSettings,
  unknownSubjects: IssuerSettings['unknownSubjects'],
): string[] {
  const { name, issuer: address, audiences, typ, claimRules } = issuer
  const isWorldwide = worldwide.includes(address.replace(/\/$/, ''))
  const isOneCompany = claimRules.some(({ claim }) => claim === '/hd')
  const hasKind = typ !== undefined || claimRules.some(({ claim }) => kindClaims.includes(claim))
  // The local world's issuer makes one kind of token, and so do Google's.
  const makesOneKind =
    /^(http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:|\/|$)|https:\/\/(accounts|securetoken)\.google\.com(\/|$))/.test(
      address,
    )
  const clientIds = makesOneKind || hasKind ? [] : audiences.filter((audience) => !/[:/]/.test(audience))
  const warnings: [boolean, string][] = [
    [
      isWorldwide && !isOneCompany && (issuer.unknownSubjects ?? unknownSubjects) === 'provision',
      `the issuer ${name} serves the whole world, and unknownSubjects is provision: everybody who signs in there gets a record; set "unknownSubjects": "reject" for it, or add a claim rule (Google: "/hd") that only your people pass`,
    ],
    [
      audiences.includes('account'),
      `the issuer ${name} lists the audience "account", which Keycloak writes into the tokens of every client; add an audience mapper to your client, and list its audience`,
    ],
    [
      clientIds.length > 0,
      `the audiences ${clientIds.join(', ')} of the issuer ${name} look like client ids, for which id tokens are issued too; add a claim rule for the kind of token (such as ${kindClaims.slice(0, 3).join(', ')}) or set "typ"`,
    ],
  ]
  return warnings.filter(([holds]) => holds).map(([, sentence]) => sentence)
}
