import { type ConnectWebviewAnswer, type StatusAnswer, toldReasons } from '../http/contract.ts'
import { Problem } from '../http/problem.ts'
import { updateUser } from '../record/update.ts'
import type { ConnectWebview, Seam } from '../seam/client.ts'
import type { Table } from '../table/table.ts'
import type { WebviewStatus } from '../table/webviews.ts'
import { budgetWindowAt } from '../times.ts'
import { type AdmitDeps, admitCaller, type CallerRequest, checkCaller } from '../vending/admit.ts'
import { type LoginDeps, takeLogin, webviewAtSeam } from './logins.ts'
import type { WebviewOptions } from './webview-options.ts'

/** Self-service: a caller connects an account of their own, in a Connect Webview that we make and remember. */

export type ConnectDeps = LoginDeps & AdmitDeps & { table: Table; seam: Seam }

export async function makeWebview(
  deps: ConnectDeps,
  { caller, options, deadline, audit }: CallerRequest & { options: WebviewOptions },
): Promise<ConnectWebviewAnswer> {
  const { table, seam, workspace, clock, terms } = deps
  const user = await admitCaller(deps, caller)
  await takeFromBudget(deps, user.owner)
  // A login is given to a record only.
  if (user.revision === undefined) await updateUser(deps, user, user)

  const { workspace_id } = await workspace.settings(deadline)
  const made_at = clock()
  const webview = await seam.createWebview(options, deadline)
  if (webview.workspace_id !== workspace_id) throw wrongAnswer('other_workspace')
  const { connect_webview_id, url } = webview
  const expires_at = made_at + terms.times.connectWebview
  // Before the address leaves: from then on somebody may log in.
  const expires = Math.ceil((expires_at + terms.times.eventKept) / 1000)
  const record = { owner: user.owner, made_at, expires_at }
  if (!(await table.putWebview(connect_webview_id, record, expires))) throw wrongAnswer('webview_of_another')
  audit.connect_webview_id = connect_webview_id
  return { connect_webview_id, url, expires_at: new Date(expires_at).toISOString() }
}

/** Each user's own, so that nobody can use up another's. */
async function takeFromBudget(
  { table, clock, terms, configuration }: ConnectDeps,
  owner: string,
): Promise<void> {
  const { connectWebviewsPerHour: most } = configuration.limits
  const { number, retryAfter, expires } = budgetWindowAt(clock(), terms.times)
  if (await table.takeFromBudget(`webviews#${number}#${owner}`, most, expires)) return
  throw new Problem('rate_limited', {
    reason: 'connect_webviews',
    detail: `At most ${most} Connect Webviews an hour.`,
    retryAfter,
  })
}

/** While nobody knows, asks Seam, and when the login is done does what the webhook does: that may be late, or lost. */
export async function readStatus(
  deps: ConnectDeps,
  request: CallerRequest & { connectWebviewId: string },
): Promise<StatusAnswer> {
  const { table, clock, terms } = deps
  const { caller, connectWebviewId, deadline, audit } = request
  const webview = await table.readWebview(connectWebviewId)
  const user = webview?.owner === caller.owner ? await table.readUser(caller.owner) : undefined
  if (webview === undefined || user === undefined)
    throw new Problem('not_found', {
      detail: 'You have no such Connect Webview.',
      reason: webview === undefined ? 'unknown_webview' : 'webview_of_another',
    })
  checkCaller(deps, user, caller)
  audit.connect_webview_id = connectWebviewId
  if (webview.status === 'connected') return { status: 'connected' }
  const known = { status: webview.status ?? ('pending' as const), reason: told(webview.reason) }
  if (known.reason !== undefined) return known

  const now = clock()
  if (!(await table.takeTurnToAsk(connectWebviewId, now, now - terms.times.askWebview))) return known
  const seen = await webviewAtSeam(deps, connectWebviewId, deadline)
  const { status, reason } = await statusOf(deps, seen, request)
  if (status === 'pending' && now >= webview.expires_at) return { status: 'failed' }
  if (status !== webview.status || reason !== undefined)
    await table.noteWebviewStatus(connectWebviewId, status, reason)
  return { status, reason: told(reason) }
}

async function statusOf(
  deps: ConnectDeps,
  webview: ConnectWebview,
  { caller, deadline, audit }: CallerRequest,
): Promise<{ status: WebviewStatus; reason?: string }> {
  const { connected_account_id } = webview
  if (webview.status === 'failed') return { status: 'failed' }
  if (webview.status !== 'authorized' || !connected_account_id) return { status: 'pending' }
  const { owner, reason } = await takeLogin(deps, { webview, connected_account_id }, deadline)
  audit.connected_account_id = connected_account_id
  if (reason !== undefined) audit.reason = reason
  return { status: owner === caller.owner && reason === undefined ? 'connected' : 'failed', reason }
}

function told(reason: string | undefined): StatusAnswer['reason'] {
  return toldReasons.safeParse(reason).data
}

/** Law 2: whatever is wrong with an answer of Seam's, nothing comes of it. */
function wrongAnswer(reason: string): Problem {
  return new Problem('upstream_rejected', { dependency: 'seam', reason })
}
