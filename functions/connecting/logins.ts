import { hash } from 'node:crypto'
import { type LoginFault, recordLoginOf } from '../accounts/acts.ts'
import type { AccountDeps } from '../accounts/change.ts'
import type { Deadline } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import type { ConnectWebview, Seam } from '../seam/client.ts'
import { ownerAtSeam } from '../seam/workspace.ts'
import type { Table } from '../table/table.ts'

/** Whose the account is that somebody has connected, and giving it to them. */

export interface LoginDeps extends AccountDeps {
  table: AccountDeps['table'] & Pick<Table, 'readWebview'>
  seam: AccountDeps['seam'] & Pick<Seam, 'listWebviewMakers' | 'getWebview'>
}

/** A login in a Connect Webview that has succeeded. Its time is the webview's: each event carries another. */
export interface Login {
  webview: Pick<ConnectWebview, 'connect_webview_id' | 'authorized_at' | 'created_at'>
  connected_account_id: string
}

/** Why an account was given to nobody; fixed words, for the log. */
export type NotConnected = 'not_ours' | 'several_owners' | 'webview_expired' | LoginFault

/** `owner`: whose it is, where that was proved. */
export type Connected = { owner: string; reason?: NotConnected } | { owner?: undefined; reason: NotConnected }

/** Law 2: the answer is about this very webview, in our workspace. */
export async function webviewAtSeam(
  { seam, workspace }: LoginDeps,
  connect_webview_id: string,
  deadline: Deadline,
): Promise<ConnectWebview> {
  const webview = await seam.getWebview({ connect_webview_id }, deadline)
  const { workspace_id } = await workspace.settings(deadline)
  if (webview.workspace_id === workspace_id && webview.connect_webview_id === connect_webview_id)
    return webview
  throw new Problem('upstream_rejected', { dependency: 'seam', reason: 'another_webview' })
}

/** Throws an outage while the account, or what live sessions need for it, is unavailable; may be repeated. */
export async function takeLogin(deps: LoginDeps, login: Login, deadline: Deadline): Promise<Connected> {
  const { webview, connected_account_id: accountId } = login
  const { connect_webview_id, authorized_at } = webview
  // Without a time it may be as old as can be.
  const at = Date.parse(authorized_at ?? webview.created_at ?? '') || 0
  const proved = await findOwner(deps, login, at, deadline)
  if (proved.owner === undefined) return proved
  const { owner, made_at } = proved
  const mark = hash('sha256', `${connect_webview_id}|${accountId}`, 'base64url').slice(0, 16)
  const tooOld = deps.clock() > made_at + deps.terms.times.eventKept
  const { fault, result } = await recordLoginOf(deps, { owner, accountId, mark, at, tooOld }, deadline)
  if (fault !== undefined) return { owner, reason: fault }
  if (result?.failure !== undefined) throw result.failure
  return { owner }
}

type Proof = { owner: string; made_at: number } | { owner?: undefined; reason: NotConnected }

/**
 * Only two things prove it: that we made this webview for somebody, or that it was made with somebody's live
 * client session. Any browser can have written what is in `custom_metadata`.
 */
async function findOwner(
  deps: LoginDeps,
  { webview }: Login,
  at: number,
  deadline: Deadline,
): Promise<Proof> {
  const { connect_webview_id, created_at } = webview
  const ours = await deps.table.readWebview(connect_webview_id)
  if (ours !== undefined)
    return at < ours.expires_at ? { owner: ours.owner, made_at: ours.made_at } : { reason: 'webview_expired' }

  const settings = await deps.workspace.settings(deadline)
  const makers = await deps.seam.listWebviewMakers({ connect_webview_id }, deadline)
  const owners = new Set<string>()
  for (const maker of makers) {
    // A list that ignored its filter would show every client session.
    if (!maker.connect_webview_ids.includes(connect_webview_id)) continue
    const owner = ownerAtSeam(maker, settings)
    const user = owner === undefined ? undefined : await deps.table.readUser(owner)
    // A live key only: a retired one is worthless (law 1).
    const isLive = Object.values(user?.sessions ?? {}).some(
      ({ user_identifier_key: key }) => key === maker.user_identifier_key,
    )
    if (user !== undefined && isLive) owners.add(user.owner)
  }
  const [owner, ...others] = owners
  if (owner === undefined) return { reason: 'not_ours' }
  return others.length > 0
    ? { reason: 'several_owners' }
    : { owner, made_at: Date.parse(created_at ?? '') || at }
}
