import * as z from 'zod/v4-mini'
import { type Admit, checkCaller } from './admission.ts'
import type { Caller } from './caller/caller.ts'
import type { Change } from './change.ts'
import type { Configuration } from './config.ts'
import type { Deadline } from './deadline.ts'
import type { Audit } from './log.ts'
import type { ConnectAccount } from './ownership.ts'
import { Problem } from './problem.ts'
import type { ConnectWebview, Seam } from './seam.ts'
import type { WebviewStatus, WebviewTable } from './table/accounts.ts'
import type { Table } from './table/table.ts'
import { budgetWindowAt, type Times } from './times.ts'
import type { User } from './user.ts'
import { barredReason } from './verdict.ts'
import type { WorkspaceKnower } from './workspace.ts'

/** Self-service: a caller connects an account of their own, in a Connect Webview that we make and remember. */

/** What a page may ask for: nothing in it names anybody, and the way back leads to the app's own pages. */
export function webviewOptionsFor(allowedOrigins: string[]) {
  const ownPage = z.string().check(
    z.maxLength(1000),
    // Passed on as it was read: others may read backslashes and line ends in another way.
    z.overwrite((address) => URL.parse(address)?.href ?? ''),
    // The origin of `blob:https://app.example/…` is that page's as well.
    z.refine((href) => allowedOrigins.some((origin) => href.startsWith(`${origin}/`))),
  )
  return z.strictObject({
    accepted_providers: z.optional(
      z.array(z.string().check(z.regex(/^[a-z0-9_]{1,64}$/))).check(z.minLength(1), z.maxLength(100)),
    ),
    accepted_capabilities: z.optional(
      z
        .array(z.enum(['lock', 'thermostat', 'noise_sensor', 'access_control', 'camera']))
        .check(z.minLength(1), z.maxLength(5)),
    ),
    custom_redirect_url: z.optional(ownPage),
    custom_redirect_failure_url: z.optional(ownPage),
    /** Whether Seam calls the login complete only when the devices are there. */
    wait_for_device_creation: z._default(z.boolean(), true),
  })
}
export type WebviewOptions = z.infer<ReturnType<typeof webviewOptionsFor>>

export interface MadeWebview {
  connect_webview_id: string
  url: string
  expires_at: string
}

interface Asking {
  caller: Caller
  deadline: Deadline
  audit: Audit
}

export type MakeWebview = (asking: Asking & { options: WebviewOptions }) => Promise<MadeWebview>
export type ReadStatus = (asking: Asking & { connectWebviewId: string }) => Promise<WebviewStatus>

export function webviewMaker(
  edges: {
    admit: Admit
    change: Change
    table: Pick<Table, 'takeFromBudget'> & Pick<WebviewTable, 'putWebview'>
    seam: Pick<Seam, 'createWebview'>
    workspace: WorkspaceKnower
    clock: () => number
  },
  times: Times,
  limits: Configuration['limits'],
): MakeWebview {
  const { admit, change, table, seam, workspace, clock } = edges

  return async function makeWebview({ caller, options, deadline, audit }) {
    const user = await admit(caller)
    checkNotBarred(user, caller, clock())
    await takeFromBudget(user.owner)
    // A login is given to a record only.
    if (user.revision === undefined) await change(user, user)

    const { workspace_id } = await workspace.settings(deadline)
    const webview = await seam.createWebview(options, deadline)
    if (webview.workspace_id !== workspace_id) throw wrongAnswer('other_workspace')
    const { connect_webview_id, url } = webview
    const expires_at = clock() + times.connectWebview
    // Before the address leaves: from then on somebody may log in.
    const expires = Math.ceil((expires_at + times.eventKept) / 1000)
    if (!(await table.putWebview(connect_webview_id, { owner: user.owner, expires_at }, expires)))
      throw wrongAnswer('webview_of_another')
    audit.connect_webview_id = connect_webview_id
    return { connect_webview_id, url, expires_at: new Date(expires_at).toISOString() }
  }

  /** Each user's own, so that nobody can use up another's. */
  async function takeFromBudget(owner: string): Promise<void> {
    const { number, retryAfter, expires } = budgetWindowAt(clock(), times)
    if (await table.takeFromBudget(`webviews#${number}#${owner}`, limits.connectWebviewsPerHour, expires))
      return
    throw new Problem('rate_limited', {
      reason: 'connect_webviews',
      detail: `At most ${limits.connectWebviewsPerHour} Connect Webviews an hour.`,
      retryAfter,
    })
  }
}

export function statusReader(
  edges: {
    table: Pick<Table, 'readUser'> & Pick<WebviewTable, 'readWebview' | 'takeTurnToAsk' | 'noteWebviewStatus'>
    seam: Pick<Seam, 'getWebview'>
    workspace: WorkspaceKnower
    connectAccount: ConnectAccount
    clock: () => number
  },
  times: Times,
  configuration: Configuration,
): ReadStatus {
  const { table, seam, workspace, connectAccount, clock } = edges

  /** While nobody knows, asks Seam, and when the login is done does what the webhook does: that may be lost, or not set up yet. */
  return async function readStatus({ caller, connectWebviewId, deadline, audit }) {
    const webview = await table.readWebview(connectWebviewId)
    const user = webview?.owner === caller.owner ? await table.readUser(caller.owner) : undefined
    if (webview === undefined || user === undefined)
      throw new Problem('not_found', {
        detail: 'You have no such Connect Webview.',
        reason: webview === undefined ? 'unknown_webview' : 'webview_of_another',
      })
    checkCaller(user, caller, configuration)
    checkNotBarred(user, caller, clock())
    audit.connect_webview_id = connectWebviewId
    if (webview.status === 'connected') return webview.status

    const now = clock()
    const itsTurn = await table.takeTurnToAsk(connectWebviewId, now, now - times.askWebview)
    if (!itsTurn) return webview.status ?? 'pending'
    const seen = await seam.getWebview({ connect_webview_id: connectWebviewId }, deadline)
    const status = await statusOf(seen)
    if (status === 'pending' && now >= webview.expires_at) return 'failed'
    if (status !== webview.status) await table.noteWebviewStatus(connectWebviewId, status)
    return status

    async function statusOf(it: ConnectWebview): Promise<WebviewStatus> {
      const { workspace_id } = await workspace.settings(deadline)
      if (it.workspace_id !== workspace_id || it.connect_webview_id !== connectWebviewId)
        throw wrongAnswer('another_webview')
      if (it.status === 'failed') return 'failed'
      if (it.status !== 'authorized' || !it.connected_account_id) return 'pending'
      const { connect_webview_id, connected_account_id, authorized_at } = it
      const at = authorized_at ? Date.parse(authorized_at) : now
      const { owner, reason } = await connectAccount(
        { connect_webview_id, connected_account_id, at },
        deadline,
      )
      audit.connected_account_id = connected_account_id
      if (reason !== undefined) audit.reason = reason
      return owner === caller.owner && reason === undefined ? 'connected' : 'failed'
    }
  }
}

function checkNotBarred(user: User, { subject }: Caller, now: number): void {
  if (barredReason(user, now) !== undefined) throw new Problem('subject_disabled', { subject })
}

/** Law 2: whatever is wrong with an answer of Seam's, nothing comes of it. */
function wrongAnswer(reason: string): Problem {
  return new Problem('upstream_rejected', { dependency: 'seam', reason })
}
