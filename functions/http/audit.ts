import type { SdkReason } from '../aws/caller.ts'
import type { User } from '../record/user.ts'

type CallersAct = 'vend' | 'sign_out' | 'connect_webview'

/**
 * One audit object per decision: a value filled in as the request goes and sent once. Its fields are this list
 * and no others, so that no secret can slip in with an error or an event.
 */
export interface Audit {
  what: CallersAct | 'webhook' | 'identity_event' | 'cleanup' | 'account' | 'admin' | 'request'
  request_id: string
  method?: string
  path?: string
  /** An operator's. */
  command?: string
  status?: number
  code?: string
  /** Why, from the code's own fixed words; never input. */
  reason?: string
  /** Of a webhook that was not believed. */
  fault?: string
  dependency?: string
  issuer?: string
  /** The subject's hash, see DESIGN's words. */
  owner?: string
  verdict?: string
  verdict_reason?: string
  /** Every verdict of the act, in order, as `act:reason`. */
  verdicts?: string[]
  seam_calls?: string[]
  wrong_answers?: string[]
  waits?: number
  client_session_id?: string
  /** The caller was verified with keys that their issuer could not confirm lately. */
  stale_keys?: true
  connect_webview_id?: string
  connected_account_id?: string
  /** Of a webhook or an identity provider's event: their own names, of the kinds that we know. */
  event_type?: string
  event_id?: string
  /** Users that an event was about, when it can be more than one. */
  owners?: number
  /** First 12 hex characters of SHA-256, for tracing a token that was found somewhere. */
  bearer_sha256?: string
  token_sha256?: string
  /** Operations of AWS that went to its SDK, and why the first did; normally absent. */
  sdk?: number
  sdk_why?: SdkReason
  /** Milliseconds, as `steps`: how much of them each service took. */
  took?: number
  steps?: Partial<Record<Step, number>>
}

/** What a request waits for. */
export type Step =
  /** The bearer token, with its issuer's keys wherever they come from. */
  | 'verify'
  | 'table'
  | 'seam'
  /** Opening and sealing, with the reading of the sealing key. */
  | 'seal'
  /** Until the holder of the lease has committed. */
  | 'wait'

export type Log = (audit: Audit) => void

/** What a user may have, at one moment. */
export type Holding = Pick<
  User,
  'status' | 'connected_account_ids' | 'access_until' | 'not_before' | 'user_identity_id'
>

/** One change of who may have what. `before` is absent when there was no record. */
export interface MappingChange {
  /** Epoch milliseconds. */
  at: number
  owner: string
  /** In clear: the one exception, only for the audit log groups. */
  subject: string
  before?: Holding
  after: Holding
}

/** A mapping change with who made it, by which command or webhook; a line of the audit log. */
export interface AccountAudit extends MappingChange {
  what: 'account'
  /** Of an operator's command. */
  request_id?: string
  /** The command; `connect` or `account_deleted` when Seam has told of it, `identity_event` when an identity provider has. */
  act: string
  /** `seam`, `provider`, or an operator, as its sender says; in the cloud, CloudTrail knows better. */
  by: string
}

export type AuditLog = (audit: AccountAudit) => void

/** One JSON object a line, as Lambda's log expects. */
export function jsonLog(write: (line: string) => void): (line: object) => void {
  return (line) => write(JSON.stringify(line))
}
