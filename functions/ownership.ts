import type { AccountKeeper, Consequence } from './accounts/accounts.ts'
import type { Deadline } from './deadline.ts'
import { Problem } from './problem.ts'
import type { Seam } from './seam.ts'
import type { WebviewTable } from './table/accounts.ts'
import type { Table } from './table/table.ts'
import type { Times } from './times.ts'
import { leaseHeld } from './user.ts'
import { ownerAtSeam, type WorkspaceKnower } from './workspace.ts'

/** Whose the account is that somebody has connected, and giving it to them. */

/** A login in a Connect Webview that has succeeded, as Seam tells it. */
export interface Login {
  connect_webview_id: string
  connected_account_id: string
  /** Epoch milliseconds, by Seam's clock. */
  at: number
}

/** Why an account was given to nobody; fixed words, for the log. */
export type NotConnected =
  | 'not_ours'
  | 'several_owners'
  | 'webview_expired'
  | 'login_too_old'
  | 'no_record'
  | 'too_many_accounts'
  | 'account_deleted'

/** `owner`: whose it is, where that was proved. */
export type Connected = { owner: string; reason?: NotConnected } | { owner?: undefined; reason: NotConnected }

/** Throws an outage while the account, or what the live client session needs for it, cannot be had; may be repeated. */
export type ConnectAccount = (login: Login, deadline: Deadline) => Promise<Connected>

interface Edges {
  table: Pick<Table, 'readUser'> & Pick<WebviewTable, 'readWebview' | 'hasEvent' | 'markEvent'>
  seam: Pick<Seam, 'listWebviewMakers'>
  workspace: WorkspaceKnower
  keeper: Pick<AccountKeeper, 'connect'>
  clock: () => number
  sleep: (ms: number) => Promise<void>
}

export function accountConnector(edges: Edges, times: Times): ConnectAccount {
  const { table, seam, workspace, keeper, clock, sleep } = edges

  return async function connectAccount(login, deadline) {
    const proved = await findOwner(login, deadline)
    if (proved.owner === undefined) return proved
    const { owner } = proved
    const { connect_webview_id, connected_account_id, at } = login
    // Three events tell of one login, perhaps hours apart: what an operator has withdrawn since must stay withdrawn.
    const mark = `login|${connect_webview_id}|${connected_account_id}`
    // Then the mark may be gone, and a page that asks how its webview goes would bring the account back.
    if (clock() >= at + times.eventKept) return { owner, reason: 'login_too_old' }
    const accounts = (await table.hasEvent(mark)) ? [] : [connected_account_id]
    try {
      const given = await keeper.connect(owner, accounts, deadline)
      const marked = times.eventKept + times.clockSkew
      if (accounts.length > 0) await table.markEvent(mark, Math.ceil((clock() + marked) / 1000))
      const trouble = await troubleAfter(given, deadline)
      if (trouble !== undefined) throw trouble
      return given.deletedAccountIds.length > 0 ? { owner, reason: 'account_deleted' } : { owner }
    } catch (error) {
      const code = error instanceof Problem ? error.code : undefined
      if (code === 'not_found') return { owner, reason: 'no_record' }
      if (code === 'invalid_request') return { owner, reason: 'too_many_accounts' }
      throw error
    }
  }

  /** Often another event of the same login is widening the client session: that is no trouble, if it gets there. */
  async function troubleAfter(given: Consequence, deadline: Deadline): Promise<Problem | undefined> {
    const until = clock() + times.waiting
    let { user, trace, trouble } = given
    while (trouble !== undefined && trace.seam_calls.length === 0 && leaseHeld(user, clock())) {
      if (clock() >= until || deadline.left() < times.seam) break
      await sleep(times.seam / 15)
      ;({ user, trace, trouble } = await keeper.connect(user.owner, [], deadline))
    }
    return trouble
  }

  /**
   * Only two things prove it: that we made this webview for somebody, or that it was made with somebody's live
   * client session. What stands in `custom_metadata` any browser can have written.
   */
  async function findOwner({ connect_webview_id, at }: Login, deadline: Deadline): Promise<Connected> {
    const webview = await table.readWebview(connect_webview_id)
    if (webview !== undefined)
      return at < webview.expires_at ? { owner: webview.owner } : { reason: 'webview_expired' }

    const settings = await workspace.settings(deadline)
    const makers = await seam.listWebviewMakers({ connect_webview_id }, deadline)
    const owners = new Set<string>()
    for (const maker of makers) {
      // A list that ignored its filter would show every client session.
      if (!maker.connect_webview_ids.includes(connect_webview_id)) continue
      const owner = ownerAtSeam(maker, settings)
      const user = owner === undefined ? undefined : await table.readUser(owner)
      // The live key only: a let-go one is worthless (law 1).
      if (user !== undefined && user.user_identifier_key === maker.user_identifier_key) owners.add(user.owner)
    }
    const [owner, ...others] = owners
    if (owner === undefined) return { reason: 'not_ours' }
    return others.length > 0 ? { reason: 'several_owners' } : { owner }
  }
}
