/**
 * The contract of the admin function, and a typed client of it. All of it is in this file, which imports nothing,
 * so that a backend may take it along. Anyone who may invoke the function (IAM; `grantAdmin` of the construct) may
 * use every command.
 *
 *     const lambda = new LambdaClient()
 *     const callAdmin = adminCaller({
 *       by: 'bookings',
 *       async send(payload) {
 *         const answer = await lambda.send(new InvokeCommand({ FunctionName: '…', Payload: payload }))
 *         if (answer.FunctionError) throw new Error(answer.FunctionError)
 *         return new TextDecoder().decode(answer.Payload)
 *       },
 *     })
 *     await callAdmin('set', { subject: 'main|ada', connected_account_ids: ['…'] })
 *
 * Within one version, fields may be added to results: ignore what you do not know. Parameters are read strictly.
 * Every command may be repeated, and then finishes what an earlier one could not. Times are ISO 8601.
 */
export const contractVersion = 1

export interface AdminRequest<C extends CommandName = CommandName> {
  version: typeof contractVersion
  command: C
  params: Params<C>
  /** The caller, for the audit log; taken on trust. At most 200 characters. */
  by: string
}

export type AdminAnswer<C extends CommandName = CommandName> = {
  version: typeof contractVersion
  request_id: string
} & ({ result: Result<C> } | { problem: AdminProblem })

export interface AdminProblem {
  /** As on the wire of the API: `invalid_request`, `not_found`, `busy`, `upstream_unavailable`, … */
  code: string
  title: string
  /** What to change, where the caller can. */
  detail?: string
  /** `retry`: the same request may succeed later. */
  action: string
  /** Why, in the code's own fixed words. */
  reason?: string
  dependency?: string
}

export interface AdminContract {
  /** What the record says. */
  show: { params: { subject: string }; result: ShownUser }
  /** Some of the users, in no order; a page may be short, or empty, and still not be the last. */
  list: {
    /** `not_found` when neither Seam nor a record knows the account. */
    params: { status?: Status; connected_account_id?: string; after?: string; limit?: number }
    result: { users: ShownUser[]; after?: string }
  }
  /** Gives accounts to a user, who is recorded if need be; a live client session is widened, same token. */
  grant: { params: Granting; result: ChangeReport }
  /** Takes accounts away; the client sessions that opened them are ended before this reports success. */
  withdraw: { params: { subject: string; connected_account_ids: string[] }; result: ChangeReport }
  /** Makes these the user's accounts and no others: for backends whose own database is the source of truth. */
  set: { params: Granting; result: ChangeReport }
  /**
   * The user's Seam user identity, or none: with it client sessions reach what was granted to the identity too. Another
   * one ends them. No two users have the same.
   */
  set_identity: { params: { subject: string; user_identity_id: string | null }; result: ChangeReport }
  /** No client session any more, and no new one, until enabled. */
  disable: { params: { subject: string }; result: ChangeReport }
  /** The right to ask again; a client session comes with the next request. */
  enable: { params: { subject: string }; result: ChangeReport }
  /**
   * As `disable`, without the accounts; what was refused stays refused. A grant makes the user active again. The record
   * goes 30 days after nothing leads from it to Seam.
   */
  remove: { params: { subject: string }; result: ChangeReport }
  /** A person's new login: accounts and end date go to `to`, `from` is removed. */
  move: { params: { from: string; to: string }; result: { from?: ChangeReport; to?: ChangeReport } }
  /** What Seam itself shows of the user's client sessions. */
  sessions: { params: { subject: string }; result: { client_sessions: ShownSession[] } }
  /** Ends all client sessions of the user; the next requests make new ones. */
  end_session: { params: { subject: string }; result: ChangeReport }
  /** Ends the client session of a token that was found somewhere. */
  end_token: { params: { token: string }; result: EndedToken }
  /** Refuses the bearer tokens issued so far, and ends all client sessions. */
  sign_out_everywhere: { params: { subject: string }; result: ChangeReport }
  /** Seam's connected accounts, with the users who hold them. */
  accounts: { params: { unassigned?: boolean }; result: { accounts: ShownAccount[] } }
  /** An account that Seam has deleted and shows again may be granted from now on. Nobody gets it back by this. */
  lift_deletion: {
    params: { connected_account_id: string }
    result: { connected_account_id: string; outcome: 'lifted' | 'not_deleted' }
  }
  /**
   * Some lines of an import. Accounts are added, or with `replace` made exactly these; `status` and `access_until`
   * are set where given, `user_identity_id` as by `set_identity`; `not_before` is never lowered. With `dry_run` nothing changes. Send again what is `not_done`.
   */
  import: {
    params: { users: ImportedUser[]; replace?: boolean; dry_run?: boolean }
    result: { results: ImportResult[] }
  }
  /** Users as `import` takes them, a page at a time; removed ones are left out. */
  export: { params: { after?: string; limit?: number }; result: { users: ImportedUser[]; after?: string } }
  /**
   * Client sessions under our prefix that no record names. With `delete` those are deleted that an earlier run
   * saw at least an hour before.
   */
  orphans: { params: { delete?: boolean }; result: { looked_at: number; orphans: Orphan[] } }
  /** Ends every client session of a page of users; on the last page `remaining` counts what Seam still shows. */
  drain: { params: { after?: string }; result: DrainedPage }
  /** The first thing that is wrong with a bearer token, or its user and the verdict. Changes nothing. */
  explain: { params: { token: string }; result: Explanation }
}

export type CommandName = keyof AdminContract
export type Params<C extends CommandName> = AdminContract[C]['params']
export type Result<C extends CommandName> = AdminContract[C]['result']

