import type { Denial, Refusal } from '../caller/caller.ts'
import { brokenRule, claimAt, issuerOf, type KeyFault, keyFaults } from '../caller/claims.ts'
import { longestToken, readJws } from '../caller/jws.ts'
import type { KeySetFault } from '../caller/key-set.ts'
import type { ClaimRule, Issuer } from '../config.ts'

/** What is wrong with a bearer token, in a sentence for whoever has it in hand. PURE. */

interface Seen {
  token: string
  header: Record<string, unknown>
  claims: Record<string, unknown>
  /** The one that the token names; empty if the configuration does not list it. */
  issuer: Partial<Issuer>
  issuers: Issuer[]
  now: number
}

type Reason = Refusal | Denial | 'step_up'

export function firstFault(reason: Reason, token: string, issuers: Issuer[], now: number): string {
  const jws = readJws(token)
  const { header, claims } = typeof jws === 'string' ? { header: {}, claims: {} } : jws
  const issuer = issuerOf(claims, issuers)
  const seen = { token, header, claims, issuer: typeof issuer === 'string' ? {} : issuer, issuers, now }
  return isKeyFault(reason) ? publishedKey(reason, seen) : sentences[reason](seen)
}

const check = 'open the address in a browser; "issuer" must be the "iss" of its tokens, to the last slash'

/** Why an issuer's keys are unavailable (`said` follows its address), and what to do. */
export const keySetFaults: Record<KeySetFault, { said: string; todo: string }> = {
  plain_address: { said: 'names an address without https', todo: 'set "jwksUri" to its https:// address' },
  timeout: { said: 'did not answer in time', todo: 'check the network, and try again' },
  unreachable: { said: 'cannot be reached', todo: check },
  redirect: {
    said: 'answers with a redirect, which the service does not follow',
    todo: 'set "issuer" to the "iss" of its tokens, and "jwksUri" to the final address of its keys',
  },
  status: { said: 'has no discovery document or no keys there', todo: `${check}; or set "jwksUri"` },
  too_large: { said: 'answers with far too much', todo: check },
  not_json: { said: 'answers with something that is no JSON', todo: check },
  other_issuer: { said: 'calls itself otherwise in its discovery document', todo: check },
  not_a_key_set: { said: 'publishes no key set', todo: 'set "jwksUri" to the address of its keys' },
}

function isKeyFault(reason: Reason): reason is KeyFault {
  return Object.hasOwn(keyFaults, reason)
}

function publishedKey(fault: KeyFault, { header, issuer }: Seen): string {
  return `${issuer.issuer} publishes the key that it says it is signed with (\`kid\` ${quoted(header.kid)}), but the key ${keyFaults[fault]}. The doctor names each key.`
}

const sentences: Record<Exclude<Reason, KeyFault>, (seen: Seen) => string> = {
  not_compact: ({ token }) => notAToken(token),
  too_long: ({ token }) =>
    `It has ${token.length.toLocaleString('en')} characters; up to ${longestToken.toLocaleString('en')} are accepted: 413. Ask the identity provider for fewer claims, such as groups.`,
  base64url: () =>
    'One of its three parts is not plain base64url: it was cut off, padded or changed on the way.',
  not_text: () => 'Its header or claims are not text in UTF-8.',
  not_json: () => 'Its header or claims are not JSON: it was cut off or changed on the way.',
  not_an_object: () => 'Its header or claims are not a JSON object.',
  duplicate_member: () => 'It says one thing twice: two equal names in one JSON object.',
  too_deep: () => 'Its claims are nested too deep.',
  unknown_issuer: unknownIssuer,
  ambiguous_issuer: ({ claims, issuers }) =>
    `It fits several of the configured issuers: ${list(issuers.flatMap(({ issuer, name }) => (issuer === claims.iss ? [name] : [])))}. Ask the identity provider for a token of one audience.`,
  algorithm: ({ header, issuer }) =>
    `It is signed with ${quoted(header.alg)}; for this issuer ${list(issuer.algorithms)} is configured. ${
      /^HS/.test(String(header.alg))
        ? 'With a shared secret whoever can verify a token can also make one: switch the identity provider to RS256.'
        : 'Add it to `algorithms` if the issuer means it.'
    }`,
  header: () => 'Its header brings its own key (`jwk`) or asks to be read in another way (`crit`, `b64`).',
  key_id: () => 'The `kid` of its header is no short text.',
  type: ({ header, issuer }) =>
    `The \`typ\` of its header is ${quoted(header.typ)}; ${issuer.typ === undefined ? 'that is not an access token’s' : `${quoted(issuer.typ)} is configured`}.`,
  audience: wrongAudience,
  bound_to_a_key: () =>
    'It is bound to a key (`cnf`: DPoP or mTLS). Sent as a plain bearer token it may be a stolen one.',
  security_event: () =>
    'It tells of an event (`events`: a logout token or another security event), and signs nobody in. Send the access token.',
  expiry_missing: () => 'It has no `exp`, so it would never end.',
  expired: ({ claims, now }) =>
    `It expired ${ago(now / 1000 - Number(claims.exp))} ago. Is the clock of this machine right?`,
  not_yet_valid: ({ claims, now }) =>
    `It is not valid yet: \`nbf\` is ${ago(Number(claims.nbf) - now / 1000)} ahead.`,
  issued_in_the_future: ({ claims, now }) =>
    `Its \`iat\` is ${ago(Number(claims.iat) - now / 1000)} ahead: one of the clocks is wrong.`,
  issue_time_missing: () => 'It has no `iat`, which `maxTokenAgeSeconds` needs.',
  too_old: ({ claims, issuer, now }) =>
    `It was issued ${ago(now / 1000 - Number(claims.iat))} ago; \`maxTokenAgeSeconds\` is ${issuer.maxTokenAgeSeconds}.`,
  time: () => 'One of `exp`, `nbf` and `iat` is not a number of seconds since 1970.',
  subject: ({ claims, issuer }) =>
    `The token is good, but its claim ${issuer.subjectClaim} is ${quoted(claimAt(claims, issuer.subjectClaim ?? '/sub'))}, which names no user: 403. It must be a text of at most 255 characters, without blanks at its ends, line breaks or invisible characters.`,
  unknown_key: ({ header, issuer }) =>
    `${issuer.issuer} does not publish the key that it says it is signed with (\`kid\` ${quoted(header.kid)}). Another tenant, or a key that was withdrawn?`,
  signature: () =>
    'Its signature does not fit: it was changed, or signed with another key than the one it names.',
  no_session_claim: ({ claims, issuer }) =>
    `The token is good, but its claim ${issuer.sessionClaim} is ${quoted(claimAt(claims, issuer.sessionClaim ?? '/sid'))}: 403. It must be a text that names the login; have the identity provider add it to access tokens, or leave \`sessionClaim\` out.`,
  step_up: ({ claims, issuer, now }) => {
    const { maxAuthAgeSeconds, acrValues, authTimeClaim = '', acrClaim = '' } = issuer
    const signedInAt = claimAt(claims, authTimeClaim)
    const when = typeof signedInAt === 'number' ? `${ago(now / 1000 - signedInAt)} ago` : quoted(signedInAt)
    const age = `${authTimeClaim} is ${when}; \`maxAuthAgeSeconds\` is ${maxAuthAgeSeconds}.`
    const kind = `${acrClaim} is ${quoted(claimAt(claims, acrClaim))}; needed is one of ${list(acrValues)}.`
    return `The token is good, but its sign-in is too long ago or too weak: 401 insufficient_user_authentication.${maxAuthAgeSeconds ? ` ${age}` : ''}${acrValues ? ` ${kind}` : ''}`
  },
  claim_rule: ({ claims, issuer }) => {
    const rule = brokenRule(claims, issuer.claimRules ?? [])
    return `The token is good, but a claim rule does not hold: 403. ${rule ? broken(rule, claims) : ''}`.trim()
  },
}

