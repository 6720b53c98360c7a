import type { Caller, Denial, Refusal } from '../caller/caller.ts'
import type { KeySetFault } from '../caller/key-set.ts'
import { subjectNamespace } from '../caller/owner.ts'
import { Problem } from '../http/problem.ts'
import type { User } from '../record/user.ts'
import { reasons } from '../session/reasons.ts'
import { barredReason, judge } from '../session/verdict.ts'
import { isMadeByNamespace, tokenFault } from '../vending/admit.ts'
import type { Acting } from './acting.ts'
import type { Explanation, Params } from './client.ts'
import { firstFault, keySetFaults } from './fault.ts'
import { iso, isoOf, shownUser } from './showing.ts'

type Accepted = Extract<Explanation, { accepted: true }>

type Explaining = Pick<Acting, 'verifyCaller' | 'configuration' | 'terms' | 'clock' | 'deadline'> & {
  /** Absent: there is no table to look into. */
  table?: Pick<Acting['table'], 'readUser'>
}

/** The first thing that is wrong with a bearer token, or the user it speaks for and the verdict. Changes nothing. */
export async function explainToken(
  explaining: Explaining,
  { token }: Params<'explain'>,
): Promise<Explanation> {
  const { verifyCaller, configuration, clock, deadline } = explaining
  try {
    const caller = await verifyCaller(`Bearer ${token}`, deadline)
    const explained = await explainCaller(explaining, caller)
    const { verdict, ...rest } = explained
    // Last, as in a vend: whoever is refused anyway need not sign in once more.
    if (caller.step_up === undefined || (verdict === undefined && rest.record !== 'not_looked_up'))
      return explained
    return { ...rest, sentence: firstFault('step_up', token, configuration.issuers, clock()) }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const { code, details } = error
    if (code === 'claim_denied' || code === 'invalid_token' || code === 'too_large') {
      const reason = details.reason as Refusal | Denial
      return { accepted: false, reason, sentence: firstFault(reason, token, configuration.issuers, clock()) }
    }
    if (code !== 'issuer_keys_unavailable') throw error
    const { said, todo } = keySetFaults[details.reason as KeySetFault]
    const sentence = `The token may be good, but its issuer ${said}, so its keys are unavailable: 503. To do: ${todo}.`
    return { accepted: false, reason: code, sentence }
  }
}

async function explainCaller(explaining: Explaining, caller: Caller): Promise<Accepted> {
  const { table, configuration } = explaining
  const { issuer, subject, owner, binding, issued_at } = caller
  const who = {
    accepted: true as const,
    issuer: issuer.name,
    subject,
    owner,
    binding,
    issued_at: isoOf(issued_at),
  }
  if (table === undefined)
    return { ...who, record: 'not_looked_up', sentence: 'The token is good; no record was looked up.' }
  const user = await table.readUser(owner)
  if (user !== undefined)
    return { ...who, record: 'found', user: shownUser(user), ...outlook(explaining, user, caller) }
  if ((issuer.unknownSubjects ?? configuration.unknownSubjects) === 'reject') {
    const sentence =
      'The token is good, but this subject has no record: 403 not_provisioned. Grant it an account.'
    return { ...who, record: 'missing', sentence }
  }
  const sentence = 'A record without accounts would be made, and a client session that opens no devices.'
  return { ...who, record: 'would_be_made', verdict: 'create:first_request', sentence }
}

function outlook(explaining: Explaining, user: User, caller: Caller): { verdict?: string; sentence: string } {
  const refused = refusalOf(explaining, user, caller)
  if (refused !== undefined) return { sentence: refused }
  const { terms, clock } = explaining
  const { act, reason } = judge(user, caller.binding, terms, clock(), { asked: true })
  const because = reasons[reason].sentence
  const said = acts[act]
  const sentence = said ? `${said} Why: ${because}` : `Nothing would be handed out: ${because}`
  return { verdict: `${act}:${reason}`, sentence }
}

/** What the record holds against this caller. */
function refusalOf({ configuration, clock }: Explaining, user: User, caller: Caller): string | undefined {
  if (user.subject !== caller.subject)
    return `The record under this subject's hash says ${user.subject}: 500, and nothing is handed out. Somebody changed the table; restore the record or remove it.`
  if (!isMadeByNamespace(configuration, user, caller))
    return `The record was made under ${user.iss}, which the configuration does not list with the subject namespace ${subjectNamespace(caller.issuer)}: 403. If the issuer's address has changed, list the old one beside it with the same namespace.`
  const barred = barredReason(user, clock())
  if (barred === 'access_ended') return `The user's access ended at ${iso(user.access_until ?? 0)}: 403.`
  if (barred !== undefined) return `The user is ${barred}: 403.`
  const fault = tokenFault(user, caller)
  return fault && tokenSentences[fault](iso(user.not_before ?? 0))
}

const tokenSentences = {
  before_not_before: (time: string) =>
    `The token was issued before the user was signed out everywhere (${time}), or does not say when: 401. A new sign-in gives one that is accepted.`,
  just_signed_out: (time: string) =>
    `The token was issued too soon after the user was signed out everywhere (${time}), as far as the clocks can tell: 401. Wait a few seconds, then a fresh token is accepted.`,
  login_ended: () =>
    'The identity provider has ended the login that this token belongs to: 401. Sign in again.',
}

const acts: Partial<Record<string, string>> = {
  reuse: 'The user would get the token of the live client session.',
  extend: 'The live client session would be extended: the same token, a later end.',
  widen: 'The live client session would get the accounts it lacks: the same token.',
  replace: 'The client session would be replaced by a new one.',
  create: 'A client session would be made.',
}