export type Status = 'active' | 'disabled' | 'removed'

export interface Granting {
  subject: string
  connected_account_ids: string[]
  /** The end of access; null: none. Absent: as it was. */
  access_until?: string | null
  /**
   * Accounts that the user does not have yet and that Seam does not know are refused (`unknown_account`), unless this
   * says that you know better. While Seam cannot be asked, nothing is refused.
   */
  unverified?: boolean
}

export interface ShownUser {
  subject: string
  /** What stands for the subject in logs and at Seam. */
  owner: string
  /** The `iss` under which the record was made. */
  iss: string
  status: Status
  connected_account_ids: string[]
  access_until?: string
  /** Bearer tokens issued before this are refused. */
  not_before?: string
  /** Accounts that Seam lately did not know: left out of client sessions for an hour. */
  unknown_account_ids?: string[]
  user_identity_id?: string
  /** Of a disabled user. */
  disabled_by?: 'operator' | 'provider'
  /** The identity provider has deleted this person, who should be removed here too. */
  purged_at?: string
  /** Of `client_sessions`, the one that lives longest. */
  client_session?: ShownClientSession
  /** One for each login, or one that all share. */
  client_sessions: ShownClientSession[]
  /** Retired client sessions whose end Seam has not confirmed. */
  unconfirmed: number
  /** Retired keys that cleanup still looks after. */
  settling: number
  /** When cleanup looks here. */
  due_at?: string
}

export interface ShownClientSession {
  /** Which login, as a hash. */
  binding: string
  client_session_id: string
  created_at: string
  expires_at: string
  connected_account_ids: string[]
}

export interface ChangeReport {
  user: ShownUser
  /** False: the record said so already. */
  changed: boolean
  granted: string[]
  withdrawn: string[]
  /** Not granted: Seam has deleted them. */
  deleted_account_ids: string[]
  client_session: SessionFate
  /** Seam could not be told; cleanup will, or for `widening` the user's next request. */
  will_be_retried: boolean
  /** Why, as `code` and `reason`. */
  trouble?: string
}

/** What became of the user's client session at Seam. */
export type SessionFate = 'none' | 'kept' | 'widened' | 'ended' | 'widening' | 'ending'

export interface ShownSession extends Omit<ShownClientSession, 'binding'> {
  /** `let_go`: retired. `stray`: under one of the user's keys, and in no record. */
  state: 'current' | 'let_go' | 'stray'
  /** First 12 hex characters of the token's SHA-256, as in the logs. */
  token_sha256: string
}

export interface ShownAccount {
  connected_account_id: string
  /** Such as `august`. */
  provider?: string
  display_name?: string
  /** Subjects. */
  holders: string[]
}

export interface EndedToken {
  /** `dead`: Seam accepts it no more. `not_ours`: another program's client session; nothing was done. */
  outcome: 'dead' | 'ended' | 'ending' | 'not_ours'
  client_session_id?: string
  /** Whose it was, if a record names it. */
  subject?: string
}

export interface ImportedUser extends Omit<Granting, 'unverified'> {
  status?: 'active' | 'disabled'
  /** Never lowers what stands. */
  not_before?: string
  user_identity_id?: string | null
}

export interface ImportResult {
  subject: string
  /** `refused`: the line cannot be used, see `detail`. `not_done`: no time, or an outage; send it again. */
  outcome: 'created' | 'changed' | 'unchanged' | 'refused' | 'not_done'
  granted?: string[]
  withdrawn?: string[]
  /** Other changes, as `field: before → after`. */
  changes?: string[]
  client_session?: SessionFate
  will_be_retried?: boolean
  detail?: string
}

export interface Orphan {
  client_session_id: string
  owner: string
  created_at: string
  expires_at: string
  first_seen_at: string
  state: 'just_seen' | 'may_be_deleted' | 'deleted' | 'not_deleted'
}

export interface DrainedPage {
  looked_at: number
  ended: number
  will_be_retried: number
  after?: string
  /** Client sessions under our prefix that Seam still shows. */
  remaining?: number
}

export type Explanation =
  | { accepted: false; reason: string; sentence: string }
  | {
      accepted: true
      issuer: string
      subject: string
      owner: string
      issued_at?: string
      /** `would_be_made`: unknown subjects are provisioned. `not_looked_up`: there was no table at hand. */
      record: 'found' | 'missing' | 'would_be_made' | 'not_looked_up'
      user?: ShownUser
      /** Which of the user's client sessions is this login's. */
      binding?: string
      /** As `act:reason`; absent when the record forbids it. */
      verdict?: string
      sentence: string
    }

/** The admin function said no, or could not. */
export class AdminRefusal extends Error {
  override readonly name = 'AdminRefusal'
  readonly problem: AdminProblem
  readonly requestId: string

  constructor(problem: AdminProblem, requestId: string) {
    super(problem.detail ?? problem.title)
    this.problem = problem
    this.requestId = requestId
  }
}

export type CallAdmin = <C extends CommandName>(command: C, params: Params<C>) => Promise<Result<C>>

/**
 * `send` carries a request's JSON to the function and brings its answer's JSON back; what it throws is passed on.
 * The returned function throws `AdminRefusal`.
 */
export function adminCaller(options: { by: string; send: (payload: string) => Promise<string> }): CallAdmin {
  return async function callAdmin<C extends CommandName>(command: C, params: Params<C>) {
    const request: AdminRequest<C> = { version: contractVersion, command, params, by: options.by }
    const answer = JSON.parse(await options.send(JSON.stringify(request))) as AdminAnswer<C>
    if ('problem' in answer) throw new AdminRefusal(answer.problem, answer.request_id)
    return answer.result
  }
}
