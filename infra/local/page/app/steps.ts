import type { Audit } from '../../../../functions/http/audit.ts'
import type { Call, Observation } from '../watching.ts'
import { acts, commands, reasons, refusals, seamPaths } from './sentences.ts'

export interface Step {
  title: string
  text: string
  /** Lines in the machine's own words. */
  details?: string[]
  /** Milliseconds. */
  took?: number
  state: 'done' | 'failed' | 'skipped'
}

export const step = (
  title: string,
  text: string,
  state: Step['state'],
  more: Pick<Step, 'details' | 'took'> = {},
): Step => ({ title, text, state, ...more })

const endState = (isFailed: boolean) => (isFailed ? 'failed' : 'done')

/** What happened, step by step, of one act that was observed. */
export function stepsOf(observation: Observation): Step[] {
  const { audit, calls } = observation
  const written = writing(calls)
  if (audit.what === 'account')
    return [commanded(audit), ...written, ...judged(audit), ...asked(audit, calls)]
  if (audit.what === 'webhook') return [received(audit), signed(audit), ...written, answered(audit)]
  const known = verified(audit, calls)
  if (audit.owner === undefined) return [received(audit), known, answered(audit)]
  const found = finding(audit, calls)
  const done = found.some(({ state }) => state === 'failed') ? [] : [...asked(audit, calls), ...written]
  return [received(audit), known, ...found, ...judged(audit), ...done, answered(audit)]
}

/** The act in one sentence. */
export function summaryOf({ audit, report }: Observation): string {
  const { what, code, command, status = 0, verdict, method, event_type } = audit
  if (report !== undefined) return 'Cleaned up'
  if (what === 'account') return commands[command ?? ''] ?? command ?? ''
  if (what === 'webhook') return `Seam told: ${event_type ?? 'something'}`
  if (code !== undefined) return refusals[code] ?? code
  if (what === 'sign_out') return 'Signed out: the client session has ended'
  if (what === 'connect_webview')
    return method === 'POST' ? 'A page to connect an account was made' : 'Looked how the login goes'
  if (status === 201) return 'A new client session was made'
  if (verdict === 'widen' || verdict === 'extend') return `${acts[verdict]}; same token`
  return 'The token there is was handed out again'
}

/**
 * Not to be shown unasked: what follows from another act, and asking again and again how a login goes until something
 * comes of it.
 */
export function isQuiet({ audit, calls }: Observation): boolean {
  if (audit.what === 'webhook') return true
  return (
    audit.what === 'connect_webview' &&
    audit.method === 'GET' &&
    audit.code === undefined &&
    !calls.some(({ name }) => name === 'compareAndSet')
  )
}

export const routeOf = ({ method = '', path = '' }: Audit) => `${method} ${path}`

function received(audit: Audit): Step {
  return step('Asked', routeOf(audit), 'done')
}

function commanded({ command = '', code }: Audit): Step {
  const details = code === undefined ? [] : [refusals[code] ?? code]
  return step('Told', commands[command] ?? command, endState(code !== undefined), { details })
}

function verified({ owner, issuer, code = '', reason }: Audit, calls: Call[]): Step {
  if (owner === undefined) {
    const details = reason === undefined ? [] : [`reason: ${reason} (for the log alone)`]
    return step('Not verified', refusals[code] ?? code, 'failed', { details })
  }
  const fetched = calls.filter(({ part, name }) => part === 'issuer' || name === 'readKeySet')
  const keys = fetched.length > 0 ? 'its keys were looked up' : 'its keys were at hand'
  const more = { details: [`owner ${owner}`], took: sum(fetched) }
  return step('Verified', `“${issuer}” vouches for the caller; ${keys}`, 'done', more)
}

function signed({ code, event_type = 'of a kind that is not used here' }: Audit): Step {
  if (code !== undefined) return step('Not handled', code, 'failed')
  return step('Verified', 'Signed by Seam, lately', 'done', { details: [`event ${event_type}`] })
}

function finding({ code = '' }: Audit, calls: Call[]): Step[] {
  const reads = calls.filter(({ part, name }) => part === 'table' && /^read(User|Webview)$/.test(name))
  const took = sum(reads)
  if (/^(not_provisioned|claim_denied|not_found)$/.test(code))
    return [step('Not found', refusals[code] ?? code, 'failed', { took })]
  if (reads.length === 0) return []
  const count = reads.length === 1 ? 'one read' : `${reads.length} reads`
  return [step('Found', `The user’s record, in ${count}`, endState(reads.some(broken)), { took })]
}

function judged({ verdicts = [], code = '' }: Audit): Step[] {
  const [first] = verdicts
  if (first === undefined) return []
  const [act = '', reason = ''] = first.split(':')
  const rest = verdicts.slice(1).filter((verdict, i) => verdict !== verdicts[i])
  const details = [[first, ...rest].map((verdict) => verdict.replace(':', ' · ')).join(', then ')]
  const text = `${acts[act] ?? act}: ${reasons[reason] ?? reason}`
  return [step('Verdict', text, endState(/^(subject_disabled|rate_limited)$/.test(code)), { details })]
}

function asked({ wrong_answers = [], what, code }: Audit, calls: Call[]): Step[] {
  const made = calls.filter(({ part }) => part === 'seam')
  if (made.length === 0 && what === 'account') return []
  if (made.length === 0)
    return [
      step('Seam', code === undefined ? 'Not asked: what is recorded is enough' : 'Not asked', 'skipped'),
    ]
  const details = [
    ...made.map(({ name, failed }) => `${seamPaths[name] ?? name}${failed ? ', failed' : ''}`),
    ...wrong_answers.map((one) => `not believed: ${one}`),
  ]
  const state = endState(made.some(broken) || wrong_answers.length > 0)
  return [
    step('Seam', made.length === 1 ? 'One call' : `${made.length} calls`, state, {
      details,
      took: sum(made),
    }),
  ]
}

function writing(calls: Call[]): Step[] {
  const writes = calls.filter(({ name }) => /^(compareAndSet|put|addHolder)/.test(name))
  if (writes.length === 0) return []
  const text = writes.length === 1 ? 'One write' : `${writes.length} writes, the intent before the effect`
  return [step('Written down', text, endState(writes.some(broken)), { took: sum(writes) })]
}

function answered({ status = 0, took = 0, code }: Audit): Step {
  return step('Answered', code === undefined ? `${status}` : `${status} ${code}`, endState(status >= 400), {
    took,
  })
}

const broken = ({ failed }: Call) => failed

const sum = (calls: Call[]) => calls.reduce((total, { took }) => total + took, 0)
