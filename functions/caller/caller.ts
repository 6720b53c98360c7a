import { hash } from 'node:crypto'
import { compactVerify } from 'jose'
import type { Issuer } from '../config.ts'
import type { Deadline } from '../http/deadline.ts'
import { Problem, type StepUp } from '../http/problem.ts'
import { bindingOf } from '../session/binding.ts'
import type { ClaimsFault, KeyFault } from './claims.ts'
import { brokenRule, claimsFault, headerFault, issuedAhead, issuerOf, subjectOf } from './claims.ts'
import { type JwsFault, longestToken, readJws } from './jws.ts'
import type { FindKeys } from './keys.ts'
import { ownerOf, subjectNamespace } from './owner.ts'
import { stepUpFor } from './step-up.ts'

/** Whom a verified bearer token speaks for. */
export interface Caller {
  issuer: Issuer
  iss: string
  /** The value of the issuer's `subjectClaim`, by default `sub`. */
  sub: string
  /** `<namespace>|<sub>`: a namespace has no `|`, so no two callers share a subject. */
  subject: string
  /** The subject's hash: what appears in keys, logs and at Seam. */
  owner: string
  /** Which of the user's client sessions is theirs, see session/binding.ts. */
  binding: string
  /** The token's `iat` in epoch milliseconds. */
  issued_at?: number
  /** First 12 hex characters of the token's SHA-256, for the log. */
  token_sha256: string
  /** What their sign-in lacks; whoever hands something out refuses them for it, last. */
  step_up?: StepUp
  /** Verified with keys that the issuer has not confirmed lately. */
  stale_keys?: true
}

/** Why a bearer token was refused: fixed words, never input. */
export type Refusal =
  | JwsFault
  | ClaimsFault
  | SignatureFault
  | 'too_long'
  | 'unknown_issuer'
  | 'ambiguous_issuer'
  | 'issued_in_the_future'

/** Why a verified caller is refused with `claim_denied`: a fresh sign-in would change nothing. */
export type Denial = 'subject' | 'claim_rule' | 'no_session_claim'

const tooLong = 'The bearer token is longer than 9,500 characters. Have fewer claims put into it.'

export interface CallerDeps {
  issuers: Issuer[]
  findKeys: FindKeys
  /** Epoch milliseconds. */
  clock: () => number
}

export type VerifyCaller = (authorization: string | undefined, deadline: Deadline) => Promise<Caller>

export function callerVerifier(deps: CallerDeps): VerifyCaller {
  return (authorization, deadline) => verifyCaller(deps, authorization, deadline)
}

/**
 * The caller of an `Authorization` header. Throws a `Problem`: `missing_token`; `invalid_token`, the same answer for
 * every fault up to the signature, with the `reason` only in the log; `too_large`; `issuer_keys_unavailable`; or, once
 * the token is verified, an `invalid_token` that says `retry`, or `claim_denied` with their own subject where it is usable.
 */
export async function verifyCaller(
  { issuers, findKeys, clock }: CallerDeps,
  authorization: string | undefined,
  deadline: Deadline,
): Promise<Caller> {
  const token = bearerToken(authorization)
  const jws = readJws(token)
  if (typeof jws === 'string') refuse(jws)
  const { header, claims } = jws

  // Before anything is fetched: nobody can make us call an address that is not in the configuration.
  const issuer = issuerOf(claims, issuers)
  if (typeof issuer === 'string') refuse(issuer)
  const fault = headerFault(header, issuer) ?? claimsFault(claims, issuer, clock())
  if (fault !== undefined) refuse(fault)

  const signed = await checkSignature(findKeys, issuer, { token, header }, deadline)
  if (typeof signed === 'string') refuse(signed)

  // Safe to use from here on: the verified bytes are the bytes that were read, in their only encoding.
  const early = issuedAhead(claims, clock())
  if (early > 0)
    throw new Problem('invalid_token', { reason: 'issued_in_the_future', action: 'retry', retryAfter: early })
  const sub = subjectOf(claims, issuer)
  if (sub === undefined) throw denied('subject')
  const subject = `${subjectNamespace(issuer)}|${sub}`
  if (brokenRule(claims, issuer.claimRules) !== undefined) throw denied('claim_rule', subject)
  const binding = bindingOf(claims, issuer)
  if (binding === undefined) throw denied('no_session_claim', subject)
  return {
    issuer,
    iss: issuer.issuer,
    sub,
    subject,
    owner: ownerOf(subject),
    binding,
    ...(typeof claims.iat === 'number' && { issued_at: claims.iat * 1000 }),
    token_sha256: hash('sha256', token, 'hex').slice(0, 12),
    step_up: stepUpFor(claims, issuer, clock()),
    ...(signed.stale && { stale_keys: true }),
  }
}

/**
 * RFC 6750 §2.1. Two headers arrive as one with a comma between, which is not base64url: they are
 * refused like any other malformed token. Another scheme counts as no token, as §3.1 requires.
 */
function bearerToken(authorization = ''): string {
  const [, rest] = /^bearer +([^ ].*)$/is.exec(authorization) ?? []
  if (rest === undefined) throw new Problem('missing_token')
  // By length alone, so it tells nothing about what is in it.
  if (rest.length > longestToken) throw new Problem('too_large', { reason: 'too_long', detail: tooLong })
  return rest
}

export type SignatureFault = KeyFault | 'unknown_key' | 'signature'

/** Whether a key of the issuer has signed the token, after a second look at the issuer where none of the known ones has. */
export async function checkSignature(
  findKeys: FindKeys,
  issuer: Issuer,
  { token, header }: { token: string; header: Record<string, unknown> },
  deadline: Deadline,
): Promise<{ stale: boolean } | SignatureFault> {
  const named = header as { alg: string; kid?: string }
  const found = await findKeys(issuer, named, deadline)
  if (found.keys.length === 0) return found.fault ?? 'unknown_key'
  if (await isSignedByOneOf(found.keys, token, issuer)) return found
  const again = await findKeys(issuer, named, deadline, { again: true })
  return (await isSignedByOneOf(again.keys, token, issuer)) ? again : 'signature'
}

async function isSignedByOneOf(keys: CryptoKey[], token: string, issuer: Issuer): Promise<boolean> {
  for (const key of keys) {
    try {
      await compactVerify(token, key, { algorithms: issuer.algorithms })
      return true
    } catch {
      // Any other error from jose is a no as well: fail closed.
    }
  }
  return false
}

function denied(reason: Denial, subject?: string): Problem {
  return new Problem('claim_denied', { reason, subject })
}

function refuse(reason: Refusal): never {
  throw new Problem('invalid_token', { reason })
}
