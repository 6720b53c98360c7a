/** The machine's fixed words as a person says them. What is not here is shown as it is. */

export const acts: Record<string, string> = {
  reuse: 'Hand out the token there is',
  extend: 'Extend the client session',
  widen: 'Let the client session open more',
  replace: 'Replace the client session',
  create: 'Make a client session',
  retire: 'End the client session',
  leave: 'Leave everything as it is',
}

export const reasons: Record<string, string> = {
  first_request: 'none is recorded',
  nothing_recorded: 'no client session is recorded',
  unfinished: 'one was begun and not finished',
  in_progress: 'somebody is making one right now',
  abandoned: 'somebody began one and left',
  live: 'it is good for a while',
  nothing_to_gain: 'it ends when the access ends',
  expiring: 'it ends soon',
  accounts_added: 'an account was added',
  interrupted: 'somebody began to change it and left',
  account_unknown: 'Seam does not know an account',
  expired: 'the old one has expired',
  longest_age: 'the old one has reached its longest age',
  other_generation: 'the old one is of another generation',
  other_binding: 'no issuer makes such logins any more',
  other_identity: 'the user has another identity',
  unreadable_token: 'its token cannot be opened',
  disabled: 'the user is disabled',
  removed: 'the user is removed',
  access_ended: 'the access has ended',
  rate_limited: 'too many were made lately',
  // Why a bearer token was refused.
  exp: 'it has expired',
  expired_token: 'it has expired',
  reported_dead: 'reported dead a moment ago',
  no_connection: 'no connection',
}

export const commands: Record<string, string> = {
  withdraw: 'The operator took an account away',
  grant: 'The operator gave an account',
  disable: 'The operator disabled the user',
  enable: 'The operator enabled the user',
  end_at_seam: 'Somebody deleted the client session at Seam',
  break_down: 'Seam is down: every call gets a 503',
  break_silent: 'Seam answers no more',
  break_slow: 'Seam is slow: every answer takes 1.2 s more',
  break_wrong: 'Seam answers with an account too many',
  mend: 'Seam works again',
}

/** The calls of the Seam client, as Seam names them. */
export const seamPaths: Record<string, string> = {
  getOrCreate: 'client_sessions/get_or_create',
  delete: 'client_sessions/delete',
  list: 'client_sessions/list',
  getWorkspace: 'workspaces/get',
  createWebview: 'connect_webviews/create',
  getWebview: 'connect_webviews/get',
  listWebviewMakers: 'client_sessions/list',
  listConnectedAccounts: 'connected_accounts/list',
  listConnectedAccountIds: 'connected_accounts/list',
  knowsAccount: 'connected_accounts/get',
  knowsIdentity: 'user_identities/get',
}

export const refusals: Record<string, string> = {
  network: 'The API cannot be reached',
  get_token_failed: 'The identity provider cannot be reached',
  missing_token: 'No bearer token was sent',
  invalid_token: 'The bearer token was refused',
  claim_denied: 'The bearer token’s claims grant no access',
  not_provisioned: 'This user has no access here',
  subject_disabled: 'The access of this user has ended',
  rate_limited: 'Too many were asked for; later again',
  upstream_rejected: 'Seam’s answer was not what was asked for, so nothing was handed out',
  upstream_unavailable: 'Seam or the table could not be had',
  upstream_timeout: 'Seam or the table did not answer in time',
  busy: 'The client session is being made',
  issuer_keys_unavailable: 'The identity provider’s keys cannot be had',
}

export const reportRows: [name: string, label: string][] = [
  ['looked_at', 'records looked at'],
  ['already_gone', 'already gone at Seam'],
  ['strays_ended', 'strays ended'],
  ['settled', 'retired keys settled'],
  ['accounts_settled', 'deleted accounts settled'],
  ['failed', 'failed'],
  ['held_back', 'held back by the fuse'],
  ['left_for_next_time', 'left for next time'],
]
