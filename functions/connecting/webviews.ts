import * as z from 'zod/v4-mini'
import type { LoginFault } from '../accounts/acts.ts'
import type { Caller } from '../caller/caller.ts'
import type { Audit } from '../http/audit.ts'
import type { StatusAnswer } from '../http/contract.ts'
import type { Deadline } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import { updateUser } from '../record/update.ts'
import type { ConnectWebview, Seam } from '../seam/client.ts'
import type { Table } from '../table/table.ts'
import type { WebviewStatus } from '../table/webviews.ts'
import { budgetWindowAt } from '../times.ts'
import { type AdmitDeps, admitCaller, checkCaller } from '../vending/admit.ts'
import { type LoginDeps, takeLogin } from './logins.ts'

/** Self-service: a caller connects an account of their own, in a Connect Webview that we make and remember. */

/** What a page may ask for: nothing in it names anybody, and the way back leads to the app's own pages. */
export function webviewOptionsFor(allowedOrigins: string[], allowedRedirects: string[] = []) {
  const starts = [...allowedOrigins.map((origin) => `${origin}/`), ...allowedRedirects]
  const providers = z
    .array(z.string().check(z.regex(/^[a-z0-9_]{1,64}$/)))
    .check(z.minLength(1), z.maxLength(100))
  const ownPage = z.string().check(
    z.maxLength(1000),
    // Passed on as it was read: others may read backslashes and line ends in another way.
    z.overwrite((address) => URL.parse(address)?.href ?? ''),
    // The origin of `blob:https://app.example/…` is that page's as well.
    z.refine((href) => starts.some((start) => href.startsWith(start))),
  )
  return z.strictObject({
    accepted_providers: z.optional(providers),
    excluded_providers: z.optional(providers),
    provider_category: z.optional(z.string().check(z.regex(/^(?!internal)[a-z_]{1,64}$/))),
    accepted_capabilities: z.optional(
      z
        .array(z.enum(['lock', 'thermostat', 'noise_sensor', 'access_control', 'camera']))
        .check(z.minLength(1), z.maxLength(5)),
    ),
    device_selection_mode: z.optional(z.enum(['none', 'single', 'multiple'])),
    automatically_manage_new_devices: z.optional(z.boolean()),
    custom_redirect_url: z.optional(ownPage),
    custom_redirect_failure_url: z.optional(ownPage),
    /** Whether Seam calls the login complete only when the devices are there. */
    wait_for_device_creation: z._default(z.boolean(), true),
  })
}
export type WebviewOptions = z.infer<ReturnType<typeof webviewOptionsFor>>

export type ConnectDeps = LoginDeps &
  AdmitDeps & {
    table: LoginDeps['table'] &
      AdmitDeps['table'] &
      Pick<Table, 'putWebview' | 'takeTurnToAsk' | 'noteWebviewStatus'>
    seam: LoginDeps['seam'] & Pick<Seam, 'createWebview'>
  }

export interface WebviewRequest {
  caller: Caller
  deadline: Deadline
  audit: Audit
}

export interface MadeWebview {
  connect_webview_id: string
  url: string
  expires_at: string
}

export async function makeWebview(
  deps: ConnectDeps,
  { caller, options, deadline, audit }: WebviewRequest & { options: WebviewOptions },
): Promise<MadeWebview> {
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
  { caller, connectWebviewId, deadline, audit }: WebviewRequest & { connectWebviewId: string },
): Promise<StatusAnswer> {
  const { table, seam, clock, terms } = deps
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
  const known = { status: webview.status ?? ('pending' as const), ...told(webview.reason) }
  if (known.reason !== undefined) return known

  const now = clock()
  if (!(await table.takeTurnToAsk(connectWebviewId, now, now - terms.times.askWebview))) return known
  const seen = await seam.getWebview({ connect_webview_id: connectWebviewId }, deadline)
  const { status, reason } = await statusOf(deps, seen, { caller, connectWebviewId, deadline, audit })
  if (status === 'pending' && now >= webview.expires_at) return { status: 'failed' }
  if (status !== webview.status || reason !== undefined)
    await table.noteWebviewStatus(connectWebviewId, status, reason)
  return { status, ...told(reason) }
}

async function statusOf(
  deps: ConnectDeps,
  seen: ConnectWebview,
  { caller, connectWebviewId, deadline, audit }: WebviewRequest & { connectWebviewId: string },
): Promise<{ status: WebviewStatus; reason?: string }> {
  const { workspace_id } = await deps.workspace.settings(deadline)
  if (seen.workspace_id !== workspace_id || seen.connect_webview_id !== connectWebviewId)
    throw wrongAnswer('another_webview')
  if (seen.status === 'failed') return { status: 'failed' }
  if (seen.status !== 'authorized' || !seen.connected_account_id) return { status: 'pending' }
  const { connected_account_id } = seen
  const { owner, reason } = await takeLogin(deps, { webview: seen, connected_account_id }, deadline)
  audit.connected_account_id = connected_account_id
  if (reason !== undefined) audit.reason = reason
  return owner === caller.owner && reason === undefined
    ? { status: 'connected' }
    : { status: 'failed', ...(reason && { reason }) }
}

/** Why the login gave nothing, where that is the page's business. */
const toldReasons = [
  'account_deleted',
  'login_too_old',
  'withdrawn_since',
  'too_many_accounts',
  'already_counted',
] as const satisfies LoginFault[]

function told(reason: string | undefined): Pick<StatusAnswer, 'reason'> {
  const known = toldReasons.find((one) => one === reason)
  return known === undefined ? {} : { reason: known }
}

/** Law 2: whatever is wrong with an answer of Seam's, nothing comes of it. */
function wrongAnswer(reason: string): Problem {
  return new Problem('upstream_rejected', { dependency: 'seam', reason })
}
