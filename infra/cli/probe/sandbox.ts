import { randomUUID } from 'node:crypto'
import type { ClientSession, Workspace } from '../../../functions/seam/client.ts'
import type { Readings } from '../../local/seam/state.ts'
import { Refused } from '../errors.ts'
import { bearer, post } from '../send.ts'
import { openWorkspace, type SeamAccess } from '../setup/seam.ts'

/** A Seam workspace for trying things, and how to undo all that was made in it, so that nothing of it stays. */
export interface Sandbox extends SeamAccess {
  workspace: Workspace
  /** Connected accounts that were there before. */
  accountIds: string[]
  /** What was made, and the call that undoes it; at the end, the latest first. */
  undo: Map<string, [path: string, params: object]>
  clock(): number
  sleep(ms: number): Promise<unknown>
  /** A person logs in to a Connect Webview; absent: there is none. */
  logIn?:
    | ((webview: { connect_webview_id: string; url: string }, sandbox: Sandbox) => Promise<void>)
    | undefined
}

/** @throws CliError unless the key opens a sandbox workspace: in no other one is anything asked */
export async function openSandbox(
  options: Pick<Sandbox, 'endpoint' | 'apiKey' | 'clock' | 'sleep' | 'logIn'>,
): Promise<Sandbox> {
  const { apiKey, workspace } = await openWorkspace(options)
  if (!workspace.is_sandbox)
    throw new Refused(
      `${workspace.name ?? workspace.workspace_id} is a production workspace. Give the API key of a sandbox workspace: nothing is tried in any other.`,
    )
  const sandbox: Sandbox = { ...options, apiKey, workspace, accountIds: [], undo: new Map() }
  const { body } = await call(sandbox, '/connected_accounts/list')
  const accounts: { connected_account_id: string }[] = body?.connected_accounts ?? []
  sandbox.accountIds = accounts.map(({ connected_account_id }) => connected_account_id)
  return sandbox
}

/** One POST, by the API key unless told otherwise; never throws for what is answered. */
export async function call(
  sandbox: Sandbox,
  path: string,
  params: object = {},
  credentials: Record<string, string> = bearer(sandbox.apiKey),
) {
  const reply = await post(`${sandbox.endpoint}${path}`, credentials, params)
  const client_session_id = reply.body?.client_session?.client_session_id
  const what = `client session ${client_session_id}`
  if (typeof client_session_id === 'string' && !sandbox.undo.has(what))
    sandbox.undo.set(what, ['/client_sessions/delete', { client_session_id }])
  return reply
}

/** `ok` when Seam did it, else such as `400 invalid_input`. */
export const said = ({ status, type }: Awaited<ReturnType<typeof post>>, ok?: string) =>
  status === 200 && ok !== undefined ? ok : `${status} ${type ?? ''}`.trimEnd()

export const getOrCreate = '/client_sessions/get_or_create'

/** A new key that nobody else uses. */
export const newKey = () => `probe_${randomUUID()}`

/** `get_or_create` by the API key, for an hour and no account unless `params` say otherwise. Throws `Unanswered` when it is refused. */
export async function vend(
  sandbox: Sandbox,
  user_identifier_key = newKey(),
  params: { connected_account_ids?: string[]; user_identity_id?: string; expires_at?: string } = {},
): Promise<ClientSession> {
  const expires_at = new Date(sandbox.clock() + 3_600_000).toISOString()
  const asked = { user_identifier_key, expires_at, connected_account_ids: [], ...params }
  const reply = await call(sandbox, getOrCreate, asked)
  if (reply.body?.client_session?.token === undefined)
    throw new Unanswered(`get_or_create answers ${said(reply)}`)
  return reply.body.client_session
}

/** Ends everything; returns what could not be undone. */
export async function cleanUp(sandbox: Sandbox): Promise<string[]> {
  const left: string[] = []
  for (const [what, [path, params]] of [...sandbox.undo].reverse()) {
    const { status } = await call(sandbox, path, params)
    if (status !== 200 && status !== 404) left.push(what)
  }
  return left
}

/** Something that Seam's documentation leaves open: a clause of the contract between Seam and the local Seam. */
export interface Question {
  asks: string
  /** What the local Seam answers with its plain readings; tests hold it to that. */
  local: string
  /** Which of the local Seam's readings an answer means, by how the answer begins. */
  reading?: { [Name in keyof Readings]?: Record<string, Readings[Name]> }
  /** The answer in a few words; throws `Unanswered` where there can be none. */
  ask(sandbox: Sandbox): Promise<string>
}

/** Why a question has no answer here: a sentence. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered'
}
