import type { Audit } from '../../../../functions/log.ts'
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
  return [
    received(audit),
    known,
    ...found,
    ...judged(audit),
    ...(found.some(({ state }) => state === 'failed') ? [] : [...asked(audit, calls), ...written]),
    answered(audit),
  ]
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

export function routeOf({ method = '', path = '' }: Audit): string {
  return `${method} ${path}`
}

function received(audit: Audit): Step {
  return { title: 'Asked', text: routeOf(audit), state: 'done' }
}

function commanded({ command = '', code }: Audit): Step {
  return {
    title: 'Told',
    text: commands[command] ?? command,
    state: code === undefined ? 'done' : 'failed',
    ...(code !== undefined && { details: [refusals[code] ?? code] }),
  }
}

function verified({ owner, issuer, code = '', reason }: Audit, calls: Call[]): Step {
  const fetched = calls.filter(({ part, name }) => part === 'issuer' || name === 'readKeySet')
  if (owner === undefined)
    return {
      title: 'Not verified',
      text: refusals[code] ?? code,
      ...(reason !== undefined && { details: [`reason: ${reason} (for the log alone)`] }),
      state: 'failed',
    }
  return {
    title: 'Verified',
    text: `“${issuer}” vouches for the caller; ${fetched.length > 0 ? 'its keys were looked up' : 'its keys were at hand'}`,
    details: [`owner ${owner}`],
    took: sum(fetched),
    state: 'done',
  }
}

function signed({ code, event_type = 'of a kind that is not used here' }: Audit): Step {
  if (code !== undefined) return { title: 'Not handled', text: code, state: 'failed' }
  return {
    title: 'Verified',
    text: 'Signed by Seam, lately',
    details: [`event ${event_type}`],
    state: 'done',
  }
}

function finding({ code = '' }: Audit, calls: Call[]): Step[] {
  const reads = calls.filter(({ part, name }) => part === 'table' && /^read(User|Webview)$/.test(name))
  if (/^(not_provisioned|claim_denied|not_found)$/.test(code))
    return [{ title: 'Not found', text: refusals[code] ?? code, took: sum(reads), state: 'failed' }]
  if (reads.length === 0) return []
  const text =
    reads.length === 1 ? 'The user’s record, in one read' : `The user’s record, in ${reads.length} reads`
  return [{ title: 'Found', text, took: sum(reads), state: reads.some(broken) ? 'failed' : 'done' }]
}

function judged({ verdicts = [], code = '' }: Audit): Step[] {
  const [first] = verdicts
  if (first === undefined) return []
  const [act = '', reason = ''] = first.split(':')
  const rest = verdicts.slice(1).filter((verdict, i) => verdict !== verdicts[i])
  return [
    {
      title: 'Verdict',
      text: `${acts[act] ?? act}: ${reasons[reason] ?? reason}`,
      details: [[first, ...rest].map((verdict) => verdict.replace(':', ' · ')).join(', then ')],
      state: /^(subject_disabled|rate_limited)$/.test(code) ? 'failed' : 'done',
    },
  ]
}

function asked({ wrong_answers = [], what, code }: Audit, calls: Call[]): Step[] {
  const made = calls.filter(({ part }) => part === 'seam')
  if (made.length === 0)
    return what === 'account'
      ? []
      : [
          {
            title: 'Seam',
            text: code === undefined ? 'Not asked: what is recorded is enough' : 'Not asked',
            state: 'skipped',
          },
        ]
  const wrong = wrong_answers.map((one) => `not believed: ${one}`)
  return [
    {
      title: 'Seam',
      text: made.length === 1 ? 'One call' : `${made.length} calls`,
      details: [
        ...made.map((call) => `${seamPaths[call.name] ?? call.name}${call.failed ? ', failed' : ''}`),
        ...wrong,
      ],
      took: sum(made),
      state: made.some(broken) || wrong.length > 0 ? 'failed' : 'done',
    },
  ]
}

function writing(calls: Call[]): Step[] {
  const writes = calls.filter(({ name }) => /^(compareAndSet|put|addHolder)/.test(name))
  if (writes.length === 0) return []
  const text = writes.length === 1 ? 'One write' : `${writes.length} writes, the intent before the effect`
  return [{ title: 'Written down', text, took: sum(writes), state: writes.some(broken) ? 'failed' : 'done' }]
}

function answered({ status = 0, took = 0, code }: Audit): Step {
  return {
    title: 'Answered',
    text: code === undefined ? `${status}` : `${status} ${code}`,
    took,
    state: status < 400 ? 'done' : 'failed',
  }
}

const broken = ({ failed }: Call) => failed

function sum(calls: Call[]): number {
  return calls.reduce((total, { took }) => total + took, 0)
}
