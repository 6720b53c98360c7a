import { takeProviderEvent } from '../accounts/acts.ts'
import type { AccountDeps } from '../accounts/change.ts'
import { checkSignature } from '../caller/caller.ts'
import { names } from '../caller/claims.ts'
import { type Jws, readJws } from '../caller/jws.ts'
import type { FindKeys } from '../caller/keys.ts'
import { eventIssuer, ownerOf, subjectNamespace } from '../caller/owner.ts'
import type { Configuration, Issuer } from '../config.ts'
import type { Audit } from '../http/audit.ts'
import { type Deadline, deadlineIn } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import { type Meaning, meaningsOf } from './meaning.ts'
import { type Delivery, type EventFault, eventFault } from './token.ts'

/**
 * What identity providers say of their people: signed out, disabled, enabled, deleted. Every effect may be repeated, in
 * any order, late, and at once with vends.
 */

export interface IdentityEventDeps extends AccountDeps {
  configuration: Configuration
  findKeys: FindKeys
}

interface EventContext {
  deadline: Deadline
  audit: Audit
}

/**
 * Resolves when the record says what the provider did; Seam is told then, and if that takes too long, cleanup does it.
 * Throws a refusal with an `EventFault` as its reason, or an outage.
 */
export async function receiveEvents(
  deps: IdentityEventDeps,
  delivery: Delivery,
  context: EventContext,
): Promise<void> {
  const { issuer, claims } = await verifyEvents(deps, delivery, context)
  const meanings = meaningsOf(delivery.kind, claims, issuer) ?? refuse('other_issuer')
  for (const meaning of meanings) await takeEffect(deps, issuer, meaning, context)
}

async function verifyEvents(
  { configuration, findKeys, clock, terms }: IdentityEventDeps,
  { kind, token }: Delivery,
  { deadline, audit }: EventContext,
): Promise<{ issuer: Issuer; claims: Jws['claims'] }> {
  const jws = readJws(token)
  if (typeof jws === 'string') refuse(jws)
  const { iss, aud } = jws.claims
  const ours = configuration.issuers.filter(
    (one) => one.events?.kinds.includes(kind) && eventIssuer(one) === iss,
  )
  const issuer = ours.find(({ events }) => names(aud, events?.audiences ?? [])) ?? ours[0]
  if (issuer === undefined) refuse('unknown_issuer')
  const fault = eventFault(jws, kind, issuer, terms.times, clock())
  if (fault !== undefined) refuse(fault)
  const signed = await checkSignature(findKeys, issuer, { token, header: jws.header }, deadline)
  if (typeof signed === 'string') refuse(signed)
  audit.issuer = issuer.name
  if (signed.stale) audit.stale_keys = true
  return { issuer, claims: jws.claims }
}

async function takeEffect(
  deps: IdentityEventDeps,
  issuer: Issuer,
  { type, effect, sub, reason }: Meaning,
  { deadline, audit }: EventContext,
): Promise<void> {
  if (type !== undefined) audit.event_type = type
  if (reason !== undefined) audit.reason = reason
  if (effect === undefined) return
  // Nobody keeps an index of logins: a `sid` alone leads to no record.
  if (sub === undefined) {
    audit.reason = 'unmatched'
    return
  }
  audit.owner = ownerOf(`${subjectNamespace(issuer)}|${sub}`)
  try {
    const { trace, failure } = await takeProviderEvent(hurried(deps), audit.owner, effect, deadline)
    if (trace.seam_calls.length > 0) audit.seam_calls = trace.seam_calls
    if (failure !== undefined) audit.reason = 'left_to_cleanup'
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'not_found') throw error
    audit.reason = 'unmatched'
  }
}

/** All calls to Seam together end in time for the sender, who does not come again: Auth0 waits for five seconds. */
function hurried(deps: IdentityEventDeps): IdentityEventDeps {
  const { seam, workspace, clock, terms } = deps
  let end: Deadline | undefined
  const soon = (deadline: Deadline): Deadline => {
    end ??= deadlineIn(terms.times.deleteInEvent, clock)
    const own = end
    return { left: () => Math.min(own.left(), deadline.left()) }
  }
  return {
    ...deps,
    seam: {
      ...seam,
      delete: (session, deadline) => seam.delete(session, soon(deadline)),
      list: (filter, deadline) => seam.list(filter, soon(deadline)),
    },
    workspace: { ...workspace, confirm: (deadline) => workspace.confirm(soon(deadline)) },
  }
}

function refuse(reason: EventFault): never {
  throw new Problem('invalid_request', { reason })
}