function notAToken(token: string): string {
  if (token.startsWith('seam_cst'))
    return 'This is a client session token of Seam. Bearer tokens come from the identity provider.'
  const parts = token.split('.').length
  if (parts === 5)
    return 'It is encrypted (a JWE). Auth0 makes such tokens when the page asks for none of its `audience`s: ask for one.'
  if (parts === 3) return 'It lacks one of its three parts.'
  return 'It is not a JWT: an opaque token, which only the identity provider can read. Auth0 makes such tokens when the page asks for none of its `audience`s: ask for one.'
}

function unknownIssuer({ claims, issuers }: Seen): string {
  const { iss } = claims
  const bare = (address: unknown) => String(address).replace(/\/+$/, '').toLowerCase()
  const near = issuers.find(({ issuer }) => bare(issuer) === bare(iss))
  if (near !== undefined)
    return `Its \`iss\` is ${quoted(iss)}, the configuration says ${quoted(near.issuer)}: they must be equal to the last slash. Write the token's into \`issuers\`.`
  return `Its \`iss\` is ${quoted(iss)}; configured ${issuers.length === 1 ? 'is' : 'are'} ${list(issuers.map(({ issuer }) => issuer))}.`
}

function wrongAudience({ claims, issuer }: Seen): string {
  const { audienceClaim: claim = '/aud', audiences = [] } = issuer
  const isIdToken =
    ['nonce', 'at_hash', 'c_hash'].some((name) => Object.hasOwn(claims, name)) ||
    claims.typ === 'ID' ||
    claims.token_use === 'id'
  const sentences = [
    `Its audience (${claim}) is ${quoted(claimAt(claims, claim))}; configured ${audiences.length === 1 ? 'is' : 'are'} ${list(audiences)}.`,
  ]
  if (isIdToken)
    sentences.unshift('This looks like an id token, which is for the page alone: send the access token.')
  if (claim !== '/aud' && claims.aud !== undefined)
    sentences.push(`Its \`aud\`, which counts too, is ${quoted(claims.aud)}.`)
  return sentences.join(' ')
}

function broken(rule: ClaimRule, claims: Record<string, unknown>): string {
  const wanted =
    'equals' in rule
      ? `be ${quoted(rule.equals)}`
      : 'oneOf' in rule
        ? `be one of ${list(rule.oneOf)}`
        : `contain ${quoted(rule.contains)}`
  return `${rule.claim} must ${wanted} and is ${quoted(claimAt(claims, rule.claim))}.`
}

/** Shortened: what is quoted came from a stranger. */
function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing'
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}

const list = (values: readonly unknown[] = []) => values.map(quoted).join(', ')

function ago(seconds: number): string {
  const units: [number, string][] = [
    [86_400, 'days'],
    [3600, 'hours'],
    [60, 'minutes'],
  ]
  const [size, unit] = units.find(([size]) => seconds >= 2 * size) ?? [1, 'seconds']
  return `${Math.round(seconds / size)} ${unit}`
}
