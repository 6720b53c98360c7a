import { takeProviderEvent } from '../accounts/acts.ts'
import type { AccountDeps } from '../accounts/change.ts'
import { checkSignature } from '../caller/caller.ts'
import { names } from '../caller/claims.ts'
import { type Jws, readJws } from '../caller/jws.ts'
import type { FindKeys } from '../caller/keys.ts'
import { ownerOf, subjectNamespace } from '../caller/owner.ts'
import type { Configuration, Issuer } from '../config.ts'
import type { Audit } from '../http/audit.ts'
import type { Deadline } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import { type Meaning, meaningsOf } from './meaning.ts'
import { type EventFault, type EventKind, eventFault } from './token.ts'

/**
 * What identity providers say of their people: signed out, disabled, enabled, deleted. Every effect may be repeated, in
 * any order, late, and at once with vends.
 */

export interface IdentityEventDeps extends AccountDeps {
  configuration: Configuration
  findKeys: FindKeys
}

export interface ReceivedToken {
  kind: EventKind
  token: string
  deadline: Deadline
  audit: Audit
}

/**
 * Resolves when the record says what the provider did; Seam is told then, and if that takes too long, cleanup does it.
 * Throws a refusal with an `EventFault` as its reason, or an outage.
 */
export async function receiveEvents(deps: IdentityEventDeps, received: ReceivedToken): Promise<void> {
  const { issuer, claims } = await verifyEvents(deps, received)
  const meanings = meaningsOf(received.kind, claims, issuer)
  if (meanings.some(({ reason }) => reason === 'other_issuer')) refuse('other_issuer')
  for (const meaning of meanings) await takeEffect(deps, issuer, meaning, received)
}

async function verifyEvents(
  { configuration, findKeys, clock }: IdentityEventDeps,
  { kind, token, deadline, audit }: ReceivedToken,
): Promise<{ issuer: Issuer; claims: Jws['claims'] }> {
  const jws = readJws(token)
  if (typeof jws === 'string') refuse(jws)
  const { header, claims } = jws
  const ours = configuration.issuers.filter(
    ({ issuer, events }) => events?.kinds.includes(kind) && (events.issuer ?? issuer) === claims.iss,
  )
  const issuer = ours.find(({ events }) => names(claims.aud, events?.audiences ?? [])) ?? ours[0]
  if (issuer === undefined) refuse('unknown_issuer')
  const fault = eventFault(jws, kind, issuer, clock())
  if (fault !== undefined) refuse(fault)
  const signed = await checkSignature(findKeys, issuer, { token, header }, deadline)
  if (typeof signed === 'string') refuse(signed)
  Object.assign(audit, { issuer: issuer.name, ...(signed.stale && { stale_keys: true }) })
  return { issuer, claims }
}

async function takeEffect(
  deps: IdentityEventDeps,
  issuer: Issuer,
  { type, effect, sub, reason }: Meaning,
  { deadline, audit }: ReceivedToken,
): Promise<void> {
  Object.assign(audit, { ...(type && { event_type: type }), ...(reason && { reason }) })
  if (effect === undefined) return
  audit.reason = 'unmatched'
  // Nobody keeps an index of logins: a `sid` alone leads to no record.
  if (sub === undefined) return
  audit.owner = ownerOf(`${subjectNamespace(issuer)}|${sub}`)
  try {
    const { trace, failure } = await takeProviderEvent(deps, audit.owner, effect, deadline)
    audit.seam_calls = trace.seam_calls
    delete audit.reason
    if (failure !== undefined) audit.reason = 'left_to_cleanup'
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'not_found') throw error
  }
}

function refuse(reason: EventFault): never {
  throw new Problem('invalid_request', { reason })
}
